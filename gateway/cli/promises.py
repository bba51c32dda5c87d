"""The verb for promises made to people: what runs, until when, what is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from gateway import cities
from gateway.cli.command import Context, main, pass_context
from gateway.promises import listed
from gateway.promises.listed import Running, Standing
from gateway.runtime import Runtime


@main.command()
@click.option("--late", is_flag=True, help="Only those whose day is past.")
@pass_context
def promises(context: Context, late: bool) -> None:
    """Promises that run, the first due first: late, last day, provisional."""
    here = context.runtime()
    with here.db.read() as tx:
        found, sums = listed.running(tx, here, late=late), listed.standing(tx, here)
    shown = {**asdict(sums), "promises": [asdict(one) for one in found]}
    context.show(shown, lambda: _print(here, found, sums))


def _print(here: Runtime, found: Sequence[Running], sums: Standing) -> None:
    zone = cities.of(here).rules_now(here.clock()).zone
    table = Table(box=SIMPLE, padding=(0, 1))
    for heading in ("due", "reference", "type", "promise", "stage", "made", "warned"):
        table.add_column(heading, no_wrap=heading in ("due", "reference"))
    for one in found:
        due = f"{one.due_on}{' provisional' if one.provisional else ''}{' LATE' if one.late else ''}"
        made = f"{one.made_at.astimezone(zone):%m-%d %H:%M}{' extended' if one.extended else ''}"
        table.add_row(due, one.reference, one.type, one.kind, one.stage, made, one.said)
    if found:
        Console().print(table)
    click.echo(
        f"{sums.running:,} run: {sums.late:,} late, {sums.due:,} on their last day. "
        f"{sums.kept:,} were kept, {sums.kept_late:,} of them late."
    )
