"""Verb for whoever wants forgotten now what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from gateway import audit
from gateway.cli.command import Context, actor, main, pass_context
from gateway.delivery import retention
from gateway.delivery.retention import Standing
from gateway.retention import job

WALKS: Mapping[str, str] = {
    "code": "what codes said",
    "result": "what results said",
    "reminder": "what reminders said",
    "notice": "what notices said",
    "attempts": "how messages were tried",
    "history": "the messages' rows",
}


@main.command()
@click.option("--dry-run", is_flag=True, help="Only count what is due.")
@pass_context
def tidy(context: Context, *, dry_run: bool) -> None:
    """Forget in every table what is due, as every hour; then tell what was forgotten, and what ever was."""
    here = context.runtime()
    now = {}
    if not dry_run:
        with here.db.write() as tx:
            audit.record(tx, here.vault, here.clock(), actor(), "tidy", "")
        now = job.run(here)
    with here.db.read() as tx:
        found = list(retention.standing(tx, here))
    rows = [{**asdict(one), "forgotten_now": now.get(one.walk, 0)} for one in found]
    tables = {name: number for name, number in now.items() if name not in WALKS}
    context.show({"dry_run": dry_run, "tidied": rows, "tables": tables}, lambda: _print(found, now))


def _print(found: Sequence[Standing], now: Mapping[str, int]) -> None:
    table = Table(box=SIMPLE, padding=(0, 1))
    table.add_column("forgotten")
    for heading in ("after days", "now", "so far", "due"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        figures = (one.keep_days, now.get(one.walk, 0), one.forgotten, one.due)
        table.add_row(WALKS[one.walk], *(f"{figure:,}" for figure in figures))
    Console().print(table)
    for name, number in now.items():
        if name not in WALKS:
            click.echo(f"{name}: {number:,} rows forgotten")
    click.echo("Every table, and how long it keeps what: python3 run.py retention")
