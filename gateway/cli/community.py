"""Who is overdue and has nobody that may be told: for the community's workers, who look in."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from gateway import cities
from gateway.cli.accounts import table
from gateway.cli.command import Context, actor, main, pass_context
from gateway.pensions import overdue

COLUMNS = ("name", "id_number", "mobile", "district", "due", "seen_at")


@main.command("community-list")
@click.argument("district")
@click.option("--csv", "as_csv", is_flag=True, help="One line for each, for a spreadsheet.")
@click.option(
    "--reason", default="", help="Why all is needed in full; kept on record: no names or numbers in it."
)
@pass_context
def community_list(context: Context, district: str, as_csv: bool, reason: str) -> None:
    """Pensioners of a DISTRICT (six digits) whose authentication is overdue, with no helper to be told.

    Masked, unless a reason is given; that it was read is on record either way.
    """
    here = context.runtime()
    known = cities.of(here).rules_now(here.clock()).districts
    if district not in known:
        raise click.ClickException(f"There is no district {district!r} here; there are {', '.join(known)}.")
    with here.db.write() as tx:
        found = overdue.listed(tx, here, district, actor(), reason)
    rows = [_shown(one) for one in found]
    if as_csv:
        _write(rows)
        return
    none = "Nobody: all are authenticated, or whoever helps them is told."
    context.show(
        {"district": district, "masked": not reason.strip(), "people": rows},
        lambda: table(COLUMNS, [tuple(row.values()) for row in rows], none),
    )


def _shown(one: overdue.Overdue) -> dict[str, str]:
    values: dict[str, Any] = asdict(one)
    return {**values, "due": one.due.isoformat(), "seen_at": f"{one.seen_at:%Y-%m-%d}"}


def _write(rows: Sequence[dict[str, str]]) -> None:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
