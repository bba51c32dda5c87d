"""What every page knows: the city's rules of today, how large to write, where it is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request

from gateway import cities
from gateway.call_backs import doing, hours
from gateway.cities import Rules
from gateway.runtime import Runtime
from gateway.transactions import registry
from gateway.transactions.model import Words
from gateway.web import visit

COOKIE = "huiyin_size"
STANDARD = "standard"
ELDER_SIZES = ("22", "26", "30")  # CSS pixels of the main text in the version for elders
SIZES = (STANDARD, *ELDER_SIZES)


@dataclass(frozen=True, slots=True)
class Page:
    """The frame of a page. ``active``: this browser remembers something that can be cleared.

    ``again`` is where a link may lead back to: the page's own address, if it can be asked for.
    ``calls_back``: a call can be asked for; ``back`` is when people are back, null while they are there.
    """

    rules: Rules
    size: str
    path: str
    again: str
    still: bool
    active: bool
    idle_seconds: int
    demo: bool
    sandbox_url: str
    calls_back: bool
    back: Words | None

    @property
    def elder(self) -> bool:
        return self.size != STANDARD


def current(runtime: Runtime) -> Page:
    rules, now = rules_of_today(runtime), runtime.clock()
    at = hours.back(rules, now)
    return Page(
        rules=rules,
        calls_back=doing.KIND in registry.offered(runtime.settings),
        back=hours.moment(at, now) if at else None,
        size=_size(),
        path=request.path,
        again=request.path if _can_be_asked_for(request.path) else "/",
        still=STILL in request.args,
        active=visit.holds_something(),
        idle_seconds=int(visit.IDLE.total_seconds()),
        demo=runtime.settings.demo,
        sandbox_url=runtime.settings.sandbox_url,
    )


def _can_be_asked_for(path: str) -> bool:
    """Whether a GET finds it: an answer to a form may stand at an address that takes forms alone."""
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


STILL = "still"  # in the query of a page that must not reload by itself


def rules_of_today(runtime: Runtime) -> Rules:
    """The rules of this deployment's city, by the city's own date."""
    return cities.of(runtime).rules_now(runtime.clock())


def _size() -> str:
    size = request.cookies.get(COOKIE, STANDARD)
    return size if size in SIZES else STANDARD
