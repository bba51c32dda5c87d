"""The verb that measures."""

from __future__ import annotations

import click

from gateway.bench import measured
from gateway.cli.command import Context, main, pass_context


@main.command()
@click.option("--only", multiple=True, type=click.Choice(measured.NAMES), help="This part alone; repeatable.")
@click.option("--quick", is_flag=True, help="Fewer messages: for a look, not for a figure to quote.")
@click.option("--sqlite", is_flag=True, help="Without PostgreSQL.")
@pass_context
def bench(context: Context, only: tuple[str, ...], quick: bool, sqlite: bool) -> None:
    """Measure this machine and the product on it, in a fresh place on free ports."""
    result = measured.measure(only, quick=quick, sqlite=sqlite, say=lambda line: click.echo(line, err=True))
    context.show(result, lambda: measured.summary(result))
