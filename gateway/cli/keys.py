"""Verbs for API keys: make, list, replace, end. A secret is shown once, when its key is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import click

from gateway.cli.accounts import changing, looking, print_keys
from gateway.cli.command import Context, main, pass_context
from gateway.levers import accounts, accounts_shown
from gateway.levers.accounts import OVERLAP, Desk
from gateway.services import keys as held
from gateway.services.store import NORMAL, SCOPES, TYPES, USUAL, NewKey

HOURS = OVERLAP // timedelta(hours=1)


@main.group()
def keys() -> None:
    """What services call the API with."""


@keys.command("list")
@click.argument("service")
@pass_context
def list_keys(context: Context, service: str) -> None:
    """All keys of a service, revoked ones too; never their secrets."""

    def work(desk: Desk) -> list[dict[str, Any]]:
        owner = accounts.find(desk.tx, service).id
        return [accounts_shown.key(one, desk.now) for one in held.of(desk.tx, owner)]

    shown = looking(context.runtime(), work)
    context.show({"api_keys": shown}, lambda: print_keys(shown))


@keys.command("create")
@click.argument("service")
@click.option("--name", default="key", show_default=True, help="Stands at the key's beginning.")
@click.option("--type", "kind", type=click.Choice(list(TYPES)), default=NORMAL, show_default=True)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPES)),
    help=f"What it may do; repeatable.  [default: {', '.join(USUAL)}]",
)
@click.option("--template", "templates", multiple=True, type=click.UUID, help="Only this text; repeatable.")
@click.option("--sender", "senders", multiple=True, type=click.UUID, help="Only this sender; repeatable.")
@pass_context
def create_key(
    context: Context,
    service: str,
    name: str,
    kind: str,
    scopes: tuple[str, ...],
    templates: tuple[UUID, ...],
    senders: tuple[UUID, ...],
) -> None:
    """Make a key: normal sends, team sends to the team and guests, test sends nothing."""
    new = NewKey(name, kind, tuple(sorted(set(scopes))) or USUAL, templates, senders)

    def work(desk: Desk) -> dict[str, Any]:
        return _issued(desk, *accounts.new_key(desk, accounts.find(desk.tx, service).id, new))

    _tell(context, changing(context.runtime(), work))


@keys.command()
@click.argument("key", type=click.UUID)
@click.option("--overlap", type=int, default=HOURS, show_default=True, help="Hours both keys work.")
@pass_context
def rotate(context: Context, key: UUID, overlap: int) -> None:
    """Make a key that may do the same; the old one, named by its id, works for some hours more."""
    shown = changing(
        context.runtime(), lambda desk: _issued(desk, *accounts.rotate(desk, key, timedelta(hours=overlap)))
    )
    _tell(context, {**shown, "replaces": key}, f"The key {key} works for {overlap} hours more.")


@keys.command()
@click.argument("key", type=click.UUID)
@pass_context
def revoke(context: Context, key: UUID) -> None:
    """End a key at once, by its id. Busy doors may let it in for three seconds more."""
    changed = changing(context.runtime(), lambda desk: accounts.revoke(desk, key))
    said = f"The key {key} is revoked." if changed else f"The key {key} was revoked already."
    context.show({"id": key, "state": "revoked", "changed": changed}, lambda: click.echo(said))


def _issued(desk: Desk, key: UUID, whole: str) -> dict[str, Any]:
    return {**accounts_shown.key(accounts.held(desk.tx, key), desk.now), "api_key": whole}


def _tell(context: Context, shown: dict[str, Any], more: str = "") -> None:
    """The key alone on stdout, so that it can be piped to where it is kept."""

    def human() -> None:
        click.echo(shown["api_key"])
        click.echo(f"Keep it now: it is not shown again. Its id is {shown['id']}. {more}".rstrip(), err=True)

    context.show(shown, human)
