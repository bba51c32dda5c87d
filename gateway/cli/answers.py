"""A verb for who answered what to a broadcast that asks, for people to follow up.

Everybody is masked; asking for whole numbers is recorded.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from uuid import UUID

import click

from gateway import audit, cities
from gateway.broadcasts import answers as given
from gateway.broadcasts import definition as definitions
from gateway.cli import following
from gateway.cli.broadcast import broadcast
from gateway.cli.command import Context, actor, pass_context
from gateway.errors import HuiyinError
from gateway.runtime import Runtime

COLUMNS = ("citizen", "name", "mobile", "choice", "word", "at", "notification")


@broadcast.command()
@click.argument("id", type=click.UUID)
@click.option("--choice", help="Only those who chose this digit.")
@click.option("--csv", "as_csv", is_flag=True, help="As a table for a spreadsheet.")
@click.option("--numbers", is_flag=True, help="Whole mobile numbers, to call people; this is recorded.")
@pass_context
def answers(
    context: Context,
    id: UUID,  # noqa: A002
    choice: str | None,
    as_csv: bool,
    numbers: bool,
) -> None:
    """Who answered what: citizen, masked name and mobile, choice, when."""
    here = context.runtime()
    chosen = _chosen(here, id, choice)
    if numbers:
        with here.db.write() as tx:
            said = f"broadcast {id} choice {choice or 'any'}"
            audit.record(tx, here.vault, here.clock(), actor(), "answers.numbers", said)
    rows = _rows(here, id, chosen, numbers)
    if context.as_json:
        context.show({"answers": list(rows)}, lambda: None)
    elif as_csv:
        table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    else:
        _print(rows)


def _chosen(here: Runtime, key: UUID, choice: str | None) -> Mapping[str, str]:
    """The choices to list with their words; ``HuiyinError`` where there is nothing of the kind."""
    with here.db.read() as tx:
        asks = definitions.load(following.found(tx, key).definition).asks
    if asks is None:
        raise HuiyinError("This broadcast asks nothing.")
    words = dict(asks.choices)
    if choice is None:
        return words
    if choice not in words:
        raise HuiyinError(f"{choice[:20]!r} is no choice of it; there are {', '.join(words)}.")
    return {choice: words[choice]}


def _rows(here: Runtime, key: UUID, chosen: Mapping[str, str], numbers: bool) -> Iterator[dict[str, Any]]:
    """Choice after choice."""
    zone = cities.of(here).rules_now(here.clock()).zone
    for one in chain.from_iterable(given.each(here, key, choice, numbers=numbers) for choice in chosen):
        at = one.at.astimezone(zone).isoformat(timespec="seconds")
        said = (one.citizen, one.name, one.mobile, one.choice, chosen[one.choice], at, one.notification)
        yield dict(zip(COLUMNS, said, strict=True))


def _print(rows: Iterator[dict[str, Any]]) -> None:
    number = 0
    for number, row in enumerate(rows, 1):  # noqa: B007 - its last value is shown
        who = f"{row['citizen'] or '-'!s:<36}  {row['name']}  {row['mobile']:<11}"
        click.echo(f"{who}  {row['choice']} {row['word']}  {row['at']}")
    click.echo(f"{number:,} answers.")
