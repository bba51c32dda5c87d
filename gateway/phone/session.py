"""What a call remembers between two events: a small value that is kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from gateway.phone.results import Offer
from gateway.transactions.model import Words


class Place(StrEnum):
    """Where in the dialogue the caller is; each with its one line of meaning."""

    NEW = "new"  # nothing was said yet
    MENU = "menu"  # the main menu, or one below it
    FIELD = "field"  # keying a field of the form
    PICK = "pick"  # choosing a field's value from a list
    CODE = "code"  # keying the code from the text message
    PASSWORD = "password"  # noqa: S105 - keying the query password
    CHECK = "check"  # hearing what will be done, before confirming
    CHANGE = "change"  # choosing which answer to change
    WAIT = "wait"  # the back office is at work
    RESULT = "result"  # hearing how it stands
    SURE = "sure"  # about to do an action that changes something
    PARKED = "parked"  # the next field cannot be keyed
    UNFINISHED = "unfinished"  # a draft was looked up
    AWAY = "away"  # a person was wanted, and none is there
    REFERENCE = "reference"  # keying the reference
    TAIL = "tail"  # keying the last four digits of the mobile
    OFFICES = "offices"  # choosing another office
    OFFICE = "office"  # hearing its number
    OVER = "over"  # put through, or hung up


@dataclass(frozen=True, slots=True)
class Keys:
    """How many keys are awaited, and what * stands for."""

    least: int = 1
    most: int = 1
    star_is: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """``offered`` are the transaction types of this deployment, ``city`` how it calls itself.

    ``heard`` is what 9 says again. ``options`` is the list being chosen from,
    ``page`` how far it was read out. ``parts`` are those of an explanation, ``part``
    the one told last. ``bad`` counts wrong, empty and missing input
    in a row. ``complete``: the last keys ended by themselves, so a late # is theirs.
    ``proven`` is the transaction a code was given for in this call, ``known`` the one
    whose citizen need not be asked again. ``ways`` are keys that lead elsewhere from
    where a code, a password or a number of the caller's own is keyed. ``back`` is when people are back;
    null while they are there, or where they cannot be asked to call.
    """

    offered: tuple[str, ...]
    city: Words
    place: Place = Place.NEW
    step: int = 0
    menu: str = ""
    field: str = ""
    keys: Keys = Keys()
    options: tuple[Offer, ...] = ()
    page: int = 0
    parts: tuple[tuple[Words, ...], ...] = ()
    part: int = 0
    chosen: str = ""
    reference: str = ""
    heard: tuple[Words, ...] = ()
    slow: bool = False
    bad: int = 0
    rounds: int = 0
    elder: bool = False
    complete: bool = False
    proven: str = ""
    known: str = ""
    ways: str = ""
    back: Words | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def from_json(text: str) -> Session:
    """The session ``to_json`` made."""
    values: dict[str, Any] = json.loads(text)
    return Session(
        **{
            **values,
            "offered": tuple(values["offered"]),
            "city": Words(**values["city"]),
            "place": Place(values["place"]),
            "keys": Keys(**values["keys"]),
            "options": tuple(
                Offer(option["value"], Words(**option["words"])) for option in values["options"]
            ),
            "parts": tuple(tuple(Words(**words) for words in part) for part in values["parts"]),
            "back": Words(**values["back"]) if values["back"] else None,
            "heard": tuple(Words(**words) for words in values["heard"]),
        }
    )
