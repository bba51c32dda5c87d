"""Verbs for a city's rules: what holds and where that stands, what a version changes, and new versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from gateway import cities
from gateway.cities import City, Rules, city_rules
from gateway.cli.accounts import changing, looking, table
from gateway.cli.command import Context, main, pass_context
from gateway.errors import UnknownNameError
from gateway.levers import rulebook
from gateway.levers.rulebook import Loaded
from gateway.rules import files, shown
from gateway.rules.shown import Origin, Rule
from gateway.runtime import Runtime


@main.group()
def rules() -> None:
    """What holds in a city: its rules, version by version, each with its source."""


@rules.command("show")
@click.argument("city", required=False)
@click.option("--version", type=int, help="Another version than the one in force.")
@click.option("--defaults", is_flag=True, help="Only what is still the product's default, or demo data.")
@pass_context
def show_rules(context: Context, city: str | None, version: int | None, *, defaults: bool) -> None:
    """Each rule with its value, where it stands, of when that is, and since which version."""
    here = context.runtime()
    mine = _city(here, city or here.settings.city)
    chosen = mine.rules(version) if version is not None else mine.rules_now(here.clock())
    found = [
        one for one in shown.rules(mine, chosen.version) if not defaults or one.origin is not Origin.CITY
    ]
    versions = _versions(here, mine)

    def human() -> None:
        headings = ("version", "in force from", "comes", "begun under it")
        table(headings, [tuple(str(one[key]) for key in VERSION) for one in versions], "")
        click.echo(f"{chosen.name} {chosen.name_en}, version {chosen.version}: {chosen.source}")
        _print(found)

    told = {"city": mine.id, "version": chosen.version, "versions": versions}
    context.show({**told, "rules": [_told(one) for one in found]}, human)


VERSION = ("version", "in_force_from", "comes", "begun")


def _versions(here: Runtime, city: City) -> list[dict[str, Any]]:
    columns = city_rules.c
    query = select(columns.version, columns.loaded_at, columns.loaded_by).where(columns.city == city.id)
    with here.db.read() as tx:
        loaded = {row.version: row for row in tx.execute(query)}
        begun = rulebook.begun(tx, city.id)
    return [
        {
            "version": one.version,
            "in_force_from": f"{one.in_force_from}",
            "comes": _whence(loaded.get(one.version), one),
            "begun": begun.get(one.version, 0),
            "source": one.source,
            "source_date": one.source_date and f"{one.source_date}",
        }
        for one in city.versions
    ]


def _whence(row: Any, one: Rules) -> str:
    if row is None or row.loaded_by == rulebook.RELEASE:
        return "with the release"
    return f"loaded {row.loaded_at.astimezone(one.zone):%Y-%m-%d %H:%M} by {row.loaded_by}"


def _told(one: Rule) -> dict[str, Any]:
    return {
        "rule": one.key,
        "value": one.value,
        "since_version": one.since,
        "source": one.source,
        "source_date": one.source_date and f"{one.source_date}",
        "whose": str(one.origin),
        "given": one.given,
    }


def _print(found: Sequence[Rule]) -> None:
    """Rules under the source they share."""

    def stands(one: Rule) -> tuple[str, str, str]:
        part = one.key.partition(".")[0]
        return part if "." in one.key else "", one.source, f"{one.source_date or ''}"

    for (part, source, day), ours in groupby(found, stands):
        click.echo(f"\n[{part}]  {source}  {day}".rstrip() if part else f"\n{source}  {day}".rstrip())
        for one in ours:
            click.echo(f"  {one.key.removeprefix(f'{part}.')} = {one.value}   since version {one.since}")


@rules.command("diff")
@click.argument("a")
@click.argument("b")
@pass_context
def diff_rules(context: Context, a: str, b: str) -> None:
    """What B has otherwise than A: each a VERSION, a CITY:VERSION or a FILE.toml (its last version)."""
    here = context.runtime()
    before, after = _one(here, a), _one(here, b)
    found = list(shown.differences(before, after))
    left, right = (f"{one.city}:{one.version}" for one in (before, after))

    def human() -> None:
        table(("rule", left, right), found, f"{left} and {right} say the same.")

    context.show({"a": left, "b": right, "differences": [_difference(*said) for said in found]}, human)


@rules.command("load")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--city", help="The city's id, where the file is not called after it.")
@click.option("--dry-run", is_flag=True, help="Only check the file and say what it would do.")
@pass_context
def load_rules(context: Context, file: Path, city: str | None, *, dry_run: bool) -> None:
    """Give a city the versions of a file that are new. A wrong file is refused with line and reason."""
    here = context.runtime()
    document = files.open_file(file, city or file.stem)
    if dry_run:
        found = looking(here, lambda desk: rulebook.judge(desk.tx, document, desk.now))
    else:
        found = changing(here, lambda desk: rulebook.load(desk, document))
    told = {
        "city": found.city,
        "dry_run": dry_run,
        "new": found.new,
        "changed": found.changed,
        "same": found.same,
        "changes": _changes(found),
    }
    context.show(told, lambda: _report(told))


def _changes(found: Loaded) -> list[dict[str, Any]]:
    """Each new or changed version against the one before it."""
    versions = found.versions.versions
    return [
        {
            "version": one.version,
            "in_force_from": f"{one.in_force_from}",
            "differences": [_difference(*said) for said in shown.differences(last, one)],
        }
        for last, one in pairwise((versions[0], *versions))
        if one.version in (*found.new, *found.changed)
    ]


def _difference(key: str, before: str, after: str) -> dict[str, str]:
    return {"rule": key, "before": before, "after": after}


def _report(told: Mapping[str, Any]) -> None:
    would = "would be " if told["dry_run"] else ""
    for one in told["changes"]:
        how = "new" if one["version"] in told["new"] else "changed"
        click.echo(f"{told['city']}:{one['version']} {would}{how}, in force from {one['in_force_from']}:")
        rows = [(each["rule"], each["before"], each["after"]) for each in one["differences"]]
        table(("rule", "before", "after"), rows, "  the same rules as the version before it")
    if not told["changes"]:
        click.echo(f"Nothing new: {told['city']} has these versions already.")
    elif told["dry_run"]:
        click.echo("Nothing was changed. Leave out --dry-run to load it.")
    else:
        click.echo("Every process knows of it within seconds.")


# --- which rules are meant -----------------------------------------------------------------------


def _city(here: Runtime, name: str) -> City:
    with here.db.read() as tx:
        return cities.stored(tx).get(name) or cities.shipped()[name]


def _one(here: Runtime, named: str) -> Rules:
    """``2``, ``shanghai:1`` or ``changde.toml``."""
    if named.endswith(".toml"):
        return files.open_file(Path(named), Path(named).stem).versions[-1]
    city, _, version = named.rpartition(":")
    if not version.isdecimal():
        raise UnknownNameError(
            f"{named!r} is no version. Write 2, {here.settings.city}:2 or a file like my.toml."
        )
    return _city(here, city or here.settings.city).rules(int(version))
