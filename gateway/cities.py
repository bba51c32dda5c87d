"""The rules and the calendar this deployment lives by: those of the release, until it has loaded its own.

``gateway.rules`` says what rules are. With the first load all versions of a city stand in the database
and only these count: a later release changes none of them. Each process keeps what it read and looks
again every few seconds, by one small question, so that ``of`` may be asked anywhere at no cost. A new
version comes into force tomorrow at the earliest: by then every process has seen it. The calendar is no
version: every version counts by the one that is known now (``Rules.calendar``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock

import structlog
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway import calendar_notices, calendars
from gateway.calendar_notices import notices
from gateway.calendars import Calendar
from gateway.card_rules import CardLoss
from gateway.db import Utc, metadata
from gateway.errors import SettingError, UnknownNameError
from gateway.rules import files
from gateway.rules.files import load, shipped
from gateway.rules.model import Cities, City, District, Hall, Rules
from gateway.runtime import Runtime

__all__ = ["CardLoss", "Cities", "City", "District", "Hall", "Rules", "load", "of", "shipped"]

FRESH = timedelta(seconds=3)  # so long what was read counts unasked
KEPT = "cities"  # our place in what a process remembers
log = structlog.get_logger()

city_rules = Table(
    "city_rules",
    metadata,
    Column("city", String(32), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), nullable=False),  # of the document
    Column("document", Text, nullable=False),  # the whole file in which the version was loaded
    Column("loaded_at", Utc, nullable=False),
    Column("loaded_by", String(80), nullable=False),
)
Stamp = tuple[str, int, bytes]  # of a version; of a year's notice, whose city is ""


def of(runtime: Runtime) -> City:
    """The deployment's city: all versions of its rules, as they are known now."""
    return _known(runtime).city(runtime.settings.city)


def begun_under(runtime: Runtime, city: str, version: int) -> Rules:
    """The version a row names; ``UnknownNameError`` if there is none."""
    known = _known(runtime)
    try:
        return known.city(city).rules(version)
    except UnknownNameError:  # loaded a moment ago, by another process
        known.look(runtime, runtime.clock(), wait=True)
        return known.city(city).rules(version)


def stamp(tx: Connection, runtime: Runtime) -> str:
    """What rules and calendar hold at this moment, as a digest: another one when anything of them changes."""
    city = runtime.settings.city
    in_force = of(runtime).rules_now(runtime.clock()).version
    shipped_with = (
        files.shipped_text(city) if city in shipped() else "",
        calendars.SHIPPED.read_text("utf-8"),
    )
    seen = (sorted(_stamps(tx)), in_force, *shipped_with)
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _stamps(tx: Connection) -> frozenset[Stamp]:
    columns, years = city_rules.c, notices.c
    versions = select(columns.city, columns.version, columns.digest)
    rows = tx.execute(versions.union_all(select(literal(""), years.year, years.digest)))
    return frozenset((row.city, row.version, bytes(row.digest)) for row in rows)


def put(tx: Connection, city: str, document: str, versions: list[int], now: datetime, by: str) -> None:
    """Store these versions of a city as they stand in this file; what stood under their numbers goes."""
    columns = city_rules.c
    tx.execute(delete(city_rules).where(columns.city == city, columns.version.in_(versions)))
    digest = hashlib.sha256(document.encode()).digest()
    common = {"city": city, "digest": digest, "document": document, "loaded_at": now, "loaded_by": by}
    tx.execute(insert(city_rules), [{**common, "version": version} for version in versions])


def stored(tx: Connection) -> Mapping[str, City]:
    """The cities in the database. One this release cannot read raises ``RulesFileError``."""
    columns = city_rules.c
    query = select(columns.city, columns.version, columns.document).order_by(columns.city, columns.version)
    versions: dict[str, list[Rules]] = {}
    for city, version, document in tx.execute(query):
        versions.setdefault(city, []).append(_read(document, city).rules(version))
    return {city: City(city, tuple(rules)) for city, rules in versions.items()}


@lru_cache(maxsize=64)
def _read(document: str, city: str) -> City:
    return City(city, files.read(document, city, f"the rules of {city} as loaded").versions)


@dataclass(slots=True)
class _Known:
    """What this process read last, and when; None: it never did."""

    at: datetime | None = None
    stamps: frozenset[Stamp] = frozenset()
    calendar: Calendar = field(default_factory=calendars.shipped)
    loaded: Mapping[str, City] = field(default_factory=dict)  # with that calendar
    counted: dict[str, tuple[City, City]] = field(default_factory=dict)  # of the release; with the calendar
    looking: Lock = field(default_factory=Lock)

    def city(self, name: str) -> City:
        if name in self.loaded:
            return self.loaded[name]
        city = shipped()[name]
        known = self.counted.get(name)
        if known is None or known[0] is not city:
            known = self.counted[name] = (city, city.by(self.calendar))
        return known[1]

    def look(self, runtime: Runtime, now: datetime, *, wait: bool) -> None:
        """Read what changed; with ``wait`` even where another thread does so at this moment.

        A database that does not answer, or a version for a later release, leaves what is known.
        """
        if not self.looking.acquire(blocking=wait):
            return
        try:
            with runtime.db.read_aside() as tx:
                self._read(tx)
            self.at = now
        except (SQLAlchemyError, OSError, SettingError) as error:
            if self.at is None and isinstance(error, SettingError):
                raise
            log.warning("rules_not_read", error=type(error).__name__)
            self.at = self.at and now
        finally:
            self.looking.release()

    def _read(self, tx: Connection) -> None:
        stamps = _stamps(tx)
        if stamps == self.stamps:
            return
        self.calendar = calendars.shipped().and_also(calendar_notices.stored(tx))
        self.loaded = {name: city.by(self.calendar) for name, city in stored(tx).items()}
        self.counted, self.stamps = {}, stamps


def _known(runtime: Runtime) -> _Known:
    known: _Known = runtime.kept.get(KEPT) or runtime.kept.setdefault(KEPT, _Known())
    now = runtime.clock()
    if known.at is None:
        known.look(runtime, now, wait=True)
    elif not timedelta() <= now - known.at < FRESH:
        known.look(runtime, now, wait=False)
    return known
