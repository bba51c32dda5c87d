"""A synthetic Changde: as many citizens as wanted, the same ones for the same seed.

The city has ``LIMIT`` places, laid out by birth year, division and sex in the
proportions of ``population``. A seed shuffles the places by a bijection, so the
citizen with index i is found without knowing the others: any slice can be made
again, nothing is kept in memory, and ID number, card number and mobile are
unique because each is a one-to-one function of the place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate

from gateway.demo import numbers, population
from gateway.demo.population import Sex

PLACE_BITS = 24
LIMIT = 1 << PLACE_BITS
AS_OF = date(2026, 1, 1)  # ages are counted on this day: a seed means the same city in any year
DEFAULT_SEED = 12333

# Women who paid in as employees draw theirs earlier; the delays since 2025 are rounded up to a year.
PENSION_AGE = 61
PENSION_AGE_EMPLOYED_WOMEN = 56


@dataclass(frozen=True, slots=True)
class Person:
    """One synthetic citizen. ``mobile`` is 11 digits, ``district`` a division code.

    ``pension_state`` is the status of the eligibility authentication on ``AS_OF``,
    ``pension_last_done`` the day of the last one, both None for whoever draws no
    pension; ``pension_failed_on`` and ``pension_failure`` are of a failed try.
    ``retires_at`` is a woman's old retirement age, 55 or 50.
    ``email`` is None for most.
    """

    index: int
    id_number: str
    name: str
    sex: Sex
    birth_date: date
    mobile: str
    email: str | None
    district: str
    address: str
    card_number: str
    card_state: str
    bank: str
    bank_last4: str
    insured_type: str
    pension_state: str | None
    pension_last_done: date | None
    pension_failed_on: date | None
    pension_failure: str | None
    language: str
    retires_at: int | None
    disabled: bool


def people(count: int, seed: int = DEFAULT_SEED, start: int = 0) -> Iterator[Person]:
    """Yield citizens ``start`` to ``start + count - 1``, one at a time.

    Raises ``ValueError`` when the city has no such citizens (there are ``LIMIT``).
    """
    if count < 0 or start < 0 or start + count > LIMIT:
        raise ValueError(f"the demo city has citizens 0 to {LIMIT - 1}")
    city = _City(seed)
    return (city.person(index) for index in range(start, start + count))


def elder(seed: int = DEFAULT_SEED) -> Person:
    """The person to please: the first woman of 70 or more whose authentication failed."""
    born_by = AS_OF.replace(year=AS_OF.year - 70)
    return next(
        person
        for person in people(LIMIT, seed)
        if person.pension_state == "failed" and person.sex == "female" and person.birth_date <= born_by
    )


# --- the layout of the places -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stratum:
    """The places of one division, birth year and sex."""

    district: str
    year: int
    sex: Sex
    first_day: int  # ordinal of 1 January
    days: tuple[str, ...]  # MMDD of each day of that year


def _days(year: int) -> tuple[str, ...]:
    first = date(year, 1, 1)
    length = date(year + 1, 1, 1).toordinal() - first.toordinal()
    return tuple(f"{first + timedelta(day):%m%d}" for day in range(length))


def _age_weights() -> Iterator[tuple[int, float, float]]:
    """Yield age, share of the city and male share for each age in years."""
    lower = list(population.PYRAMID)
    upper = [*lower[1:], population.OLDEST + 1]
    for low, high in zip(lower, upper, strict=True):
        share, male = population.PYRAMID[low]
        for age in range(low, high):
            yield age, share / (high - low), male


@cache
def _layout() -> tuple[list[int], list[_Stratum]]:
    """The strata, and for each the first place after it."""
    strata: list[_Stratum] = []
    weights: list[float] = []
    for age, share, male in _age_weights():
        year = AS_OF.year - 1 - age
        first_day, days = date(year, 1, 1).toordinal(), _days(year)
        for district, (_, residents, _, _) in population.DISTRICTS.items():
            strata.append(_Stratum(district, year, "female", first_day, days))
            strata.append(_Stratum(district, year, "male", first_day, days))
            weights += [share * residents * (1 - male), share * residents * male]
    return _rounded_ends(weights, LIMIT), strata


def _rounded_ends(weights: list[float], size: int) -> list[int]:
    """Divide ``size`` in proportion to the weights; the end of each part, the last being ``size``."""
    total = sum(weights)
    ends = [round(size * reached / total) for reached in accumulate(weights)]
    return [*ends[:-1], size]


def _spread(weights: Mapping[str, int], size: int = 1024) -> tuple[str, ...]:
    """A table in which each word stands as often as its weight says; picking from it is one look-up."""
    ends = _rounded_ends([float(weight) for weight in weights.values()], size)
    starts = [0, *ends]
    return tuple(
        word for word, start, end in zip(weights, starts, ends, strict=False) for _ in range(end - start)
    )


_FAMILIES = tuple(tuple(entry.split()) for entry in _spread(population.FAMILIES))
_BANKS = _spread(population.BANKS)
_PENSION_STATES = _spread(population.PENSION_STATES)
_PENSION_FAILURES = _spread(population.PENSION_FAILURES)
_CARD_STATES = _spread(population.CARD_STATES)


@cache
def _streets(district: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """For each town of a division: what an address there begins with, its last word, its streets."""
    name, _, urban, rural = population.DISTRICTS[district]
    city = f"湖南省常德市{name}"
    return (
        *((f"{city}{town}街道", "号", tuple(population.ROADS.split())) for town in urban.split()),
        *((f"{city}{town}镇", "组", tuple(f"{village}村" for village in population.VILLAGES.split()))
          for town in rural.split()),
    )  # fmt: skip


# --- one citizen ------------------------------------------------------------------------

_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_PLACE_MASK = LIMIT - 1
_CHECK = "10X98765432"
# Primes, so that each mapping below is one-to-one. 499 is how many sequence numbers a sex has in a day.
_DAY_STEP, _SEQUENCE_STEP, _SEQUENCES = 173, 61, 499
_MOBILE_STEP, _CARD_STEP = 2_654_435_761, 1_640_531_513


def _mix(word: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): 64 well-mixed bits from 64."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)


class _City:
    """The citizens of one seed."""

    __slots__ = ("_ends", "_key", "_mobile_shift", "_multipliers", "_place_shift", "_strata")

    def __init__(self, seed: int) -> None:
        self._key = _mix((seed * _GOLDEN + 1) & _WORD)
        draws = [_mix((self._key + step * _GOLDEN) & _WORD) for step in range(1, 5)]
        self._place_shift = draws[0] & _PLACE_MASK
        self._multipliers = (draws[1] & _PLACE_MASK | 1, draws[2] & _PLACE_MASK | 1)
        self._mobile_shift = draws[3]
        self._ends, self._strata = _layout()

    def _place(self, index: int) -> int:
        """Shuffle: odd multipliers and xor-shifts are bijections on ``PLACE_BITS`` bits."""
        first, second = self._multipliers
        place = ((index + self._place_shift) * first) & _PLACE_MASK
        place = ((place ^ (place >> 13)) * second) & _PLACE_MASK
        place = ((place ^ (place >> 11)) * first) & _PLACE_MASK
        return place ^ (place >> 12)

    def person(self, index: int) -> Person:
        place = self._place(index)
        number = bisect_right(self._ends, place)
        stratum = self._strata[number]
        rank = place - (self._ends[number - 1] if number else 0)
        block, day = divmod(rank, len(stratum.days))
        day = (day * _DAY_STEP + number) % len(stratum.days)
        base = self._key + index * 2 * _GOLDEN
        one, two = _mix(base & _WORD), _mix((base + _GOLDEN) & _WORD)
        family, pinyin = _FAMILIES[one & 1023]
        age = AS_OF.year - 1 - stratum.year
        insured = _insured_type(age, stratum.sex, two >> 31 & 127)
        state = _PENSION_STATES[two >> 38 & 1023] if insured == "pensioner" else None
        last_done, failed_on, failure = _authentication(state, two) if state else (None, None, None)
        online = 16 <= age <= 75 and two & 127 < 24
        return Person(
            index=index,
            id_number=_id_number(stratum, day, block),
            name=family + _given(one >> 10, stratum),
            sex=stratum.sex,
            birth_date=date.fromordinal(stratum.first_day + day),
            mobile=numbers.mobile(place * _MOBILE_STEP + self._mobile_shift),
            email=f"{pinyin}{stratum.year}.{index}@example.com" if online else None,
            district=stratum.district,
            address=_address(one >> 34, stratum.district),
            card_number=numbers.card(place * _CARD_STEP + self._mobile_shift),
            card_state=_CARD_STATES[two >> 48 & 1023],
            bank=_BANKS[two >> 7 & 1023],
            bank_last4=f"{(two >> 17 & 0x3FFF) % 10_000:04}",
            insured_type=insured,
            pension_state=state,
            pension_last_done=last_done,
            pension_failed_on=failed_on,
            pension_failure=failure,
            language="zh-CN" if two >> 58 else "en",
            retires_at=(55 if two & 1 else 50) if stratum.sex == "female" else None,
            disabled=one >> 60 == 0,  # one in sixteen, as in the country
        )


def _id_number(stratum: _Stratum, day: int, block: int) -> str:
    """GB 11643-1999: area, birth date, sequence (odd for men), check character.

    The weights of the check are powers of two modulo 11, and 13 is 2 modulo 11,
    so reading the digits in base 13 is the weighted sum.
    """
    rank = (block * _SEQUENCE_STEP + day) % _SEQUENCES
    sequence = 2 * rank + 1 if stratum.sex == "male" else 2 * rank + 2
    body = f"{stratum.district}{stratum.year}{stratum.days[day]}{sequence:03}"
    return body + _CHECK[2 * int(body, 13) % 11]


def _given(bits: int, stratum: _Stratum) -> str:
    """A given name of one (one in eight) or two characters, in the fashion of the time."""
    era = 1965 if stratum.year < 1965 else 1990 if stratum.year < 1990 else 2100
    first, last = population.GIVEN[era, stratum.sex]
    ending = last[(bits >> 4 & 1023) % len(last)]
    return ending if bits & 15 < 2 else first[(bits >> 14 & 1023) % len(first)] + ending


def _address(bits: int, district: str) -> str:
    towns = _streets(district)
    beginning, unit, streets = towns[(bits & 255) % len(towns)]
    street = streets[(bits >> 8 & 255) % len(streets)]
    number = (bits >> 16 & 1023) % (380 if unit == "号" else 16) + 1
    return f"{beginning}{street}{number}{unit}"


def _authentication(state: str, word: int) -> tuple[date, date | None, str | None]:
    """When it was last done, and when and why a try has failed since, as the state asks for."""
    bits = _mix((word + _GOLDEN) & _WORD)
    last_done = _before(population.LAST_DONE[state], bits & 0xFFFF)
    if state != "failed":
        return last_done, None, None
    return last_done, _before(population.FAILED_ON, bits >> 16 & 0xFFFF), _PENSION_FAILURES[bits >> 32 & 1023]


def _before(days: tuple[int, int], draw: int) -> date:
    """A day so many days before ``AS_OF``."""
    first, last = days
    return AS_OF - timedelta(first + draw % (last - first + 1))


def _insured_type(age: int, sex: Sex, draw: int) -> str:
    """How somebody of this age is insured; ``draw`` is 0 to 127."""
    kind = "employee" if draw < 46 else "flexible" if draw < 64 else "resident"
    if age >= PENSION_AGE:
        return "pensioner"
    if age >= PENSION_AGE_EMPLOYED_WOMEN and sex == "female" and kind == "employee":
        return "pensioner"
    return kind if age >= 22 else "resident"
