"""Verbs for one person or one message: why it is where it is, and what somebody wants to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

import click
from sqlalchemy import Connection

from gateway import cities
from gateway.cli.command import Context, actor, main, pass_context
from gateway.delivery.explain import Explained, of, of_rows
from gateway.notifications import preferences as wanted
from gateway.notifications.preferences import ANY, Preference, Wish
from gateway.notifications.store import of_transaction
from gateway.runtime import Runtime
from gateway.transactions import store

UNSET = "unset"


@main.command()
@click.argument("notification")
@pass_context
def explain(context: Context, notification: str) -> None:
    """Why a notification is where it is and when it moves; by its id, or all of a reference."""
    here = context.runtime()
    with here.db.read() as tx:
        found = _explained(tx, here, notification)
    if not found:
        raise click.ClickException("Nothing is known by this id or reference. A reference has 14 digits.")
    shown = [
        {
            **{name: getattr(one, name) for name in ("id", "klass", "lane", "status", "reason")},
            **asdict(one.why.said),
            "moves_at": one.why.moves_at,
        }
        for one in found
    ]
    context.show({"notifications": shown}, lambda: _tell(found))


def _explained(tx: Connection, here: Runtime, given: str) -> list[Explained]:
    try:
        one = of(tx, here, UUID(given))
    except ValueError:
        transaction = store.find(tx, here, given)
        return of_rows(tx, here, of_transaction(tx, transaction.id)) if transaction else []
    return [one] if one else []


def _tell(found: Sequence[Explained]) -> None:
    for one in found:
        click.echo(f"{one.id}  {one.klass}, {one.lane}\n  {one.why.said.en}\n  {one.why.said.zh}")


@main.group()
def preferences() -> None:
    """What a citizen wants to be told, by category and channel. Codes and results always go."""


@preferences.command("show")
@click.argument("citizen", type=click.UUID)
@pass_context
def show_preferences(context: Context, citizen: UUID) -> None:
    """Everything a citizen said; nothing said means yes."""
    here = context.runtime()
    with here.db.read() as tx:
        found = wanted.of(tx, citizen)
    shown = {"citizen": citizen, "preferences": [asdict(one) for one in found]}
    context.show(shown, lambda: _print(here, found))


def _print(here: Runtime, found: Sequence[Preference]) -> None:
    zone = cities.of(here).rules_now(here.clock()).zone
    for one in found:
        at = f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}"
        click.echo(f"{one.category:<16} {one.channel:<6} {one.wish:<5} {at}  through {one.through}")
    if not found:
        click.echo("Nothing said: everything goes.")


@preferences.command("set")
@click.argument("citizen", type=click.UUID)
@click.argument("wish", type=click.Choice([*map(str, Wish), UNSET]))
@click.option("--category", default=ANY, show_default=True, help="The first word of a text's name: policy.")
@click.option("--channel", default=ANY, show_default=True, help="sms, voice or email.")
@pass_context
def set_preference(context: Context, citizen: UUID, wish: str, category: str, channel: str) -> None:
    """Say on, off, daily (notices together, once a day), or take it back (unset); this is recorded.

    No calls: off --channel voice. One notice a day: daily.
    """
    here = context.runtime()
    with here.db.write() as tx:
        said = None if wish == UNSET else Wish(wish)
        wanted.prefer(tx, here, citizen, category, channel, said, actor())
    shown = {"citizen": citizen, "category": category, "channel": channel, "wish": wish}
    context.show(shown, lambda: click.echo(f"{category} by {channel}: {wish}."))


@preferences.command("language")
@click.argument("citizen", type=click.UUID)
@click.argument("language")
@pass_context
def set_language(context: Context, citizen: UUID, language: str) -> None:
    """Write to a citizen in this language, where there is such a text; this is recorded."""
    here = context.runtime()
    with here.db.write() as tx:
        wanted.speak(tx, here, citizen, language, actor())
    context.show({"citizen": citizen, "language": language}, lambda: click.echo(f"Written to in {language}."))
