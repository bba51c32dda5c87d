"""Verb for whoever asks whether our books of a day and the providers' agree."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy import Row

from gateway import audit
from gateway.cli.command import DAY, Context, actor, main, pass_context
from gateway.delivery import books as matched
from gateway.delivery.comparing import in_words
from gateway.errors import HuiyinError


@main.command()
@click.option("--day", type=DAY, help="As the provider counts days; else the last one.")
@click.option(
    "--run", is_flag=True, help="Ask the providers now, also for a day that was matched. On record."
)
@pass_context
def books(context: Context, *, day: datetime | None, run: bool) -> None:
    """How the books of a day compare with each provider's own, and the ledger with the rows.

    A day is the vendor's: UTC+8 for Aliyun, UTC for Twilio. The ledger is counted as it stands.
    """
    here = context.runtime(sending=run)
    wanted = day.date() if day else None
    if run:
        if wanted is None:
            raise HuiyinError("Say which day: --day 2026-11-27 --run.")
        with here.db.write() as tx:
            audit.record(tx, here.vault, here.clock(), actor(), "books.run", str(wanted))
        for name in matched.keepers(here):
            matched.match(here, name, wanted, anew=True)
    with here.db.read() as tx:
        wanted = wanted or matched.newest_day(tx)
        rows = matched.of_day(tx, wanted) if wanted else []
    shown = {"day": str(wanted) if wanted else None, "books": [_as_json(row) for row in rows]}
    context.show(shown, lambda: _print(wanted, rows))


def _as_json(row: Row[Any]) -> dict[str, Any]:
    found = matched.differences(row)
    return {
        "provider": row.provider,
        "zone": row.zone,
        "checked_at": row.checked_at,
        "problem": row.problem,
        "ours": json.loads(row.ours),
        "theirs": json.loads(row.theirs),
        "difference": row.difference,
        "differences": [
            {"kind": kind, "number": number, "some": found.listed[kind]}
            for kind, number in found.numbers.items()
        ],
        "words": [words for _, words in in_words(found)],
    }


def _print(day: date | None, rows: list[Row[Any]]) -> None:
    if not rows:
        click.echo(
            f"Nothing was matched of {day}." if day else "Nothing was matched yet: it is done at night."
        )
    for row in rows:
        state = "agrees" if row.difference == 0 else f"{row.difference:,} differ"
        said = state if row.checked_at else f"not matched yet: {row.problem or 'being asked'}"
        click.echo(f"{row.day} {row.zone:<6} {row.provider:<14} {said}")
        found = matched.differences(row)
        for kind, words in in_words(found):
            some = ", ".join(found.listed[kind])
            click.echo(f"       {words}{f': {some}' if some else ''}")
