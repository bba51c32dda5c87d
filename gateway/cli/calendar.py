"""Verbs for the calendar: whether each year's notice is there, what it says, and a new one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click

from gateway import calendars, cities
from gateway.cli.accounts import changing, looking, table
from gateway.cli.command import Context, main, pass_context
from gateway.levers import years
from gateway.levers.years import Loaded
from gateway.runtime import Runtime

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
COMES = {
    "release": "with the release",
    "library": "from the library holidays",
    "computed": "computed: nobody has announced it",
}


@main.group()
def calendar() -> None:
    """Which days are worked: the State Council's notice of each year."""


@calendar.command("check")
@pass_context
def check_calendar(context: Context) -> None:
    """Whether the notices of this year and, from 1 December on, of the next are there. Exits 1 if not."""
    here = context.runtime()
    missing = years.missing(here)
    today = _today(here)
    told: dict[str, Any] = {
        "ok": missing is None,
        "year": missing and missing.year,
        "said": str(missing or "Every notice that can be there is there."),
        "years": [_year(here, year) for year in (today.year, today.year + 1)],
    }

    def human() -> None:
        table(("year", "working days", "comes"), [_row(one) for one in told["years"]], "")
        click.echo(told["said"])

    context.show(told, human)
    sys.exit(1 if missing else 0)


@calendar.command("show")
@click.argument("year", type=click.IntRange(years.FIRST, 2100), required=False)
@pass_context
def show_calendar(context: Context, year: int | None) -> None:
    """The holidays and working weekends of a year, and where they come from."""
    here = context.runtime()
    told = _year(here, year or _today(here).year)

    def human() -> None:
        table(("year", "working days", "comes"), [_row(told)], "")
        for first, last in told["holidays"]:
            click.echo(f"  free     {first}" + (f" – {last}" if last != first else ""))
        for day in told["workdays"]:
            click.echo(f"  worked   {day}")

    context.show(told, human)


@calendar.command("diff")
@FILE
@pass_context
def diff_calendar(context: Context, file: Path) -> None:
    """What a file of notices would change, day by day; nothing is loaded."""
    here = context.runtime()
    text = calendars.open_file(file)
    found = looking(here, lambda desk: years.judge(desk.tx, text, str(file), _today(here)))
    _report(context, found, "Nothing was changed. Load it: gateway calendar load FILE")


@calendar.command("load")
@FILE
@pass_context
def load_calendar(context: Context, file: Path) -> None:
    """Count by the notices of a file; what is open is counted anew. A wrong one is refused."""
    text = calendars.open_file(file)
    found = changing(context.runtime(), lambda desk: years.load(desk, text, str(file)))
    _report(
        context, found, "Every process counts by it within seconds; what was planned is planned again then."
    )


def _report(context: Context, found: Loaded, then: str) -> None:
    told = {
        "changed": found.changed,
        "same": found.same,
        "firm": found.firm,
        "moved": [{"day": f"{one.day}", "works": one.works} for one in found.moved],
    }

    def human() -> None:
        if not found.changed:
            click.echo("Nothing new: these notices are known already.")
            return
        rows = [(f"{one.day:%Y-%m-%d %a}", "worked" if one.works else "free") for one in found.moved]
        table(("day", "from now on"), rows, "No day changes.")
        if found.firm:
            click.echo(f"Announced now, only computed before: {', '.join(map(str, found.firm))}.")
        click.echo(then)

    context.show(told, human)


def _year(here: Runtime, year: int) -> dict[str, Any]:
    with here.db.read() as tx:
        known, whence = years.known(tx), years.whence(tx, year)
    notice = known.notices.get(year)
    return {
        "year": year,
        "working_days": len(known.working_days(year)),
        **whence,
        "source": notice and notice.source,
        "holidays": [[f"{first}", f"{last}"] for first, last in (years.spans(notice) if notice else ())],
        "workdays": [f"{day}" for day in (sorted(notice.workdays) if notice else ())],
    }


def _row(told: Mapping[str, Any]) -> tuple[str, str, str]:
    comes = COMES.get(told["comes"]) or f"loaded {told['at'][:16]} by {told['by']}"
    return f"{told['year']}", f"{told['working_days']}", f"{comes}  {told['source'] or ''}".strip()


def _today(here: Runtime) -> date:
    now = here.clock()
    return now.astimezone(cities.of(here).rules_now(now).zone).date()
