"""Verbs for visits to people's homes: who waits, a day agreed on, made, refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click
from sqlalchemy import Connection

from gateway.cli.accounts import table
from gateway.cli.command import DAY, Context, actor, main, pass_context
from gateway.levers import visits
from gateway.pensions.visits import PARTS, REFUSALS
from gateway.runtime import Runtime

COLUMNS = ("reference", "stage", "name", "mobile", "call_by", "visit_on", "part")


@main.group("home-visits")
def home_visits() -> None:
    """Visits to the homes of pensioners who cannot come."""


@home_visits.command("list")
@pass_context
def list_visits(context: Context) -> None:
    """Who waits, the longest first; masked. The number to call stands on the console's list of calls."""
    here = context.runtime()
    with here.db.read() as tx:
        found = visits.waiting(tx, here)
    rows = [tuple(one[name] for name in COLUMNS) for one in found]
    context.show({"home_visits": list(found)}, lambda: table(COLUMNS, rows, "Nobody waits for a visit."))


@home_visits.command()
@click.argument("reference")
@click.argument("day", type=DAY)
@click.option("--part", type=click.Choice([part for part in PARTS if part]), help="Of the day.")
@pass_context
def arrange(context: Context, reference: str, day: datetime, part: str | None) -> None:
    """A DAY was agreed on by telephone; the citizen is told it. Again for another day."""
    _do(
        context,
        reference,
        "arranged",
        lambda tx, here: visits.arrange(tx, here, reference, day.date(), part or "", actor()),
    )


@home_visits.command()
@click.argument("reference")
@pass_context
def done(context: Context, reference: str) -> None:
    """Somebody was there."""
    _do(context, reference, "visited", lambda tx, here: visits.made(tx, here, reference, actor()))


@home_visits.command()
@click.argument("reference")
@click.argument("reason", type=click.Choice(list(REFUSALS)))
@pass_context
def refuse(context: Context, reference: str, reason: str) -> None:
    """Nobody comes: the citizen is told why, and what helps instead."""
    _do(
        context,
        reference,
        "refused",
        lambda tx, here: visits.refuse(tx, here, reference, reason, actor()),
    )


def _do(
    context: Context, reference: str, stage: str, step: Callable[[Connection, Runtime], set[str]]
) -> None:
    here = context.runtime()
    with here.db.write() as tx:
        lanes = step(tx, here)
    here.wake_all(lanes)
    context.show({"reference": reference, "stage": stage}, lambda: click.echo(f"{reference}: {stage}."))
