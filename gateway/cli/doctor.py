"""Verb for whoever answers for a deployment: what is wrong with it, and what is worth a look."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway import audit, cities, migrations, readiness, runtime
from gateway.cli.accounts import table
from gateway.cli.command import Context, main, pass_context
from gateway.config import Settings
from gateway.errors import HuiyinError
from gateway.levers import years
from gateway.rules import shown
from gateway.rules.shown import Origin
from gateway.runtime import Runtime


class State(StrEnum):
    OK = "ok"
    LOOK = "look"  # it works; somebody should see to it
    WRONG = "wrong"


class Finding(NamedTuple):
    what: str
    state: State
    said: str


@main.command()
@pass_context
def doctor(context: Context) -> None:
    """Look at settings, schema, rules, calendar and audit chain. Exits 1 where something is wrong."""
    found = list(findings(context))
    told = [one._asdict() for one in found]
    context.show({"findings": told}, lambda: table(("what", "state", "said"), found, ""))
    sys.exit(1 if any(one.state is State.WRONG for one in found) else 0)


def findings(context: Context) -> Iterator[Finding]:
    """What there is to say, in order; a database that does not answer ends it."""
    settings = context.settings()
    yield _settings(settings)
    yield from _places(settings)
    here = runtime.build(settings, wake=lambda _lane: None, sending=False)
    try:
        with here.db.read() as tx:
            yield from _of_database(here, tx)
    except (SQLAlchemyError, OSError):
        yield Finding("database", State.WRONG, "It does not answer. Is DATABASE_URL right, and does it run?")
    finally:
        here.db.close()


def _of_database(here: Runtime, tx: Connection) -> Iterator[Finding]:
    if migrations.present(tx) != migrations.head():
        yield Finding("schema", State.WRONG, "It is not this release's. Run: python3 run.py migrate")
        return
    yield Finding("schema", State.OK, f"{migrations.head()}, this release's")
    try:
        yield from _rules(here)
        yield from _release(here, tx)
    except HuiyinError as error:
        yield Finding("rules", State.WRONG, str(error))
    yield _calendar(here)
    broken = audit.broken(tx, here.vault)
    said = f"Row {broken} does not follow from the one before. Keep the database as it is and find out why."
    yield Finding("audit chain", State.WRONG if broken else State.OK, said if broken else "whole")


def _settings(settings: Settings) -> Finding:
    try:
        readiness.check(settings)
    except HuiyinError as error:
        return Finding("settings", State.WRONG, str(error))
    return Finding("settings", State.OK, "complete")


def _places(settings: Settings) -> Iterator[Finding]:
    """A proxy ends TLS for us; where we are not told of it, everybody comes from its address."""
    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        said = (
            "PUBLIC_URL is https, so a proxy stands before us, and its address is taken for everybody's: "
            "the limits of one place hold for all together, or for nobody. Set TRUSTED_PROXIES=1."
        )
        yield Finding("places", State.LOOK, said)


def _rules(here: Runtime) -> Iterator[Finding]:
    """The version in force, the next one, and what of it is not the city's own."""
    city, now = cities.of(here), here.clock()
    mine = city.rules_now(now)
    later = [one for one in city.versions if one.version > mine.version]
    then = f"; version {later[0].version} from {later[0].in_force_from}" if later else ""
    yield Finding("rules", State.OK, f"{city.id}, version {mine.version} since {mine.in_force_from}{then}")
    whose = [rule.origin for rule in shown.rules(city, mine.version)]
    defaults, made_up = whose.count(Origin.PRODUCT), whose.count(Origin.DEMO)
    said = f"{defaults} of {len(whose)} rules are product defaults: python3 run.py rules show --defaults"
    yield Finding(
        "city's own rules", State.LOOK if defaults else State.OK, said if defaults else "all of them"
    )
    if made_up and not here.settings.demo:
        said = (
            f"{made_up} rules are demo data, providers are real. Load its own: python3 run.py rules load FILE"
        )
        yield Finding("demo data in rules", State.WRONG, said)


def _release(here: Runtime, tx: Connection) -> Iterator[Finding]:
    """What this release ships and the city, having loaded rules of its own, does not go by."""
    loaded = cities.stored(tx).get(here.settings.city)
    if loaded is None or here.settings.city not in cities.shipped():
        return
    mine = {one.version: one for one in loaded.versions}
    others = [
        one.version for one in cities.shipped()[here.settings.city].versions if mine.get(one.version) != one
    ]
    if others:
        numbers = ", ".join(map(str, others))
        said = f"This release ships version {numbers} otherwise than loaded. The loaded one counts; compare."
        yield Finding("rules of the release", State.LOOK, said)


def _calendar(here: Runtime) -> Finding:
    missing = years.missing(here)
    if missing:
        return Finding("calendar", State.WRONG if missing.begun else State.LOOK, str(missing))
    return Finding("calendar", State.OK, "announced as far as it can be")
