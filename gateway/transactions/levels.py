"""How surely somebody is known: what proves it, what a type asks for, what is still missing. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from gateway.transactions.model import Level


class Factor(StrEnum):
    """Something that proves; each with its one line of meaning."""

    CODE = "code"  # a code to the registered mobile was given back
    PASSWORD = "password"  # noqa: S105 - the query password, not the initial one
    EMAIL = "email"  # a code to the registered e-mail address was given back
    NEW = "new"  # a code to the new number or address was given back: not who it is, but that it is theirs
    ATTESTED = "attested"  # a service has checked the identity itself


ORDER = (Factor.CODE, Factor.PASSWORD, Factor.EMAIL)
SECOND = frozenset({Factor.PASSWORD, Factor.EMAIL})  # what proves besides
TWO = 2  # different ones are strong


def required(own: Level, city: str | None) -> Level:
    """The type's own level, or the city's where that asks for more: never less.

    A form that asks for nobody cannot be asked who it is.
    """
    if own is Level.ANONYMOUS:
        return own
    return Level.STRONG if Level.STRONG in (own, city) else Level.KNOWN


def firsts(*, also_password: bool) -> frozenset[Factor]:
    """What proves who somebody is by itself."""
    return frozenset({Factor.CODE, Factor.PASSWORD} if also_password else {Factor.CODE})


def missing(level: Level, *, also_password: bool, given: Collection[Factor]) -> frozenset[Factor]:
    """What may be given next, each of them one step on; nothing once the level is reached."""
    known, first = frozenset(given), firsts(also_password=also_password)
    if Factor.ATTESTED in known or level is Level.ANONYMOUS:
        return frozenset()
    if not known & first:
        return first
    if level is Level.KNOWN or len(known) >= TWO:
        return frozenset()
    return (SECOND | first) - known


def written(given: Collection[Factor]) -> str:
    """The factors as one word: code, code+password."""
    return "+".join(factor for factor in (*ORDER, Factor.ATTESTED) if factor in given)


def read(text: str) -> frozenset[Factor]:
    """What ``written`` made."""
    return frozenset(Factor(word) for word in text.split("+") if word)
