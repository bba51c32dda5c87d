"""What the verbs for services, keys, senders and guests share: one commit each, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from gateway.cli.command import actor
from gateway.levers.accounts import Desk
from gateway.runtime import Runtime
from gateway.services.store import USUAL

T = TypeVar("T")


def changing(here: Runtime, work: Callable[[Desk], T]) -> T:
    """Do it in one commit, on record."""
    with here.db.write() as tx:
        return work(Desk(tx, here.vault, here.clock(), actor()))


def looking(here: Runtime, work: Callable[[Desk], T]) -> T:
    with here.db.read() as tx:
        return work(Desk(tx, here.vault, here.clock(), actor()))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], none: str) -> None:
    """Print rows under headings; ``none`` says what to do where there are none."""
    lines = list(rows)
    if not lines:
        click.echo(none)
        return
    made = Table(box=SIMPLE, padding=(0, 1))
    made.add_column(headings[0], min_width=max(cell_len(line[0]) for line in lines))  # what others name it by
    for heading in headings[1:]:
        made.add_column(heading, overflow="fold")
    for line in lines:
        made.add_row(*line)
    Console().print(made)


def print_keys(found: Sequence[Mapping[str, Any]]) -> None:
    rows = ((one["id"], one["name"], f"{one['type']}\n{one['state']}", _may(one)) for one in found)
    table(("key", "name", "type", "may"), rows, "No key yet. Make one: python3 run.py keys create SERVICE")


def _may(key: Mapping[str, Any]) -> str:
    """What a key may do, and what it is bound to."""
    scopes = "the usual" if sorted(key["scopes"]) == sorted(USUAL) else ", ".join(key["scopes"])
    bound = (f"only {len(key[kind])} {kind}" for kind in ("templates", "senders") if key[kind])
    return "\n".join((scopes, *bound))


def print_senders(found: Sequence[Mapping[str, Any]]) -> None:
    rows = (
        (one["id"], one["channel"], one["value"], _marks(default=one["is_default"], inbound=one["inbound"]))
        for one in found
    )
    none = "No sender of its own: the house's signature and address are used."
    table(("sender", "channel", "value", ""), rows, none)


def _marks(**marks: bool) -> str:
    return " ".join(name for name, holds in marks.items() if holds)


def print_guests(found: Sequence[Mapping[str, Any]]) -> None:
    rows = ((one["kind"], one["address"]) for one in found)
    table(("kind", "address"), rows, "Nobody on the list: team keys reach no one.")
