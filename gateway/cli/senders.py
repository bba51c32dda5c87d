"""Verbs for the names services send under, and for whom their team keys may write to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from gateway.cli.accounts import changing, looking, print_guests, print_senders
from gateway.cli.command import Context, main, pass_context
from gateway.levers import accounts, accounts_shown
from gateway.levers.accounts import Desk
from gateway.services import guests as lists
from gateway.services import senders as names
from gateway.services.guests import KINDS


@main.group()
def senders() -> None:
    """Under which names services send: signatures, numbers, reply-to addresses."""


@senders.command("list")
@click.argument("service")
@pass_context
def list_senders(context: Context, service: str) -> None:
    """A service's senders."""

    def work(desk: Desk) -> list[dict[str, Any]]:
        owner = accounts.find(desk.tx, service).id
        return [accounts_shown.sender(one) for one in names.of(desk.tx, desk.vault, owner)]

    shown = looking(context.runtime(), work)
    context.show({"senders": shown}, lambda: print_senders(shown))


@senders.command("add")
@click.argument("service")
@click.argument("channel", type=click.Choice(names.CHANNELS))
@click.argument("value")
@click.option("--default", is_flag=True, help="Used where a request names none.")
@click.option("--inbound", is_flag=True, help="What people send to this number is the service's.")
@pass_context
def add_sender(
    context: Context, service: str, channel: str, value: str, *, default: bool, inbound: bool
) -> None:
    """Give a service a name: a signature without its 【】 or a number for sms, an address for email."""

    def work(desk: Desk) -> UUID:
        owner = accounts.find(desk.tx, service).id
        return accounts.add_sender(desk, owner, channel, value, default=default, inbound=inbound)

    key = changing(context.runtime(), work)
    shown = {"id": key, "channel": channel, "value": value, "is_default": default, "inbound": inbound}
    said = f"{service} may send as {value}. Requests name it by its id: {key}"
    context.show(shown, lambda: click.echo(said))


@senders.command("archive")
@click.argument("sender", type=click.UUID)
@pass_context
def archive_sender(context: Context, sender: UUID) -> None:
    """Take a sender back, by its id. What was asked for under it still goes out so."""
    changing(context.runtime(), lambda desk: accounts.archive_sender(desk, sender))
    context.show({"id": sender, "state": "archived"}, lambda: click.echo(f"The sender {sender} is archived."))


@main.group()
def guests() -> None:
    """Whom a service's team keys may write to."""


@guests.command("list")
@click.argument("service")
@pass_context
def list_guests(context: Context, service: str) -> None:
    """The team and the guests of a service, masked."""

    def work(desk: Desk) -> list[dict[str, Any]]:
        owner = accounts.find(desk.tx, service).id
        return [accounts_shown.guest(one) for one in lists.of(desk.tx, desk.vault, owner)]

    shown = looking(context.runtime(), work)
    context.show({"guests": shown}, lambda: print_guests(shown))


@guests.command("add")
@click.argument("service")
@click.argument("address")
@click.option("--kind", type=click.Choice(KINDS), default="guest", show_default=True)
@pass_context
def add_guest(context: Context, service: str, address: str, kind: str) -> None:
    """Let team keys write to a mobile number or an e-mail address."""

    def work(desk: Desk) -> bool:
        return accounts.add_guest(desk, accounts.find(desk.tx, service).id, kind, address)

    _tell_listed(context, service, address, changing(context.runtime(), work), "on the list")


@guests.command("remove")
@click.argument("service")
@click.argument("address")
@pass_context
def remove_guest(context: Context, service: str, address: str) -> None:
    """Take an address off the list."""

    def work(desk: Desk) -> bool:
        return accounts.remove_guest(desk, accounts.find(desk.tx, service).id, address)

    _tell_listed(context, service, address, changing(context.runtime(), work), "off the list")


def _tell_listed(context: Context, service: str, address: str, changed: bool, state: str) -> None:
    masked = accounts_shown.masked(address)
    said = f"{masked} is {state}." if changed else f"{masked} was {state} already."
    shown = {"service": service, "address": masked, "state": state, "changed": changed}
    context.show(shown, lambda: click.echo(said))
