"""The verb that hurts the product and counts what that cost."""

from __future__ import annotations

import secrets
import sys

import click

from gateway.chaos import storm
from gateway.cli.command import Context, main, pass_context


@main.command()
@click.option("--minutes", type=click.FloatRange(0.2, 24 * 60), default=10.0, show_default=True)
@click.option("--seed", type=int, help="The same seed draws the same faults; without it, any.")
@click.option("--sqlite", is_flag=True, help="Without PostgreSQL.")
@pass_context
def chaos(context: Context, minutes: float, seed: int | None, sqlite: bool) -> None:
    """Feed all lanes while faults come and go, in a fresh place; exits 0 only if every promise was kept."""
    drawn = secrets.randbelow(1_000_000) if seed is None else seed
    result = storm.play(drawn, minutes, sqlite=sqlite, say=lambda line: click.echo(line, err=True))
    context.show(result, lambda: click.echo(storm.summary(result)))
    sys.exit(0 if result["ok"] else 1)
