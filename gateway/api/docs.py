"""``/docs``: Swagger UI over the OpenAPI document made from the code. Its files come from a package."""

from __future__ import annotations

from pathlib import Path

import flask_openapi3_swagger
from flask import Blueprint, Response, send_from_directory

FILES = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
SECURITY = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
DESCRIPTION = """\
The routes under `/v2/notifications`, `/v2/template…` and `/v2/received-text-messages` are
GOV.UK Notify's: its official clients work here with this address and a key of this instance.
Transactions, broadcasts, voice and batches stand beside them.

**Who calls.** Every call carries `Authorization: Bearer <JWT>`: HS256, `iss` = your service id,
`iat` = now in epoch seconds (within 30 s), signed with the last 36 characters of your API key.
`python3 run.py token` prints one to try things with curl.

**Once.** Send an `Idempotency-Key` header with every POST and repeat it with the same key until
you have an answer: the work is done once. An answer is kept for a day at least.

**Errors** are `{"status_code", "errors": [{"error", "message", "next_step"}]}`, on unknown routes
(404) and methods (405) too; `next_step` says what to do.

Bodies are JSON in UTF-8, whatever the Content-Type says. Times are UTC with six decimals."""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>回音 Huiyin API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/files/css/swagger-ui.css"></head>
<body><main id="ui"></main>
<script src="/docs/files/js/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
<noscript>This page needs JavaScript; here is <a href="/docs/openapi.json">the document itself</a>.</noscript>
</body></html>"""
START = 'SwaggerUIBundle({url: "/docs/openapi.json", dom_id: "#ui", deepLinking: true});'


def blueprint() -> Blueprint:
    pages = Blueprint("docs", __name__, url_prefix="/docs")

    @pages.get("/", strict_slashes=False)
    def show() -> str:
        return PAGE

    @pages.get("/start.js")
    def start() -> Response:
        return Response(START, content_type="text/javascript; charset=utf-8")

    @pages.get("/files/<path:name>")
    def files(name: str) -> Response:
        return send_from_directory(FILES, name)

    return pages
