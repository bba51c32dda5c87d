"""The moves every part of the dialogue is made of: ask, ask again, hand over, end, have work done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.phone import aloud, prompts
from gateway.phone.session import Keys, Place, Session
from gateway.phone.signals import (
    NORMAL,
    SLOW,
    SLOWEST,
    Action,
    Collect,
    HangUp,
    Perform,
    Say,
    Transfer,
)
from gateway.transactions.model import Words
from gateway.transactions.references import REFERENCE_DIGITS

Turn = tuple[Session, tuple[Action, ...]]

MOST_BAD = 3  # wrong, empty or missing input in a row: then a person
FIRST, BETWEEN = 8.0, 5.0  # seconds of silence (domain.md: 5–8 s)
READ_CODE = 20.0  # a text message must arrive and be read
ROUND = 2.0  # between two looks at the back office
CODE_DIGITS, TAIL_DIGITS = 6, 4
KEYING: Mapping[Place, Keys] = {
    Place.FIELD: Keys(),  # the session's own
    Place.CODE: Keys(CODE_DIGITS, CODE_DIGITS),
    Place.PASSWORD: Keys(CODE_DIGITS, CODE_DIGITS),
    Place.REFERENCE: Keys(REFERENCE_DIGITS, REFERENCE_DIGITS),
    Place.TAIL: Keys(TAIL_DIGITS, TAIL_DIGITS),
}


def keys(session: Session) -> Keys:
    """How many keys are awaited where the caller is."""
    return session.keys if session.place is Place.FIELD else KEYING.get(session.place, Keys())


# --- speaking and listening ------------------------------------------------------------------------


def say(session: Session, *said: Words, slower: bool = False) -> tuple[Say, ...]:
    """Sentences at this caller's pace, or one step slower."""
    rate = (SLOWEST if slower else SLOW) if session.slow else (SLOW if slower else NORMAL)
    spoken = (aloud.spoken(words) for words in said)
    return tuple(Say(words.zh, words.en, rate) for words in spoken)


def listen(session: Session, *lead: Words, slower: bool = False) -> Turn:
    """Say what leads, then what is to be heard here, and wait for keys."""
    return session, (collecting(session, say(session, *lead, *session.heard, slower=slower)),)


def collecting(session: Session, prompt: tuple[Say, ...]) -> Collect:
    awaited = keys(session)
    if session.place not in KEYING:
        return Collect(prompt, 1, 1, "", ROUND if session.place is Place.WAIT else FIRST, BETWEEN)
    first = READ_CODE if session.place is Place.CODE else FIRST
    return Collect(prompt, awaited.least, awaited.most, "#", first, BETWEEN)


def ask(
    session: Session,
    place: Place,
    heard: tuple[Words, ...],
    *lead: Words,
    failed: bool = False,
    **changes: Any,
) -> Turn:
    """Come to a place and listen there; ``failed`` when a mistake led there, which counts."""
    bad = session.bad + 1 if failed else 0
    if bad >= MOST_BAD:
        return to_person(session, "tries", prompts.words("person_after_tries"))
    return listen(replace(session, place=place, heard=heard, bad=bad, **changes), *lead)


def again(session: Session, *lead: Words) -> Turn:
    """Say it once more, as asked for."""
    return listen(replace(session, bad=0), *lead)


def wrong(session: Session, *lead: Words) -> Turn:
    """Say what was wrong, and ask again; after the third a person."""
    return ask(session, session.place, session.heard, *lead, failed=True)


def silence(session: Session) -> Turn:
    """No key was pressed: once more, slower. An elder gets a person at once, others at the third time.

    Where no person is there, all has been said by then.
    """
    if session.place is Place.AWAY and session.bad:
        return goodbye(session)
    if session.place is Place.AWAY:
        return listen(replace(session, bad=1), slower=True)
    if session.elder:
        return to_person(session, "silent", prompts.words("person_after_tries"))
    if session.bad + 1 >= MOST_BAD:
        return to_person(session, "tries", prompts.words("person_after_tries"))
    return listen(replace(session, bad=session.bad + 1), prompts.words("silent"), slower=True)


# --- ending -----------------------------------------------------------------------------------------


def to_person(session: Session, reason: str, *lead: Words) -> Turn:
    """Put the caller through; where people have gone home, say when they are back, and offer a call."""
    if session.back:
        heard = (prompts.words("away", back=session.back), prompts.words("away_ways"))
        away = replace(session, place=Place.AWAY, heard=heard, bad=0, options=())
        return listen(away, *lead)
    said = say(session, *lead, prompts.words("person"))
    return over(session), (*said, Transfer(reason))


def goodbye(session: Session) -> Turn:
    return over(session), (*say(session, prompts.words("goodbye")), HangUp())


def over(session: Session) -> Session:
    return replace(session, place=Place.OVER, heard=(), options=())


# --- work ---------------------------------------------------------------------------------------------


def perform(session: Session, step: str, **values: str) -> Turn:
    """Have the driver do something; the dialogue goes on with what came of it."""
    return session, (Perform(step, values),)
