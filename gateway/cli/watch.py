"""Verbs for whoever watches: the queues, and what happened to one matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from gateway import cities
from gateway.cli.command import Context, main, pass_context
from gateway.delivery import ledger
from gateway.ops import queues as watch
from gateway.ops import timeline


@main.command()
@pass_context
def queues(context: Context) -> None:
    """Every lane: what waits and since when, is being sent, is unknown, is dead; and the ledger."""
    here = context.runtime()
    with here.db.read() as tx:
        rows = [asdict(lane) for lane in watch.standing(tx, here.clock())]
        balanced = ledger.adds_up(tx)
    context.show({"lanes": rows, "balanced": balanced}, lambda: _print_lanes(rows, balanced))


COLUMNS = {
    "depth": "depth",
    "oldest_s": "oldest s",
    "in_flight": "in flight",
    "unknown": "unknown",
    "dead": "dead",
    "accepted": "accepted",
    "delivered": "delivered",
    "other": "other",
    "taken": "taken",
}


def _print_lanes(rows: Sequence[dict[str, Any]], balanced: bool) -> None:
    table = Table(box=SIMPLE, padding=(0, 0))
    table.add_column("lane", no_wrap=True)
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row["name"], *(f"{row[key]:,}" for key in COLUMNS))
    out = Console()
    out.print(table)
    out.print("Ledger balanced: nothing was lost." if balanced else "[bold red]Ledger does NOT balance.[/]")


@main.command("timeline")
@click.argument("reference")
@pass_context
def show_timeline(context: Context, reference: str) -> None:
    """All that happened to a transaction and its messages, by its 14-digit reference."""
    here = context.runtime()
    with here.db.read() as tx:
        lines = timeline.of_reference(tx, here, reference)
    if lines is None:
        raise click.ClickException(
            "There is no such reference. It has 14 digits; check them with the caller."
        )
    rows = [asdict(line) for line in lines]

    def human() -> None:
        zone = cities.of(here).rules_now(here.clock()).zone
        for line in lines:
            click.echo(f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {line.what:<22} {line.detail}")

    context.show({"reference": reference, "timeline": rows}, human)
