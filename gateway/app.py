"""The Flask application: which rooms have doors, what every request gets, how errors answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Request, Response, g, jsonify, render_template, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import api, migrations, readiness, web
from gateway.api import problems
from gateway.api.problems import ApiError
from gateway.callbacks import views as callbacks
from gateway.ops import console, metrics
from gateway.phone import views as phone
from gateway.runtime import Runtime
from gateway.security import chance

LARGEST_BODY = 4 * 1024 * 1024  # bytes; a provider's push of some hundred receipts has about 100 kB
TEMPLATES = "../templates/pages"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
log = structlog.get_logger()


class _Flask(Flask):
    """None of our functions is a coroutine: nobody need ask that of each, a dozen times a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(runtime: Runtime) -> Flask:
    """Compose the application around a Runtime."""
    app = _Flask(__name__, template_folder=TEMPLATES, static_folder=None)
    app.config.update(
        SECRET_KEY=runtime.vault.index("flask", "session") + runtime.vault.index("flask", "session 2"),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=runtime.settings.public_url.startswith("https://"),
        SESSION_COOKIE_NAME="huiyin",
    )
    if runtime.settings.trusted_proxies:  # then the address and scheme of the caller are what they say
        hops = runtime.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # its access lines would hold look-ups
    app.session_interface = _Sessions()
    app.before_request(_begin)
    app.after_request(_finish)
    web.register(app, runtime)
    api.register(app, runtime)
    app.register_blueprint(callbacks.blueprint(runtime))
    app.register_blueprint(phone.blueprint(runtime))
    console.register(app, runtime)
    app.register_blueprint(metrics.blueprint(runtime, migrations.present))
    _health(app, runtime)
    _errors(app)
    return app


class _Sessions(SecureCookieSessionInterface):
    """Pages have sessions; systems bring a secret with every call, and opening a session costs a signer."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith(("/v2", "/callbacks")) else super().open_session(app, request)


def _begin() -> None:
    g.request_id = chance()[:8].hex()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _finish(response: Response) -> Response:
    headers = {**HEADERS, "X-Request-Id": g.get("request_id", "")}
    if not request.path.startswith("/static/"):
        headers["Cache-Control"] = "no-store"  # a shared computer keeps nothing
    own = {name.lower() for name, _ in response.headers}
    for name, value in headers.items():
        if name.lower() not in own:
            response.headers.add(name, value)
    return response


def _health(app: Flask, runtime: Runtime) -> None:
    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """The process answers."""
        return jsonify(status="ok")

    ready = readiness.Readiness(runtime.db)

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """The database answers and has the schema this release needs; 503 says which of them is not so.

        ``warnings`` say what somebody should see to, though requests are taken meanwhile.
        """
        status = ready.status()
        if status != readiness.READY:
            return jsonify(status=status), 503
        return jsonify(status=status, warnings=readiness.warnings(runtime))


def _errors(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> Response:
        return problems.response(error.status, error.problems)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        if request.path.startswith("/v2"):
            return problems.from_http(error)
        if request.path.startswith(("/callbacks", "/phone/")):
            return Response(
                error.description or error.name, error.code, content_type="text/plain; charset=utf-8"
            )
        return render_template("error.html", status=error.code or 500), error.code or 500

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        log.error(
            "unexpected",
            error=type(error).__name__,
            path=request.url_rule and request.url_rule.rule,
            exc_info=error,
        )
        if request.path.startswith("/v2"):
            return problems.unexpected(g.request_id)
        return render_template("error.html", status=500), 500
