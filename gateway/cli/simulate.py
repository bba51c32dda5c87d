"""The verb that plays a whole year."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli.command import Context, main, pass_context
from gateway.simulate import plotted, year

SEED = 12333


@main.command()
@click.option(
    "--year", "whole", is_flag=True, help="A whole year; the only span there is, so it must be said."
)
@click.option("--citizens", type=click.IntRange(10, 200_000), default=10_000, show_default=True)
@click.option("--seed", type=int, default=SEED, show_default=True, help="The same seed draws the same year.")
@click.option(
    "--days",
    type=click.IntRange(1, year.DAYS),
    default=year.DAYS,
    help="Stop after so many days: for a look.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write year.html and year.json there."
)
@pass_context
def simulate(context: Context, *, whole: bool, citizens: int, seed: int, days: int, out: Path | None) -> None:
    """Play a year of the city in minutes, in a fresh place; exits 0 only if all was as it must be."""
    if not whole:
        raise click.UsageError("Say --year.")
    result = year.play(citizens, seed, days, lambda line: click.echo(line, err=True))
    if out is not None:
        result["written"] = [str(path) for path in plotted.write(result, out)]
    context.show(result, lambda: click.echo(plotted.summary(result)))
    sys.exit(0 if result["ok"] else 1)
