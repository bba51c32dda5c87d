"""Verbs for the halls: close one, open it again, list what is closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from sqlalchemy import Row

from gateway import cities
from gateway.appointments import closures
from gateway.cli.command import CLOCK, DAY, Context, actor, main, pass_context
from gateway.levers import closing
from gateway.levers.closing import Closed, Wanted
from gateway.runtime import Runtime


@main.group()
def hall() -> None:
    """The halls people book a visit to: when one is closed though its timetable says otherwise."""


@hall.command("list")
@pass_context
def list_halls(context: Context) -> None:
    """Every hall, and what is closed now or later."""
    here = context.runtime()
    with here.db.read() as tx:
        rows = closures.ahead(tx, here.clock())
    halls = [{"id": one.id, "name": one.name} for one in cities.of(here).rules_now(here.clock()).halls]
    shown = [{name: str(getattr(row, name)) for name in _SHOWN} for row in rows]
    context.show({"halls": halls, "closures": shown}, lambda: _print(here, halls, rows))


_SHOWN = ("id", "hall", "from_at", "to_at", "reason", "made_by")


def _print(here: Runtime, halls: Sequence[dict[str, str]], rows: Sequence[Row[Any]]) -> None:
    for one in halls:
        click.echo(f"{one['id']:<16} {one['name']}")
    for row in rows:
        click.echo(f"closed: {row.hall} {_span(here, row.from_at, row.to_at)}  {row.reason}  {row.id}")
    if not rows:
        click.echo("No hall is closed.")


def _span(here: Runtime, from_at: datetime, to_at: datetime) -> str:
    zone = cities.of(here).rules_now(here.clock()).zone
    return f"{from_at.astimezone(zone):%Y-%m-%d %H:%M} – {to_at.astimezone(zone):%Y-%m-%d %H:%M}"


@hall.command("close")
@click.argument("name")
@click.argument("day", type=DAY)
@click.option("--until", type=DAY, help="The last day, where it is closed for several.")
@click.option("--from", "opens", type=CLOCK, help="From this hour of the day on: 14:00.")
@click.option("--to", "closes", type=CLOCK, help="Until this hour of the day: 17:30.")
@click.option("--reason", required=True, help="As citizens read it, 30 characters at most.")
@click.option("--dry-run", is_flag=True, help="Say how many it reaches, and do nothing.")
@pass_context
def close_hall(
    context: Context,
    name: str,
    day: datetime,
    until: datetime | None,
    opens: datetime | None,
    closes: datetime | None,
    reason: str,
    dry_run: bool,
) -> None:
    """Close a hall for DAY (2026-12-01), for days, or for hours of one. Citizens are told.

    This is recorded.
    """
    here = context.runtime()
    clocks = (opens.time() if opens else None, closes.time() if closes else None)
    wanted = Wanted(name, day.date(), until.date() if until else None, *clocks, reason)
    with here.db.write() as tx:
        closed = closing.close(tx, here, wanted, actor(), dry_run=dry_run)
    context.show(_closed(closed, dry_run=dry_run), lambda: _tell(here, closed, dry_run=dry_run))


def _closed(closed: Closed, *, dry_run: bool) -> dict[str, Any]:
    reached = closed.touched
    numbers = {"booked": reached.booked, "offered": reached.offered, "waiting": reached.waiting}
    span = {"from_at": closed.from_at.isoformat(), "to_at": closed.to_at.isoformat()}
    about = {"id": closed.id, "hall": closed.hall, "reason": closed.reason, "changed": closed.changed}
    return {**about, **span, **numbers, "dry_run": dry_run}


def _tell(here: Runtime, closed: Closed, *, dry_run: bool) -> None:
    reached, span = closed.touched, _span(here, closed.from_at, closed.to_at)
    whom = f"{reached.booked} booked, {reached.offered} offered, {reached.waiting} waiting"
    if dry_run:
        click.echo(f"{closed.hall} {span} would reach {whom}. Nothing was done.")
    elif closed.changed:
        click.echo(f"{closed.hall} is closed {span} ({closed.id}); told within seconds: {whom}.")
    else:
        click.echo(f"{closed.hall} was closed {span} already ({closed.id}).")


@hall.command("reopen")
@click.argument("closure", type=click.UUID)
@pass_context
def reopen_hall(context: Context, closure: Any) -> None:
    """Open a hall again, by the closure's id. What was taken back stays so; this is recorded."""
    here = context.runtime()
    with here.db.write() as tx:
        changed = closing.reopen(tx, here, closure, actor())
    said = "It is open again." if changed else "It was open again already."
    context.show({"id": closure, "changed": changed}, lambda: click.echo(said))
