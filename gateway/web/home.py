"""The front page, the size of the letters, and the end of a visit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.transactions.model import TransactionType, Words
from gateway.web import page, visit

# In the order of the telephone's menu; a type that is not here stands with the other matters.
GROUPS: Sequence[tuple[str, Words, Sequence[str]]] = (
    ("card", Words("社保卡", "Social-security card"), ("card_loss", "card_release", "card_status")),
    ("pension", Words("养老金", "Pension"), ("pension_auth", "pension_payment", "relation_transfer")),
    ("matters", Words("预约、备案、改信息", "Visits, filings, details"), ()),
    ("people", Words("问进度、找人", "Ask us"), ("callback_request", "work_order", "message_check")),
)
OTHERS, ASK = "matters", "people"
YEAR = 365 * 24 * 3600  # seconds
_OWN_PATH = re.compile(r"/(?:[a-z0-9_-]+(?:/[a-z0-9_-]+)*)?", re.ASCII)


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/``, ``/size/<size>``, ``/finish`` and ``/finished``."""

    @routes.get("/")
    def home() -> ResponseReturnValue:
        return render_template(
            "home.html", groups=grouped(registry.offered(runtime.settings).values()), ask=ASK
        )

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


def grouped(kinds: Iterable[TransactionType]) -> list[tuple[str, Words, list[TransactionType]]]:
    """The types by what they are about, each once; a group without any is left out, but where one asks."""
    rest = {kind.name: kind for kind in kinds}
    named = {place: [rest.pop(name) for name in names if name in rest] for place, _, names in GROUPS}
    named[OTHERS] += rest.values()
    return [(place, words, named[place]) for place, words, _ in GROUPS if named[place] or place == ASK]


def _back(path: str) -> str:
    """A path of this site; anything else is the front page."""
    return path if _OWN_PATH.fullmatch(path) else "/"
