"""``POST /callbacks/<provider>/<secret>/<kind>``: verified, kept raw, answered in milliseconds.

The path's secret keeps strangers out: without it nobody learns which providers and kinds
there are. The provider's own proof (address list, signature) is checked beside it. Nothing
is applied here, whatever the body says it is: workers do that.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request

from gateway.delivery import receipts
from gateway.providers import Callback, Reporter
from gateway.runtime import Runtime
from gateway.security import same

LARGEST = 1024 * 1024  # bytes of a push; some hundred receipts have about 100 kB
LARGEST_OF = {"email": 12 * 1024 * 1024}  # a report may bring the whole mail back


def blueprint(runtime: Runtime) -> Blueprint:
    """The callback routes for this process's Runtime."""
    door = Blueprint("callbacks", __name__, url_prefix="/callbacks")
    reporters = {name: one for name, one in runtime.providers.items() if isinstance(one, Reporter)}

    @door.post("/<provider>/<secret>/<kind>")
    def receive(provider: str, secret: str, kind: str) -> Response:
        reporter = _right(runtime, secret, reporters.get(provider), kind)
        callback = _callback(runtime, kind, _body(LARGEST_OF.get(reporter.channel, LARGEST)))
        if not _genuine(reporter, callback):
            current_app.logger.warning("callback refused: not from %s", provider)
            abort(403, "This is not signed by the provider, or does not come from where it sends.")
        if receipts.keep_now(runtime, provider, callback):
            runtime.wake(receipts.LANE)
        body, content_type = reporter.acknowledgement(kind)
        return Response(body, content_type=content_type)

    return door


def _right(runtime: Runtime, secret: str, reporter: Reporter | None, kind: str) -> Reporter:
    """The provider addressed; a wrong secret and an unknown name look the same."""
    right = same(secret.encode(), runtime.settings.callback_secret.encode())
    if not right or reporter is None or kind not in reporter.reports:
        abort(404)
    return reporter


def _genuine(reporter: Reporter, callback: Callback) -> bool:
    """What a provider stumbles over while checking it is not its own."""
    try:
        return reporter.verify(callback)
    except Exception as error:  # noqa: BLE001 - whatever strangers send
        current_app.logger.warning("callback not checked: %s", type(error).__name__)
        return False


def _body(largest: int) -> bytes:
    """The whole body, however it was sent; 413 for one beyond the limit.

    One byte more is read: a body in chunks says no length and would be cut off there, unnoticed.
    """
    request.max_content_length = largest + 1
    body = request.get_data(cache=False)
    if len(body) > largest:
        abort(413)
    return body


def _callback(runtime: Runtime, kind: str, body: bytes) -> Callback:
    return Callback(
        kind=kind,
        url=runtime.settings.public_url + request.full_path.rstrip("?"),
        headers=dict(request.headers),
        body=body,
        remote=request.remote_addr or "",
    )
