"""Mobile and card numbers of the demo city, each a one-to-one function of a place."""

from __future__ import annotations

from gateway.demo import population

# The sandbox gives mobiles ending in 0002 and 0003 a meaning, so no citizen has one.
_ENDINGS = 9_998
_SEGMENTS = population.MOBILE_SEGMENTS.split()
_MOBILES = len(_SEGMENTS) * 10_000 * _ENDINGS
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_CARDS = len(_LETTERS) * 10**8


def mobile(place: int) -> str:
    """Eleven digits; places so many apart as there are mobiles share one."""
    place, ending = divmod(place % _MOBILES, _ENDINGS)
    segment, middle = divmod(place, 10_000)
    return f"{_SEGMENTS[segment]}{middle:04}{ending + 2 if ending > 1 else ending:04}"


def card(place: int) -> str:
    """A letter and eight digits."""
    letter, digits = divmod(place % _CARDS, 10**8)
    return f"{_LETTERS[letter]}{digits:08}"
