"""Giving a city new rules: what may be loaded when, and how it goes into force. All is on record.

A version in force under which something has begun never changes; a new one comes into force tomorrow
at the earliest, so that no two processes ever go by different rules. Before anything has begun, a city
may replace what came with the release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from sqlalchemy import Connection, func, select

from gateway import cities
from gateway.cities import City, Rules
from gateway.levers.accounts import Desk
from gateway.rules import files, shown
from gateway.rules.files import Document, Problem, RulesFileError
from gateway.transactions import registry
from gateway.transactions.model import Level
from gateway.transactions.store import transactions

RELEASE = "release"  # who loaded what came with it
NEXT = (
    "Leave it out of the file or as it is, and write what changes into a [[version]] with the next number, "
    "in force from {} or later."
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file brings: versions that are new, those it changes, and those it repeats."""

    city: str
    new: tuple[int, ...]
    changed: tuple[int, ...]
    same: tuple[int, ...]
    versions: City

    @property
    def anything(self) -> bool:
        return bool(self.new or self.changed)


def load(desk: Desk, document: Document) -> Loaded:
    """Put the versions of a file into the book; ``RulesFileError`` where one may not go in.

    On record first: whoever loads at the same moment waits there. Whoever only wants to know what
    would happen asks ``judge``.
    """
    city = document.versions[-1].city
    digest = hashlib.sha256(document.text.encode()).hexdigest()
    desk.record("rules.load", f"{city} sha256 {digest[:32]}")
    found = judge(desk.tx, document, desk.now)
    if not found.anything:
        return found
    _keep_shipped(desk, found)
    cities.put(desk.tx, city, document.text, [*found.new, *found.changed], desk.now, desk.actor)
    for version in sorted((*found.new, *found.changed)):
        rules = found.versions.rules(version)
        desk.record("rules.version", f"{city} {version} in force from {rules.in_force_from}")
    return found


def judge(tx: Connection, document: Document, now: datetime) -> Loaded:
    """What loading a file would do; ``RulesFileError`` names all that speaks against it."""
    known = book(tx, document.versions[-1].city)
    new = [rules for rules in document.versions if rules.version not in known]
    changed = [r for r in document.versions if r.version in known and known[r.version] != r]
    counts = begun(tx, document.versions[-1].city) if changed else {}
    begun_under = [rules for rules in changed if rules.version in counts]
    free = [rules for rules in changed if rules.version not in counts]
    problems = [
        *(_beyond_change(document, known[r.version], r, counts[r.version], now) for r in begun_under),
        *_too_soon(tx, document, [*new, *free], now),
        *_unsourced(document, [*new, *changed]),
        *_unknown_types(document, [*new, *changed]),
    ]
    merged = {**known, **{rules.version: rules for rules in (*new, *changed)}}
    versions = tuple(merged[number] for number in sorted(merged))
    problems += [*_disorder(document, versions), *_nothing_today(document, versions[0], now)]
    if problems:
        raise RulesFileError(document.file, problems)
    touched = {rules.version for rules in (*new, *changed)}
    return Loaded(
        document.versions[-1].city,
        tuple(rules.version for rules in new),
        tuple(rules.version for rules in changed),
        tuple(rules.version for rules in document.versions if rules.version not in touched),
        City(document.versions[-1].city, versions),
    )


def book(tx: Connection, city: str) -> Mapping[int, Rules]:
    """The versions of a city as they count now, by number; none for a city nobody knows."""
    found = cities.stored(tx).get(city) or cities.shipped().get(city)
    return {rules.version: rules for rules in found.versions} if found else {}


def begun(tx: Connection, city: str) -> Mapping[int, int]:
    """How many transactions began under each version."""
    columns = transactions.c
    query = select(columns.rules_version, func.count().label("begun")).where(columns.city == city)
    return {row.rules_version: row.begun for row in tx.execute(query.group_by(columns.rules_version))}


def _keep_shipped(desk: Desk, found: Loaded) -> None:
    """With the first load, what came with the release goes into the book, too."""
    if found.city in cities.stored(desk.tx) or found.city not in cities.shipped():
        return
    versions = [rules.version for rules in cities.shipped()[found.city].versions]
    kept = [version for version in versions if version not in found.changed]
    if kept:
        text = files.shipped_text(found.city)
        cities.put(desk.tx, found.city, text, kept, desk.now, RELEASE)


# --- what speaks against a file ------------------------------------------------------------------


def _beyond_change(document: Document, old: Rules, rules: Rules, number: int, now: datetime) -> Problem:
    others = [key for key, _, _ in shown.differences(old, rules)]
    what = f"It changes {', '.join(others[:3])}." if others else "It changes sources or dates."
    reason = (
        f"{rules.version} cannot change any more: {number:,} transactions began under it. {what} "
        + NEXT.format(_tomorrow(rules, now))
    )
    return _problem(document, rules, "version", reason)


def _too_soon(
    tx: Connection, document: Document, versions: Sequence[Rules], now: datetime
) -> Iterator[Problem]:
    for rules in versions:
        tomorrow = _tomorrow(rules, now)
        if rules.in_force_from < tomorrow and _since(tx, rules):
            reason = (
                f"{rules.in_force_from} is too soon: transactions have begun since. "
                f"Write {tomorrow} or a later day."
            )
            yield _problem(document, rules, "in_force_from", reason)


def _since(tx: Connection, rules: Rules) -> bool:
    """Whether anything began in the city from the day on that a version wants to be in force."""
    columns = transactions.c
    midnight = datetime.combine(rules.in_force_from, time(), rules.zone)
    query = select(columns.id).where(columns.city == rules.city, columns.created_at >= midnight)
    return tx.execute(query.limit(1)).first() is not None


def _tomorrow(rules: Rules, now: datetime) -> date:
    return now.astimezone(rules.zone).date() + timedelta(days=1)


def _unsourced(document: Document, versions: Sequence[Rules]) -> Iterator[Problem]:
    for rules in versions:
        place = document.versions.index(rules)
        for keys in shown.unsourced(rules):
            meant = "where these rules stand" if keys[-1] == "source" else "of when the source is: 2026-01-31"
            reason = f"is missing. Say {meant}."
            yield Problem(document.line(place, *keys), place + 1, ".".join(keys), reason)


def _unknown_types(document: Document, versions: Sequence[Rules]) -> Iterator[Problem]:
    """A level for what is no type would be asked for nowhere, nor one where the form asks for nobody."""
    for rules in versions:
        place = document.versions.index(rules)
        known = [name for name, kind in registry.types().items() if kind.level is not Level.ANONYMOUS]
        for name in rules.identity.levels:
            if name not in known:
                keys = ("identity", "levels", name)
                reason = f"there is no such transaction type to ask who it is; there are {', '.join(known)}."
                yield Problem(document.line(place, *keys), place + 1, ".".join(keys), reason)


def _disorder(document: Document, versions: Sequence[Rules]) -> Iterator[Problem]:
    """New versions fit among those that are there."""
    for last, rules in pairwise(versions):
        if complaint := files.disorder(last, rules):
            yield _problem(document, rules if rules in document.versions else last, *complaint)


def _nothing_today(document: Document, first: Rules, now: datetime) -> Iterator[Problem]:
    if first.in_force_from >= _tomorrow(first, now):
        reason = (
            f"nothing would be in force until {first.in_force_from}. Let the first version begin earlier."
        )
        yield _problem(document, first, "in_force_from", reason)


def _problem(document: Document, rules: Rules, key: str, reason: str) -> Problem:
    place = document.versions.index(rules)
    return Problem(document.line(place, key), place + 1, key, reason)
