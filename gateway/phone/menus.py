"""Places where a single key is a command: the menus, and every list that is read out. Pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.phone import prompts, turns
from gateway.phone.results import Offer
from gateway.phone.session import Place, Session
from gateway.phone.turns import Turn
from gateway.transactions.model import Words

AT_A_TIME = 4  # choices read out before "more"
MORE = "5"
REFERRALS = "referrals"  # the place of other offices' numbers; the other place is progress


def main(session: Session, *lead: Words) -> Turn:
    """The main menu."""
    lines = [_press(entry.words, entry.key) for entry in prompts.top(session.offered)]
    heard = (*lines, prompts.words("menu_end"))
    return turns.ask(session, Place.MENU, heard, *lead, menu="", field="", chosen="", options=())


def greeting(session: Session) -> Turn:
    return main(session, prompts.words("greeting", city=session.city))


def choose(session: Session, key: str) -> Turn:
    """A key in a menu."""
    entries = prompts.below(session.menu, session.offered) if session.menu else prompts.top(session.offered)
    for entry in entries:
        if entry.key == key and entry.type:
            return turns.perform(session, "begin", type=entry.type)
        if entry.key == key and entry.place == REFERRALS:
            return turns.perform(session, "referrals")
        if entry.key == key:
            return _below(session, entry.menu) if entry.menu else ask_reference(session)
    return turns.wrong(session, prompts.words("no_such_key"))


def _below(session: Session, menu: str) -> Turn:
    lines = [_press(entry.words, entry.key) for entry in prompts.below(menu, session.offered)]
    return turns.ask(session, Place.MENU, (*lines, prompts.words("menu_back")), menu=menu)


def ask_reference(session: Session) -> Turn:
    heard = (prompts.words("key_reference"), prompts.words("key_ways"))
    return turns.ask(session, Place.REFERENCE, heard, reference="")


# --- lists ---------------------------------------------------------------------------------------------


def listed(options: tuple[Offer, ...], page: int) -> tuple[Words, ...]:
    """One page of a list with its keys, and how to hear more."""
    shown = options[page * AT_A_TIME :][:AT_A_TIME]
    lines = tuple(_press(offer.words, str(key)) for key, offer in enumerate(shown, 1))
    return (*lines, onward(page, _pages(options))) if len(options) > AT_A_TIME else lines


def onward(page: int, pages: int) -> Words:
    """What 5 does at a page of several."""
    return prompts.words("more" if page < pages - 1 else "from_the_start")


def _pages(options: tuple[Offer, ...]) -> int:
    return -(-len(options) // AT_A_TIME)


def picked(session: Session, key: str) -> Offer | None:
    """The choice a key stands for on the page read out last."""
    shown = session.options[session.page * AT_A_TIME :][:AT_A_TIME]
    place = int(key) - 1 if key in ("1", "2", "3", "4") else len(shown)
    return shown[place] if place < len(shown) else None


def turned(session: Session) -> Session | None:
    """The session at the next page of its list, after the last one the first; None for a list of one page."""
    pages = _pages(session.options)
    return replace(session, page=(session.page + 1) % pages) if pages > 1 else None


def _press(what: Words, key: str) -> Words:
    return prompts.words("press", what=what, key=key)
