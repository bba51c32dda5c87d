"""Places where a number is keyed: what the keys mean, and whether they can be right. Pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.phone import follow, menus, prompts, turns
from gateway.phone.session import Place, Session
from gateway.phone.signals import Digits
from gateway.phone.turns import Turn
from gateway.transactions.references import is_reference

PERSON, BACK, RESEND, HELP, PASSWORD = "0", "**", "1", "2", "3"
OWN = "1"  # the number the call comes from
WAYS = {
    (Place.CODE, RESEND): "resend",
    (Place.CODE, HELP): "help",
    (Place.CODE, PASSWORD): "by_password",
    (Place.PASSWORD, RESEND): "resend",
    (Place.FIELD, OWN): "own",
}
"""Where a code, a password or the caller's own number is keyed: keys that lead elsewhere."""


def keyed(session: Session, pressed: Digits) -> Turn:
    """The keys of a number, or one of the few commands there are while one is keyed."""
    text, terminator = pressed.text, pressed.terminator
    if text.endswith("#"):  # a switch that hands the terminator on as a key
        text, terminator = text[:-1], "#"
    if text == PERSON:
        return turns.to_person(session, "asked")
    if text.endswith(BACK):
        return _back(session)
    if (way := WAYS.get((session.place, text))) and (way == "resend" or text in session.ways):
        return turns.perform(session, way, **({"field": session.field} if way == "own" else {}))
    if not text:
        return turns.wrong(session, prompts.words("empty"))
    return _number(replace(session, complete=not terminator), text)


def _back(session: Session) -> Turn:
    match session.place:
        case Place.TAIL:
            return menus.ask_reference(session)
        case Place.REFERENCE:
            return menus.main(session)
        case _:
            proof = session.place in (Place.CODE, Place.PASSWORD)
            return turns.perform(session, "back", field="" if proof else session.field)


def _number(session: Session, text: str) -> Turn:
    wanted = turns.keys(session)
    value = text.replace("*", wanted.star_is) if wanted.star_is else text
    if not wanted.least <= len(text) <= wanted.most or not value.isalnum():
        most = str(wanted.most) if wanted.least == wanted.most else f"{wanted.least}-{wanted.most}"
        return turns.wrong(session, prompts.words("wrong_length", wanted=most, count=len(text)))
    match session.place:
        case Place.CODE:
            then = {"name": session.chosen} if session.chosen else {}
            return turns.perform(session, "prove", code=value, **then)
        case Place.PASSWORD:
            return turns.perform(session, "password", password=value)
        case Place.REFERENCE if not is_reference(value):
            return turns.wrong(session, prompts.words("reference_mistyped"))
        case Place.REFERENCE:
            return follow.tail(replace(session, reference=value))
        case Place.TAIL:
            return turns.perform(session, "find", reference=session.reference, tail=value)
        case _:
            return turns.perform(session, "answer", field=session.field, value=value)
