"""The front page, the size of the letters, and the end of a visit."""

from __future__ import annotations

import re

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.web import page, visit

YEAR = 365 * 24 * 3600  # seconds
_OWN_PATH = re.compile(r"/(?:[a-z0-9_-]+(?:/[a-z0-9_-]+)*)?", re.ASCII)


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/``, ``/size/<size>``, ``/finish`` and ``/finished``."""

    @routes.get("/")
    def home() -> ResponseReturnValue:
        return render_template("home.html", kinds=registry.offered(runtime.settings).values())

    @routes.get("/size/<size>")
    def size(size: str) -> ResponseReturnValue:
        """Keep a size of letters and go back to the page it was asked on.

        A link, not a form: it must work on a page whose visit has ended, and
        changes nothing but how this browser is written to.
        """
        if size not in page.SIZES:
            abort(404)
        response = redirect(_back(request.args.get("to", "/")), 303)
        secure = runtime.settings.public_url.startswith("https://")
        response.set_cookie(page.COOKIE, size, max_age=YEAR, secure=secure, httponly=True, samesite="Lax")
        return response

    @routes.post("/finish")
    def finish() -> ResponseReturnValue:
        visit.end()
        return redirect(url_for("web.finished"), 303)

    @routes.get("/finished")
    def finished() -> ResponseReturnValue:
        return render_template("finished.html")


def _back(path: str) -> str:
    """A path of this site; anything else is the front page."""
    return path if _OWN_PATH.fullmatch(path) else "/"
