"""Verb for whoever must say what is kept of people, how long and why."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.cli.accounts import table
from gateway.cli.command import Context, main, pass_context
from gateway.retention import report


@main.command()
@click.option("--why", is_flag=True, help="With the reason of each.")
@pass_context
def retention(context: Context, *, why: bool) -> None:
    """Every table: how long it keeps what, how much there is, and what is due. ``tidy`` forgets that now."""
    here = context.runtime()
    with here.db.read() as tx:
        found = list(report.lines(tx, here))
    rows = [
        (
            one.table,
            f"{one.what}: {one.kept}" + (f"\n{one.why}" if why else ""),
            f"{one.rows:,}",
            "" if one.due is None else f"{one.due:,}",
            f"{one.forgotten:,}" if one.forgotten else "",
        )
        for one in found
    ]
    headings = ("table", "kept", "rows", "due", "forgotten so far")
    context.show({"tables": [asdict(one) for one in found]}, lambda: table(headings, rows, ""))
