"""Who may come in to the console, and the token every form of it carries.

One cookie, for ``/ops`` alone, holds a secret. Before signing in it is only what
the form's token is made from; signing in replaces it by a session's, so a secret
planted in a browser opens nothing. SameSite is Lax, for a link in an alert must
find the operator signed in; whatever changes something is a POST with the token.
"""

from __future__ import annotations

import base64
import re
import secrets

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response as BaseResponse

from gateway.ops import page, sign_in
from gateway.ops.sign_in import SignedIn
from gateway.runtime import Runtime
from gateway.security import same
from gateway.services import sessions
from gateway.transactions.tallies import Locked

COOKIE, PATH = "huiyin_ops", "/ops"
TOKEN = "token"  # noqa: S105 - a field's name
LONGEST = 200  # characters of a name or a password
OPEN_TO_ALL = frozenset({"ops.static", "ops.login", "ops.enter"})
_OWN_PAGE = re.compile(r"/ops(?:/[a-z0-9_-]+){0,2}", re.ASCII)


def guard(routes: Blueprint, runtime: Runtime) -> None:
    """Let nobody past who is not signed in, and no form that is not ours."""

    @routes.before_request
    def enter() -> ResponseReturnValue | None:
        if request.endpoint == "ops.static":
            return None
        g.secret = request.cookies.get(COOKIE, "")
        g.operator = _operator(runtime, g.secret)
        if request.endpoint not in OPEN_TO_ALL and g.operator is None:
            return _must_sign_in()
        if request.method == "POST" and not _genuine(runtime):
            return render_template("ops/stale.html"), 400
        return None

    @routes.context_processor
    def frame() -> dict[str, object]:
        return {"frame": page.frame(runtime), "form_token": lambda: token(runtime, g.secret)}


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/login`` and ``/ops/logout``."""

    @routes.get("/login")
    def login() -> ResponseReturnValue:
        if g.operator:
            return redirect(_to(), 303)
        return _form(runtime, None)

    @routes.post("/login")
    def enter() -> ResponseReturnValue:
        name, password = (request.form.get(key, "")[:LONGEST] for key in ("name", "password"))
        found = sign_in.sign_in(runtime, name.strip(), password, request.remote_addr or "")
        if not isinstance(found, SignedIn):
            return _form(runtime, found)
        response = redirect(_to(), 303)
        _keep(runtime, response, found.secret)
        return response

    @routes.post("/logout")
    def leave() -> ResponseReturnValue:
        sign_in.sign_out(runtime, g.secret, g.operator)
        response = redirect(url_for("ops.login"), 303)
        response.delete_cookie(COOKIE, path=PATH)
        return response


def token(runtime: Runtime, secret: str) -> str:
    """The token that belongs to a browser's secret."""
    return base64.urlsafe_b64encode(runtime.vault.digest("ops_form", secret.encode())).decode()


def _operator(runtime: Runtime, secret: str) -> str | None:
    """Whose session this is. A page that asks again by itself does not prolong it: nobody is there."""
    if not secret:
        return None
    with runtime.db.read() as tx:
        found = sessions.operator(tx, runtime.vault, secret, runtime.clock())
    if found is None:
        return None
    name, note = found
    if note and page.AUTO not in request.args:
        with runtime.db.write() as tx:
            sessions.seen(tx, runtime.vault, secret, runtime.clock())
    return name


def _genuine(runtime: Runtime) -> bool:
    given = request.form.get(TOKEN, "")
    return bool(g.secret) and same(token(runtime, g.secret).encode(), given.encode())


def _must_sign_in() -> ResponseReturnValue:
    if page.AUTO in request.args:
        return Response(status=403)
    return redirect(url_for("ops.login", to=request.path if request.method == "GET" else PATH), 303)


def _to() -> str:
    """The page that was asked for before signing in: one of ours, else the first."""
    to = request.args.get("to", PATH)
    return to if _OWN_PAGE.fullmatch(to) and to not in ("/ops/login", "/ops/logout") else PATH


def _form(runtime: Runtime, refused: sign_in.Wrong | Locked | None) -> ResponseReturnValue:
    fresh = not g.secret
    if fresh:
        g.secret = secrets.token_urlsafe(32)
    until = page.clock_time(refused.until, page.zone(runtime)) if isinstance(refused, Locked) else ""
    text = render_template("ops/login.html", refused=refused is not None, until=until, to=_to())
    response = make_response(text, 200 if refused is None else 429 if until else 403)
    if fresh:
        _keep(runtime, response, g.secret)
    return response


def _keep(runtime: Runtime, response: BaseResponse, secret: str) -> None:
    secure = runtime.settings.public_url.startswith("https://")
    response.set_cookie(COOKIE, secret, path=PATH, secure=secure, httponly=True, samesite="Lax")
