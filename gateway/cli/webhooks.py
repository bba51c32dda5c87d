"""Verbs for telling services of their events: where, how it goes, once more. What changes is on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Row, select

from gateway.cli.command import Context, actor, main, pass_context
from gateway.levers import accounts
from gateway.runtime import Runtime
from gateway.services import webhooks as store
from gateway.services.store import services
from gateway.services.webhooks import Kind, State
from gateway.webhooks import book
from gateway.webhooks.book import Which
from gateway.webhooks.retry import Answered

KINDS = click.Choice([str(kind) for kind in Kind])
STATES = click.Choice([str(state) for state in State])
TIME = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])
named = click.argument("service")
of_kind = click.argument("kind", type=KINDS)


@main.group()
def webhooks() -> None:
    """Where services are told of their messages, texts and transactions."""


def _owner(tx: Connection, name: str) -> UUID:
    """A service by its name or its id; ``UnknownNameError`` where there is none."""
    key: UUID = accounts.find(tx, name).id
    return key


@webhooks.command("set")
@named
@of_kind
@click.argument("url")
@click.option("--token", help="Sent as bearer token; without it one is made.")
@pass_context
def set_(context: Context, service: str, kind: str, url: str, token: str | None) -> None:
    """Tell a service at this URL. Token and signing secret are shown this once."""
    here = context.runtime()
    book.check(here, url)
    with here.db.write() as tx:
        made = book.subscribe(tx, here, _owner(tx, service), Kind(kind), url, token, actor())

    def human() -> None:
        click.echo(f"token           {made.token}")
        click.echo(f"signing secret  {made.secret}")

    shown = {"kind": kind, "url": url, "token": made.token, "signing_secret": made.secret}
    context.show(shown, human)


@webhooks.command("list")
@click.argument("service", required=False)
@pass_context
def list_(context: Context, service: str | None) -> None:
    """The subscriptions of a service, or of all, with the events of the last week."""
    here = context.runtime()
    with here.db.read() as tx:
        mine = _owner(tx, service) if service else None
        names = dict(tx.execute(select(services.c.id, services.c.name)).all())
        counts, rows = book.counts(tx, mine), store.listed(tx, mine)
    shown = [_hook(row, names[row.service_id], counts.get(row.id, {})) for row in rows]
    context.show({"webhooks": shown}, lambda: _print(shown, "No webhooks."))


def _hook(row: Row[Any], service: str, counts: Mapping[str, int]) -> dict[str, Any]:
    state = f"paused: {row.paused_why}" if row.paused_at else "resting" if row.failures else "active"
    told = {str(one): counts.get(one, 0) for one in State}
    return {"service": service, "kind": row.kind, "url": row.url, "state": state, **told}


def _print(rows: list[dict[str, Any]], none: str) -> None:
    if not rows:
        click.echo(none)
        return
    table = Table(box=SIMPLE, padding=(0, 1))
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


@webhooks.command("test")
@named
@of_kind
@pass_context
def test_(context: Context, service: str, kind: str) -> None:
    """Post a body about nothing there, now, and say what the service answered."""
    here = context.runtime()
    with here.db.read() as tx:
        mine = _owner(tx, service)
    outcome = book.try_out(here, mine, Kind(kind))
    status = outcome.status if isinstance(outcome, Answered) else None
    said = f"It answered {status}." if isinstance(outcome, Answered) else f"No answer: {outcome.code}."
    ok = status is not None and 200 <= status < 300
    cause = None if isinstance(outcome, Answered) else outcome.code
    context.show({"ok": ok, "status": status, "cause": cause}, lambda: click.echo(said))


@webhooks.command("log")
@named
@click.option("--kind", type=KINDS)
@click.option("--state", type=STATES)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@pass_context
def log_(context: Context, service: str, kind: str | None, state: str | None, limit: int) -> None:
    """What a service was told or is to be told, the newest first. Kept for a week."""
    here = context.runtime()
    with here.db.read() as tx:
        states = (State(state),) if state else tuple(State)
        rows = book.log(tx, Which(_owner(tx, service), Kind(kind) if kind else None, states), limit=limit)
    shown = [_event(row) for row in rows]
    context.show({"events": shown}, lambda: _print(shown, "Nothing was to be told."))


def _event(row: Row[Any]) -> dict[str, Any]:
    names = ("id", "kind", "subject", "state", "tries", "status", "cause", "created_at", "due_at")
    return {name: value for name in names for value in [getattr(row, name)]}


@webhooks.command()
@named
@click.option("--kind", type=KINDS)
@click.option("--state", "states", type=STATES, multiple=True, help="failed, where nothing is said.")
@click.option("--since", type=TIME, help="As 2026-11-28T08:00+0800.")
@click.option("--until", type=TIME)
@click.option("--id", "ids", type=click.UUID, multiple=True)
@pass_context
def replay(
    context: Context,
    service: str,
    kind: str | None,
    states: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    ids: tuple[UUID, ...],
) -> None:
    """Tell it anew, under the same ids: what failed, or by kind, state, time or id."""
    here = context.runtime()
    wanted = tuple(map(State, states)) or ((State.FAILED,) if not ids else tuple(State))
    with here.db.write() as tx:
        which = Which(_owner(tx, service), Kind(kind) if kind else None, wanted, since, until, ids)
        number = book.replay(tx, here, which, actor())
    context.show({"events": number}, lambda: click.echo(f"{number:,} are told anew, within seconds."))


def _steer(context: Context, service: str, kind: str, state: str, lever: Any) -> None:
    here: Runtime = context.runtime()
    with here.db.write() as tx:
        changed = lever(tx, here, _owner(tx, service), Kind(kind), actor())
    said = f"{service} {kind}: {state}" + ("." if changed is not False else " already.")
    shown = {"kind": kind, "state": state, "changed": changed is not False}
    context.show(shown, lambda: click.echo(said))


@webhooks.command()
@named
@of_kind
@pass_context
def pause(context: Context, service: str, kind: str) -> None:
    """Hold it still; what happens meanwhile waits, for a week."""
    _steer(context, service, kind, "paused", book.pause)


@webhooks.command()
@named
@of_kind
@pass_context
def resume(context: Context, service: str, kind: str) -> None:
    """Let it go on, beginning with what waited."""
    _steer(context, service, kind, "active", book.resume)


@webhooks.command()
@named
@of_kind
@pass_context
def remove(context: Context, service: str, kind: str) -> None:
    """Tell it nothing of this kind any more; its secrets are forgotten, its log stays for the week."""
    _steer(context, service, kind, "removed", book.remove)
