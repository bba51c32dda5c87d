"""Verbs for the people who are to be called or visited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from gateway import cities
from gateway.call_backs.trying import Result
from gateway.cli.command import Context, actor, main, pass_context
from gateway.levers import calling
from gateway.levers.calling import Came, Waiting
from gateway.runtime import Runtime


@main.group("call-backs")
def call_backs() -> None:
    """People to be called or visited: by their own wish, or because no message reached them."""


@call_backs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=calling.SHOWN, show_default=True)
@pass_context
def list_call_backs(context: Context, limit: int) -> None:
    """Who waits, in the order they are called in, masked."""
    here = context.runtime()
    with here.db.read() as tx:
        found = calling.listed(tx, here, limit)
    context.show({"call_backs": [_json(one) for one in found]}, lambda: _print(here, found))


def _json(one: Waiting) -> dict[str, Any]:
    names = ("id", "kind", "name", "mobile", "reference", "matter", "since", "call_from", "call_by")
    more = ("tries", "last", "due", "late", "taken_by")
    return {name: getattr(one, name) for name in (*names, *more)}


def _print(here: Runtime, found: Sequence[Waiting]) -> None:
    table = Table(box=SIMPLE, padding=(0, 1))
    for heading in ("id", "what", "who", "from", "tries", "now"):
        table.add_column(heading, no_wrap=heading in ("id", "from"))
    for one in found:
        now = f"with {one.taken_by}" if one.taken_by else "late" if one.late else "" if one.due else "later"
        who = f"{one.name} {one.mobile}".strip()
        tries = f"{one.tries} {one.last or ''}".strip()
        table.add_row(str(one.id), f"{one.kind} {one.reference}", who, _at(here, one.call_from), tries, now)
    if found:
        Console().print(table)
    else:
        click.echo("Nobody waits to be called.")


def _at(here: Runtime, at: datetime) -> str:
    zone = cities.of(here).rules_now(here.clock()).zone
    return f"{at.astimezone(zone):%m-%d %H:%M}"


@call_backs.command()
@click.argument("key", type=click.UUID)
@pass_context
def take(context: Context, key: UUID) -> None:
    """Call this one now: shows the number, which is recorded, and keeps others off it for half an hour."""
    here = context.runtime(sending=True)
    with here.db.write() as tx:
        found, lanes = calling.take(tx, here, key, actor())
    here.wake_all(lanes)
    number = calling.dialled(found)
    context.show(
        {**_json(found), "number": number},
        lambda: click.echo(
            f"{number or 'no number is known'}  {found.kind} {found.reference} {found.matter}"
        ),
    )


@call_backs.command()
@click.argument("key", type=click.UUID)
@click.argument("result", type=click.Choice([one.value for one in Result]))
@pass_context
def tried(context: Context, key: UUID, result: str) -> None:
    """Say what came of the call; a line that is busy or not answered is tried again."""
    _tried(context, key, Result(result))


@call_backs.command()
@click.argument("key", type=click.UUID)
@pass_context
def done(context: Context, key: UUID) -> None:
    """They were spoken to."""
    _tried(context, key, Result.TALKED)


def _tried(context: Context, key: UUID, result: Result) -> None:
    here = context.runtime(sending=True)  # the text that tells of it is one the providers have approved
    with here.db.write() as tx:
        came = calling.tried(tx, here, key, result, actor())
    here.wake_all(came.lanes)
    shown = {name: getattr(came, name) for name in ("id", "kind", "result", "again_at", "reached")}
    context.show(shown, lambda: click.echo(_said(here, came)))


def _said(here: Runtime, came: Came) -> str:
    if came.again_at:
        return f"{came.result}: again from {_at(here, came.again_at)}."
    return f"{came.result}: it is closed."
