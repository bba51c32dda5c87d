"""The verb for whoever must know who handed in a work order."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.cli.command import Context, actor, main, pass_context
from gateway.levers import reporters


@main.group("work-order")
def work_order() -> None:
    """Work orders: who handed one in."""


@work_order.command("reporter")
@click.argument("reference")
@click.option(
    "--reason",
    required=True,
    help="Why it must be known; kept in the audit chain for good, so no names or numbers of people.",
)
@pass_context
def show_reporter(context: Context, reference: str, reason: str) -> None:
    """Name, ID number and mobile in full, also of a confidential one. That you looked is on record."""
    here = context.runtime()
    with here.db.write() as tx:
        found = reporters.reporter(tx, here, reference, reason, actor())
    context.show(asdict(found), lambda: click.echo(f"{found.name}  {found.id_number}  {found.mobile}"))
