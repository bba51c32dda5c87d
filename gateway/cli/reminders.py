"""Verbs for reminders: plan them for those who never asked, and see what became of somebody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway import cities
from gateway.cli.command import Context, main, pass_context
from gateway.pensions.planning import plan_pensioners
from gateway.runtime import Runtime
from gateway.transactions import registry, store
from gateway.transactions import reminders as rows

PLANNERS = {"pension_auth": plan_pensioners}
console = Console(stderr=True)


@main.group()
def reminders() -> None:
    """Plan reminders, and explain what is planned for somebody."""


@reminders.command()
@click.option(
    "--type", "kind", type=click.Choice(sorted(PLANNERS)), default="pension_auth", show_default=True
)
@click.option(
    "--limit", type=click.IntRange(1), default=1_000_000, show_default=True, help="Plan at most so many."
)
@pass_context
def plan(context: Context, kind: str, limit: int) -> None:
    """Plan this month's first reminder for everybody whose matter is open; again changes nothing."""
    here = context.runtime()
    if kind not in registry.offered(here.settings):
        raise click.ClickException(f"{kind} is not offered here: its back office has no settings.")
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=context.as_json) as progress:
        bar = progress.add_task("planned, at most", total=limit)
        planned = PLANNERS[kind](here, limit, lambda n: progress.advance(bar, n))
    context.show(
        {"type": kind, "planned": planned},
        lambda: click.echo(f"{planned:,} reminders planned. Each is judged again just before it goes out."),
    )


@reminders.command()
@click.argument("reference")
@pass_context
def explain(context: Context, reference: str) -> None:
    """What is planned for the citizen of a transaction, and what became of it."""
    here = context.runtime()
    with here.db.read() as tx:
        transaction = store.find(tx, here, reference)
        citizen = transaction.row.citizen_id if transaction else None
        found = rows.of_citizen(tx, citizen) if citizen else None
    if found is None:
        raise click.ClickException("No citizen is known by this reference. It has 14 digits; compare them.")
    shown = [
        {
            name: getattr(row, name)
            for name in ("type", "event", "channel", "occasion", "state", "reason", "planned_for", "due_at")
        }
        for row in found
    ]
    context.show({"reference": reference, "reminders": shown}, lambda: _print(here, shown))


def _print(here: Runtime, shown: Sequence[dict[str, Any]]) -> None:
    zone = cities.of(here).rules_now(here.clock()).zone
    for row in shown:
        at = f"{row['planned_for'].astimezone(zone):%Y-%m-%d %H:%M}"
        what = f"{row['type']}/{row['event']} {row['channel']}"
        click.echo(
            f"{row['state']:<8} {at:<16}  {what:<34} {row['occasion']:<20} {row['reason'] or ''}".rstrip()
        )
    if not shown:
        click.echo("Nothing was ever planned.")
