"""Verbs for reminders: plan them for those who never asked, and see what became of somebody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection

from gateway import audit, cities
from gateway.citizens import register
from gateway.cli.command import Context, actor, main, pass_context
from gateway.pensions.planning import plan_pensioners
from gateway.runtime import Runtime
from gateway.security import redact
from gateway.transactions import explaining, registry, replanning, store
from gateway.transactions import reminders as rows
from gateway.transactions.explaining import Explained
from gateway.transactions.references import REFERENCE_DIGITS

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
@click.argument("who")
@pass_context
def explain(context: Context, who: str) -> None:
    """What is planned for a citizen, why then, what is looked at before it goes, why one was not sent.

    WHO is the 14-digit reference of a transaction, or an ID number (- to type it unseen).
    """
    here = context.runtime()
    given = click.prompt("ID number", hide_input=True) if who == "-" else who
    with here.db.write() as tx:
        citizen = _citizen(tx, here, given)
        found = rows.of_citizen(tx, citizen) if citizen else None
        if found is not None:
            audit.record(tx, here.vault, here.clock(), actor(), "reminders.explain", f"citizen {citizen}")
    if found is None:
        raise click.ClickException(
            "No citizen is known by this. A reference has 14 digits, an ID number 18; compare them."
        )
    rules = cities.of(here).rules_now(here.clock())
    told = [explaining.explained(registry.get(row.type), row, rules) for row in found]
    shown = [_told(one) for one in told]
    with here.db.read() as tx:
        again = replanning.last(tx)
    context.show(
        {"who": mask(given), "reminders": shown, "planned_again": again}, lambda: _print(told, again)
    )


COLUMNS = ("type", "event", "channel", "occasion", "state", "reason", "planned_for", "due_at", "settled_at")


def mask(given: str) -> str:
    """A reference says nothing of anybody; an ID number is never printed."""
    return given if len(given) == REFERENCE_DIGITS else redact(given)


def _citizen(tx: Connection, here: Runtime, given: str) -> UUID | None:
    if len(given) == REFERENCE_DIGITS and given.isdecimal():
        transaction = store.find(tx, here, given)
        return transaction.row.citizen_id if transaction else None
    person = register.find(tx, here.vault, given.upper())
    return person.id if person else None


def _told(one: Explained) -> dict[str, Any]:
    return {
        **{name: getattr(one.row, name) for name in COLUMNS},
        "rule": one.because.rule or None,
        "value": one.because.value or None,
        "sentences": {what: {"zh": said.zh, "en": said.en} for what, said in one.sentences.items()},
    }


def _print(told: Sequence[Explained], again: Mapping[str, Any] | None) -> None:
    for one in told:
        click.echo(f"{one.row.state}  {one.row.occasion}")
        for said in one.sentences.values():
            click.echo(f"  {said.zh} {said.en}")
    if not told:
        click.echo("Nothing was ever planned.")
    if again:
        click.echo(
            f"Rules and calendar last changed {again['began_at']:%Y-%m-%d %H:%M} UTC: "
            f"{again['looked']:,} looked at, {again['moved']:,} moved, "
            f"{again['dropped']:,} dropped, {again['added']:,} added; "
            f"{again['promises']:,} promises have another day."
        )
