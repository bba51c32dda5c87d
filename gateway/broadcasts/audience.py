"""Whom a broadcast is for, chosen by the columns of the register that stand in clear.

Ages are completed years on one fixed day (``as_of``): whoever has a birthday while
a broadcast runs is neither added nor dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, literal, or_, select

from gateway import retirement
from gateway.calendars import years_before
from gateway.citizens.register import citizens
from gateway.errors import TamperedError
from gateway.notifications.suppression import suppressions
from gateway.security import Vault, mask_name

OLDEST = 130
NARROW = 30  # years; up to here an audience is shown in bands of five, beyond in bands of ten
INSURED_TYPES = ("employee", "flexible", "resident", "pensioner")
PENSION_STATES = (
    "not_due",
    "due_soon",
    "done_silent",
    "done_face",
    "done_helper",
    "done_counter",
    "done_overseas",
    "submitted_reviewing",
    "failed",
    "overdue_grace",
    "paused",
    "resumed_backpay_pending",
    "backpaid",
    "ended",
)
DAYS = ("as_of", "retires_from", "retires_to")
NAMELESS = {"zh-CN": "居民朋友", "en": "Resident"}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Audience:
    """The citizens for whom all of this holds; what is empty asks nothing.

    ``districts`` are GB/T 2260 codes, ``sex`` is ``f`` or ``m``, both ages are
    completed years on the day ``as_of`` and belong to the audience. ``retires_from`` and
    ``retires_to`` are the first days of months in which people retire, both of it too; a woman
    whose old age (55 or 50) the register does not tell is not among them.
    """

    as_of: date
    districts: tuple[str, ...] = ()
    age_from: int | None = None
    age_to: int | None = None
    sex: str | None = None
    insured_types: tuple[str, ...] = ()
    pension_states: tuple[str, ...] = ()
    retires_from: date | None = None
    retires_to: date | None = None

    @property
    def born_from(self) -> date | None:
        """The earliest birth date still inside."""
        if self.age_to is None:
            return None
        return years_before(self.as_of, self.age_to + 1) + timedelta(days=1)

    @property
    def born_to(self) -> date | None:
        """The latest birth date still inside."""
        return None if self.age_from is None else years_before(self.as_of, self.age_from)

    def where(self) -> list[ColumnElement[bool]]:
        """The same as conditions on the register."""
        columns = citizens.c
        wanted: list[ColumnElement[bool]] = []
        for column, among in (
            (columns.district, self.districts),
            (columns.insured_type, self.insured_types),
            (columns.pension_state, self.pension_states),
        ):
            if among:
                wanted.append(column.in_(among))
        if self.sex:
            wanted.append(columns.sex == self.sex)
        if self.born_from:
            wanted.append(columns.birth_date >= self.born_from)
        if self.born_to:
            wanted.append(columns.birth_date <= self.born_to)
        if self.retires_from and self.retires_to:
            wanted.append(or_(false(), *_retiring(self.retires_from, self.retires_to)))
        return wanted


def _retiring(first: date, last: date) -> Iterator[ColumnElement[bool]]:
    """For each old age those born so that they retire in these months."""
    columns = citizens.c
    for old_age in retirement.STEPS:
        if between := retirement.born(old_age, first, last):
            theirs = columns.sex == "m" if old_age == retirement.MEN else columns.retires_at == old_age
            yield and_(theirs, columns.birth_date >= between[0], columns.birth_date < between[1])


# --- counting -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """Some of an audience: of one district, age band and language.

    ``no_address`` have no address of the kind asked for and ``opted_out`` said stop: both are in ``people``
    and will be suppressed.
    """

    district: str
    band: str
    language: str
    people: int
    no_address: int
    opted_out: int


def count(tx: Connection, audience: Audience, address: str = "mobile") -> list[Group]:
    """The audience by district, age band and language; one query. ``address`` is what its channel needs."""
    columns = citizens.c
    bands = list(_bands(audience))
    band = case(
        *((columns.birth_date <= years_before(audience.as_of, low), label) for low, label in bands),
        else_=literal("0"),
    ).label("band")
    stopped = exists().where(suppressions.c.address_index == columns[f"{address}_index"])
    query = (
        select(
            columns.district,
            band,
            columns.language,
            func.count(),
            func.sum(case((columns[address].is_(None), 1), else_=0)),
            func.sum(case((stopped, 1), else_=0)),
        )
        .where(*audience.where())
        .group_by(columns.district, band, columns.language)
        .order_by(columns.district, band, columns.language)
    )
    return [Group(*row) for row in tx.execute(query)]


def _bands(audience: Audience) -> Iterator[tuple[int, str]]:
    """Lowest age and label of each band, oldest first; cut at the audience's own ages."""
    lowest, highest = audience.age_from or 0, audience.age_to or OLDEST
    width = 5 if highest - lowest <= NARROW else 10
    for start in range(highest - highest % width, -1, -width):
        low, high = max(start, lowest), min(start + width - 1, highest)
        if low > high:
            return
        yield low, f"{low:02}+" if high >= OLDEST else f"{low:02}-{high:02}"


# --- people, a page at a time -----------------------------------------------------------


class Addressee(NamedTuple):
    """Somebody to write to: of the register, or by an address of their own.

    ``name`` is masked, or the language's word for somebody without a name. ``first_id`` is the message
    they had before in the same broadcast, the first.
    """

    citizen_id: UUID | None
    language: str
    name: str
    address: str | None = None
    first_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some people, and where to go on after them; ``cursor`` is None when these are the last."""

    people: Sequence[Addressee]
    cursor: str | None


class Span(NamedTuple):
    """Whom to read: those after a cursor, so many of them, or up to and with another one."""

    after: str | None
    size: int | None = None
    upto: str | None = None


def page(tx: Connection, vault: Vault, audience: Audience, span: Span) -> Page:
    """The next people of the audience, in the order of their ids."""
    columns = citizens.c
    query = select(columns.id, columns.language, columns.name).where(*audience.where())
    if span.after:
        query = query.where(columns.id > UUID(span.after))
    if span.upto:
        query = query.where(columns.id <= UUID(span.upto))
    rows = tx.execute(query.order_by(columns.id).limit(span.size)).all()
    people = [Addressee(row.id, row.language, _masked(vault, row)) for row in rows]
    return Page(people, str(rows[-1].id) if len(rows) == span.size else None)


def _masked(vault: Vault, row: Any) -> str:
    try:
        return mask_name(vault.open("citizens.name", row.id, row.name))
    except TamperedError:  # one bad cell must not stop everybody else's messages
        log.error("cell_cannot_be_opened", table="citizens", row=str(row.id))  # noqa: TRY400
        return nameless(row.language)


def nameless(language: str) -> str:
    return NAMELESS.get(language, NAMELESS["zh-CN"])


def months(given: Mapping[str, Any]) -> dict[str, date]:
    """The months of retirement of a definition (``2027-01``) as their first days."""
    return {name: date.fromisoformat(f"{given[name]}-01") for name in DAYS[1:] if given.get(name)}


def from_json(stored: Mapping[str, Any]) -> Audience:
    lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    days = {name: date.fromisoformat(stored[name]) for name in DAYS if stored.get(name)}
    return Audience(**{**stored, **lists, **days})
