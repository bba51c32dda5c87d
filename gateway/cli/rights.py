"""Verbs for what is kept of one person: all of it told, put right, erased."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from gateway.citizens import id_number as numbers
from gateway.cli.command import Context, actor, pass_context
from gateway.cli.machine import citizen
from gateway.levers import correcting
from gateway.rights import erase as erasing
from gateway.rights import export as exporting
from gateway.rights.erase import Erased, Line


class _IdNumber(click.ParamType[str]):
    """An ID number, however it is written; what is said of a wrong one does not repeat it."""

    name = "id number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return numbers.normalise(value)
        except ValueError:
            self.fail("this is not an ID number: copy all 18 characters; the last may be X", param, ctx)


@citizen.command("export")
@click.argument("id_number", type=_IdNumber())
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Into a new file only you read.")
@pass_context
def export(context: Context, id_number: str, out: Path | None) -> None:
    """Everything kept of a person as one JSON object, by table; this is recorded."""
    here = context.runtime()
    with here.db.write() as tx:
        found = exporting.of(tx, here, id_number, actor())
    text = json.dumps(found, ensure_ascii=False, indent=None if context.as_json else 2)
    if out is None:
        click.echo(text)
        return
    _write(out, text)
    counted = {name: len(rows) for name, rows in found["tables"].items() if rows}
    context.show({"file": str(out), "rows": counted}, lambda: click.echo(f"Written to {out}: {counted}"))


def _write(path: Path, text: str) -> None:
    """A new file that its owner alone reads; one that is there is left alone."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}. Choose another file.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@citizen.command()
@click.argument("id_number", type=_IdNumber())
@click.option("--dry-run", is_flag=True, help="Count by table what would be done.")
@click.option("--yes", is_flag=True, help="Do it. It cannot be undone.")
@click.option("--even-open", is_flag=True, help="Also while something is not finished: it is called off.")
@pass_context
def erase(context: Context, id_number: str, dry_run: bool, yes: bool, even_open: bool) -> None:
    """Erase a person; ledger, timeline and audit stay whole. This is recorded."""
    if dry_run == yes:
        raise click.UsageError("Say --dry-run to count first, then --yes to do it.")
    here = context.runtime()
    if dry_run:
        with here.db.read() as tx:
            report = erasing.planned(tx, here, id_number)
    else:
        with here.db.write() as tx:
            report = erasing.erase(tx, here, id_number, actor(), even_open=even_open)
    shown = {**asdict(report), "dry_run": dry_run}
    context.show(shown, lambda: _print(report, dry_run=dry_run))


@citizen.command("correct")
@click.argument("id_number", type=_IdNumber())
@click.option("--mobile", help="At least one of these.")
@click.option("--email")
@click.option("--address", help="With --district.")
@click.option("--district", help="Its code or name; unchanged where it is the same, or outside the city.")
@click.option("--postcode")
@click.option("--disabled/--not-disabled", default=None, help="Spared what not coming to a hall brings.")
@pass_context
def correct(context: Context, /, id_number: str, disabled: bool | None, **given: str | None) -> None:
    """Put right what is recorded of a person, by their papers; this is recorded."""
    values = {name: value for name, value in given.items() if value is not None}
    if not values and disabled is None:
        raise click.UsageError(
            "Name a value: --mobile, --email, --address, --district, --postcode or --disabled."
        )
    here = context.runtime()
    with here.db.write() as tx:
        new = correcting.correct(tx, here, id_number, values, actor(), disabled=disabled)
    said = f"Recorded: {', '.join(new)}." if new else "It was recorded like this."
    context.show({"changed": new}, lambda: click.echo(said))


def _print(report: Erased, *, dry_run: bool) -> None:
    Console().print(_table([line for line in report.lines if line.rows]))
    if report.open:
        click.echo(f"Not finished: {', '.join(report.open)}.")
    if report.shared:
        click.echo(f"{report.shared:,} others are reached by the same number or address: theirs is kept.")
    click.echo("Nothing was changed." if dry_run else "Erased.")


def _table(lines: Sequence[Line]) -> Table:
    table = Table(box=SIMPLE, padding=(0, 1))
    for heading in ("table", "rows", "then", "why"):
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    for line in lines:
        table.add_row(line.table, f"{line.rows:,}", line.then, line.why)
    return table
