"""The dialogue of a call: (session, event) → (session, actions). Pure: no clock, no database, no switch.

Every answer ends in exactly one thing to wait for: keys, work, or the end of the
call. In a menu a single key is a command: 0 a person, 9 again, 8 slower, * back.
While a number is keyed only ``0#`` is a person and ``**`` is back, so neither
collides with the * that stands for an X (domain.md, "Entry"): an X is the last
key of eighteen, and alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.phone import entry, follow, menus, prompts, turns
from gateway.phone.session import Place, Session
from gateway.phone.signals import (
    Answered,
    Digits,
    Event,
    HangUp,
    Hangup,
    NoInput,
    Performed,
    PlayDone,
)
from gateway.phone.turns import KEYING, Turn
from gateway.transactions.model import Words


def begin(offered: Sequence[str], city: Words) -> Session:
    """A call that has not been answered yet; ``offered`` are the transaction types there are."""
    return Session(tuple(offered), city)


def advance(session: Session, event: Event) -> Turn:
    """What follows from one event. Everything but ``Performed`` comes from outside and counts as a step."""
    if isinstance(event, Performed):
        return follow.follow(replace(session, elder=session.elder or event.elder), event.result)
    session = replace(session, step=session.step + 1)
    if session.place is Place.OVER:
        return session, (HangUp(),)
    match event:
        case Answered():
            return menus.greeting(session) if session.place is Place.NEW else turns.again(session)
        case Hangup():
            return turns.over(session), (HangUp(),)
        case PlayDone():
            return session, (turns.collecting(session, ()),)
        case NoInput():
            return _silence(replace(session, complete=False))
        case Digits():
            return _keyed(session, event)


def _silence(session: Session) -> Turn:
    match session.place:
        case Place.NEW:
            return menus.greeting(session)
        case Place.WAIT:
            return turns.perform(session, "look")
        case Place.RESULT if session.bad:
            return turns.goodbye(session)  # all was said, twice
        case Place.RESULT:
            return turns.listen(replace(session, bad=1), slower=True)
        case _:
            return turns.silence(session)


def _keyed(session: Session, pressed: Digits) -> Turn:
    late, session = session.complete, replace(session, complete=False)
    if late and pressed.text in ("", "#"):  # the # of a number that had ended by itself
        return turns.listen(session)
    if session.place is Place.NEW:
        return menus.greeting(session)
    if session.place in KEYING:
        return entry.keyed(session, pressed)
    return _command(session, pressed.text)


def _command(session: Session, key: str) -> Turn:
    """A single key where keys are commands."""
    match key:
        case "0" if session.place is Place.AWAY:
            return menus.main(session)
        case "0":
            return turns.to_person(session, "asked")
        case _ if session.place is Place.WAIT:
            return turns.perform(session, "look")
        case "9":
            return turns.again(session)
        case "8":
            slow = not session.slow
            return turns.again(replace(session, slow=slow), prompts.words("slower" if slow else "normal"))
        case "*":
            return _back(session)
        case _:
            return _choice(session, key)


def _back(session: Session) -> Turn:
    match session.place:
        case Place.PICK | Place.CHANGE | Place.OFFICES if session.page:
            return _page(replace(session, page=session.page - 1))
        case Place.PICK:
            return turns.perform(session, "back", field=session.field)
        case Place.CHECK:
            return follow.change(session)
        case Place.CHANGE:
            return turns.perform(session, "go_on")
        case Place.SURE:
            return turns.perform(session, "look")
        case Place.OFFICE:
            return turns.perform(session, "referrals")
        case _:
            return menus.main(session)


def _choice(session: Session, key: str) -> Turn:
    match session.place:
        case Place.MENU:
            return menus.choose(session, key)
        case Place.PICK | Place.CHANGE | Place.OFFICES | Place.RESULT:
            return _listed(session, key)
        case Place.CHECK if key == "1":
            return turns.perform(session, "submit")
        case Place.CHECK if key == "2":
            return follow.change(session)
        case Place.SURE if key == "1":
            return turns.perform(session, "act", name=session.chosen)
        case Place.PARKED if key == "1":
            return turns.again(session)
        case Place.UNFINISHED if key == "1":
            return turns.perform(session, "resume")
        case Place.AWAY if key == "1":
            return turns.perform(session, "call_me")
        case Place.AWAY:
            return menus.main(session)  # never a dead end
        case _:
            return turns.wrong(session, prompts.words("no_such_key"))


def _listed(session: Session, key: str) -> Turn:
    """A key where a list was read out; after a result without a list 1 says it again."""
    if session.place is Place.RESULT and not session.options and key == "1":
        return turns.again(session)
    if session.place is Place.RESULT and len(session.parts) > 1 and key == menus.MORE:
        return follow.tell(replace(session, part=(session.part + 1) % len(session.parts)))
    onward = menus.turned(session) if key == menus.MORE else None
    if onward:
        return _page(onward)
    picked = menus.picked(session, key)
    if picked is None:
        return turns.wrong(session, prompts.words("no_such_key"))
    match session.place:
        case Place.PICK:
            return turns.perform(session, "answer", field=session.field, value=picked.value)
        case Place.CHANGE:
            return turns.perform(session, "ask", field=picked.value)
        case Place.OFFICES:
            return turns.perform(session, "referral", office=picked.value)
        case _:
            return turns.ask(session, Place.SURE, (_sure(picked.words),), chosen=picked.value)


def _page(session: Session) -> Turn:
    return turns.ask(session, session.place, follow.page_of(session))


def _sure(what: Words) -> Words:
    return prompts.words("sure", what=what)
