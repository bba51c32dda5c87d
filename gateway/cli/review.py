"""Verbs for changes of people's data that wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from gateway import cities
from gateway.cli.command import Context, actor, main, pass_context
from gateway.levers import reviewing
from gateway.levers.reviewing import WHYS, Decided, Waiting
from gateway.records.reasons import REFUSALS, RETURNS
from gateway.runtime import Runtime


@main.group()
def review() -> None:
    """Changes of people's data that wait for somebody to look at them."""


@review.command("list")
@pass_context
def list_reviews(context: Context) -> None:
    """Those that wait, oldest first, masked."""
    here = context.runtime()
    with here.db.read() as tx:
        found = reviewing.listed(tx, here)
    context.show({"reviews": [asdict(one) for one in found]}, lambda: _print(here, found))


def _print(here: Runtime, found: Sequence[Waiting]) -> None:
    zone = cities.of(here).rules_now(here.clock()).zone
    table = Table(box=SIMPLE, padding=(0, 1))
    for heading in ("reference", "item", "who", "new value", "why it waits", "until"):
        table.add_column(heading, no_wrap=heading == "reference")
    for one in found:
        until = f"{one.due_at.astimezone(zone):%m-%d %H:%M}" if one.due_at else ""
        late = " late" if one.overdue else ""
        table.add_row(one.reference, one.item, one.name, one.value, ", ".join(one.causes), until + late)
    if found:
        Console().print(table)
    else:
        click.echo("Nothing waits to be looked at.")


@review.command("show")
@click.argument("reference")
@click.option("--why", type=click.Choice(WHYS), required=True, help="Kept with who looked.")
@pass_context
def show_review(context: Context, reference: str, why: str) -> None:
    """What is recorded and what is asked for, in full; this is recorded."""
    here = context.runtime()
    with here.db.write() as tx:
        found = reviewing.opened(tx, here, reference, why, actor())

    def human() -> None:
        click.echo(f"{found.item} now:    {found.now or 'nothing'}  {found.district_now}")
        click.echo(f"{found.item} wanted: {found.wanted}  {found.district_wanted}")
        click.echo(f"{found.sharing:,} others have the new value already.")

    context.show(asdict(found), human)


@review.command()
@click.argument("reference")
@pass_context
def approve(context: Context, reference: str) -> None:
    """Record the change and tell the citizen."""
    _decide(context, lambda tx, here: reviewing.approve(tx, here, reference, actor()))


@review.command("return")
@click.argument("reference")
@click.option("--reason", type=click.Choice(list(RETURNS)), required=True)
@pass_context
def send_back(context: Context, reference: str, reason: str) -> None:
    """Ask the citizen to put it right; they go on with the same reference."""
    _decide(context, lambda tx, here: reviewing.send_back(tx, here, reference, reason, actor()))


@review.command()
@click.argument("reference")
@click.option("--reason", type=click.Choice(list(REFUSALS)), required=True)
@pass_context
def reject(context: Context, reference: str, reason: str) -> None:
    """Refuse it for good; what is recorded stays."""
    _decide(context, lambda tx, here: reviewing.reject(tx, here, reference, reason, actor()))


def _decide(context: Context, lever: Callable[[Any, Runtime], Decided]) -> None:
    here = context.runtime(sending=True)  # the text that tells of it is one the providers have approved
    with here.db.write() as tx:
        came = lever(tx, here)
    here.wake_all(came.lanes)
    shown = {"reference": came.reference, "state": came.state, "reason": came.reason}
    why = f": {came.reason}" if came.reason else ""
    context.show(shown, lambda: click.echo(f"{came.reference} is {came.state}{why}."))
