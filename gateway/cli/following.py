"""How a broadcast is shown: counted before it goes, followed while it runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from sqlalchemy import Connection

from gateway.broadcasts import progress, store
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import CALL_BACK
from gateway.broadcasts.progress import Progress
from gateway.broadcasts.recipients import SHOWN, Checked
from gateway.broadcasts.rehearsal import Rehearsal
from gateway.broadcasts.store import State
from gateway.cities import Rules
from gateway.errors import HuiyinError
from gateway.runtime import Runtime

LOOK = 0.5  # seconds between two looks
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft and what was found while counting."""

    key: UUID
    definition: Definition
    counted: Rehearsal
    checked: Checked | None


def found(tx: Connection, key: UUID) -> Any:
    row = store.find(tx, key)
    if row is None:
        raise HuiyinError("There is no such broadcast; the list verb shows them.")
    return row


def standing(here: Runtime, key: UUID) -> Progress:
    with here.db.read() as tx:
        return progress.of(tx, found(tx, key), here.clock())


def watch(here: Runtime, key: UUID, *, quiet: bool) -> None:
    """Show how far it is until it is over; Ctrl-C leaves it running."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
    )
    with Bar(*columns, console=console, disable=quiet) as bar:
        line = bar.add_task("", total=None, speed="")
        try:
            while not (now := standing(here, key)).finished_at:
                left = f", {_lasting(now.eta_s)} left" if now.eta_s is not None else ""
                stage = now.state if now.stage == 1 else f"{now.state}, {now.rungs[now.stage - 1].channel}"
                bar.update(
                    line,
                    description=stage,
                    completed=now.through,
                    total=now.audience,
                    speed=f"{now.rate:,}/s{left}",
                )
                time.sleep(LOOK)
            bar.update(
                line,
                description=now.state,
                completed=now.through,
                total=now.audience,
                speed=f"{now.rate:,}/s",
            )
        except KeyboardInterrupt:
            console.print("It goes on without you.")


# --- in words --------------------------------------------------------------------------------


def print_rehearsal(draft: Draft, counted: Mapping[str, Any], rules: Rules) -> None:
    out = Console()
    if draft.checked is None:
        out.print(_table(counted))
        out.print(f"{counted['people']:,} people of {rules.name_en}", end="; ")
        out.print(f"{counted['no_address']:,} without an address, {counted['opted_out']:,} said stop.")
    else:
        _print_list(out, draft.checked)
    pace = draft.definition.pace
    lasts = (
        f"{_lasting(draft.counted.seconds)} at {pace:,} a minute" if pace else "as fast as providers take it"
    )
    out.print(f"About {counted['estimated_parts']:,} parts by {draft.definition.channel}; {lasts}.")
    if draft.counted.digest_at:
        goes = draft.counted.digest_at.astimezone(rules.zone)
        out.print(f"Together with other notices, in the digest of {goes:%A %Y-%m-%d %H:%M}.", highlight=False)
    if draft.counted.asks:
        choices = ", ".join(f"{digit} {word}" for digit, word in draft.counted.asks.choices)
        out.print(f"It asks: {choices}.", highlight=False, markup=False)
    for one in draft.counted.attachments:
        out.print(f"With each e-mail: {one.name}, {_large(one.size)}.", highlight=False, markup=False)
    _print_ladder(out, draft)
    for channel in draft.counted.closed:
        out.print(f"{channel} has no provider here, so this rung is passed over.")


def _print_ladder(out: Console, draft: Draft) -> None:
    """What is tried for those not reached, and what it may come to."""
    for place, one in enumerate(draft.counted.rungs, 2):
        older = f", who are past {one.rung.older_than}" if one.rung.older_than else ""
        after = _lasting(one.rung.wait_seconds)
        costs = "a person calls them" if one.rung.channel == CALL_BACK else f"{one.parts:,} parts"
        words = f"{place}. {one.rung.channel}, {after} later, to those not reached{older}"
        out.print(f"{words}: {one.people:,} people at most, {costs}.", highlight=False)
    if draft.definition.within_seconds is not None:
        by = _lasting(draft.definition.within_seconds)
        out.print(f"Within {by} everybody was reached or is to be called.", highlight=False)


def _table(counted: Mapping[str, Any]) -> Table:
    """Districts down, ages across."""
    bands = sorted({band for row in counted["by_district"] for band in row["by_age"]})
    table = Table(box=SIMPLE, padding=(0, 0))
    table.add_column("district", no_wrap=True)
    for band in (*bands, "people"):
        table.add_column(band, justify="right")
    for row in counted["by_district"]:
        ages = [f"{row['by_age'].get(band, 0):,}" for band in bands]
        table.add_row(f"{row['district']} {row['name']}", *ages, f"{row['people']:,}")
    sums = [sum(row["by_age"].get(band, 0) for row in counted["by_district"]) for band in bands]
    table.add_row("all", *(f"{n:,}" for n in (*sums, counted["people"])), style="bold")
    return table


def _print_list(out: Console, checked: Checked) -> None:
    out.print(f"{len(checked.good):,} good lines, {checked.duplicates:,} repeated, ", end="")
    out.print(f"{len(checked.refused):,} refused.")
    for line in checked.refused[:SHOWN]:
        out.print(f"  line {line.line}: {line.reason}")
    if len(checked.refused) > SHOWN:
        out.print(f"  and {len(checked.refused) - SHOWN:,} more")


def _large(size: int) -> str:
    return f"{max(size // 1000, 1):,} kB"


def _lasting(seconds: int | None) -> str:
    if seconds is None:
        return "-"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds % 60:02} s"


def print_next(shown: Mapping[str, Any]) -> None:
    _print_progress(shown)
    if shown["state"] == State.DRAFT:
        click.echo(f"Still a draft. To let it go: {_command()} broadcast start {shown['id']}")
    elif shown["state"] in (State.RUNNING, State.PAUSED):
        click.echo(f"To look again: {_command()} broadcast watch {shown['id']}")


def _command() -> str:
    """What this command was called by."""
    return click.get_current_context().find_root().info_name or "gateway"


def _print_progress(shown: Mapping[str, Any]) -> None:
    click.echo(f"{shown['id']}  {shown['name']}  {shown['state']}")
    counts = ("audience", "taken", "delivered", "reached", "suppressed", "awaiting_receipts")
    click.echo("  ".join(f"{name.replace('_', ' ')} {shown[name] or 0:,}" for name in counts))
    _print_people(shown["people"], shown["deadline"])
    if shown["asks"]:
        _print_answers(shown)
    for file in shown["attachments"]:
        click.echo(f"  with {file['name']}, {_large(file['size'])}")
    for one in shown["channels"]:
        standing = ", ".join(f"{status} {n:,}" for status, n in one["by_status"].items())
        click.echo(f"  {one['channel']}: {standing}")


def _print_people(people: Mapping[str, Any], deadline: str | None) -> None:
    """Where each person stands: the sum is the audience."""
    reached = ", ".join(f"{rung} {n:,}" for rung, n in people["reached"].items())
    rest = ("waiting", "to_call", "unreached", "left_alone")
    others = "  ".join(f"{name.replace('_', ' ')} {people[name]:,}" for name in rest)
    by = f"  by {deadline}" if deadline else ""
    click.echo(f"  people {people['audience']:,}: reached by {reached}  {others}{by}")


def _print_answers(shown: Mapping[str, Any]) -> None:
    if shown["answers"] is None:
        click.echo("  answers: forgotten, as all after 90 days")
        return
    choices = (f"{digit} {word} {shown['answers'][digit]:,}" for digit, word in shown["asks"]["choices"])
    click.echo(f"  answered {shown['answered']:,}: {', '.join(choices)}")
    if shown["answered"]:
        click.echo(f"  who: {_command()} broadcast answers {shown['id']}")
