"""Verbs for services: make, show, limit, archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from gateway.cli.accounts import changing, looking, print_guests, print_keys, print_senders, table
from gateway.cli.command import Context, main, pass_context
from gateway.levers import accounts, accounts_shown
from gateway.levers.accounts import CHANNELS, Desk
from gateway.services import store


@main.group()
def services() -> None:
    """Who may call the API, and how much."""


@services.command("list")
@pass_context
def list_services(context: Context) -> None:
    """All services with their limits, and how many keys were not revoked."""
    rows = looking(context.runtime(), lambda desk: store.listed(desk.tx))
    shown = [{**accounts_shown.service(row), "keys": row.keys} for row in rows]

    def human() -> None:
        lines = [
            (one["name"], one["state"], f"{one['keys']}", f"{one['per_minute']:,}", _days(one["per_day"]))
            for one in shown
        ]
        headings = ("service", "state", "keys", "a minute", "a day")
        table(headings, lines, "No service yet. Make one: python3 run.py services create NAME")

    context.show({"services": shown}, human)


@services.command("create")
@click.argument("name")
@pass_context
def create_service(context: Context, name: str) -> None:
    """Make a service, with the usual limits and no key yet."""

    def work(desk: Desk) -> dict[str, Any]:
        return accounts_shown.service(accounts.find(desk.tx, str(accounts.create(desk, name))))

    made = changing(context.runtime(), work)
    said = f"The service {name} is made: {made['id']}. Give it a key: python3 run.py keys create '{name}'"
    context.show(made, lambda: click.echo(said))


@services.command("show")
@click.argument("service")
@pass_context
def show_service(context: Context, service: str) -> None:
    """A service with its limits, keys, senders and guests; by its name or id. No secret is shown."""
    here = context.runtime()
    shown = looking(here, lambda desk: accounts_shown.whole(desk, accounts.find(desk.tx, service)))

    def human() -> None:
        click.echo(f"{shown['name']}  {shown['state']}  {shown['id']}")
        click.echo(f"{shown['per_minute']:,} requests a minute of each type of key;")
        click.echo(f"{_days(shown['per_day'])} messages a day")
        print_keys(shown["api_keys"])
        print_senders(shown["sender_list"])
        print_guests(shown["guest_list"])

    context.show(shown, human)


@services.command()
@click.argument("service")
@pass_context
def archive(context: Context, service: str) -> None:
    """Close a service: its keys open nothing any more. What was taken still goes out."""
    _set_active(context, service, active=False)


@services.command()
@click.argument("service")
@pass_context
def restore(context: Context, service: str) -> None:
    """Take a service back from the archive, with the keys it had."""
    _set_active(context, service, active=True)


def _set_active(context: Context, service: str, *, active: bool) -> None:
    def work(desk: Desk) -> bool:
        return accounts.set_active(desk, accounts.find(desk.tx, service).id, active=active)

    changed, state = changing(context.runtime(), work), "active" if active else "archived"
    said = f"{service} is {state}." if changed else f"{service} was {state} already."
    context.show({"service": service, "state": state, "changed": changed}, lambda: click.echo(said))


@services.command()
@click.argument("service")
@click.option("--per-minute", type=int, help="Requests of each type of key; 3,000 unless changed.")
@click.option("--per-day", multiple=True, metavar="CHANNEL=N", help="Messages a day, like sms=250000.")
@pass_context
def limits(context: Context, service: str, per_minute: int | None, per_day: tuple[str, ...]) -> None:
    """Give a service other limits; what is not named stays. They hold within seconds."""
    days = dict(_day(one) for one in per_day)
    if per_minute is None and not days:
        raise click.UsageError("Name a limit: --per-minute 6000, or --per-day sms=500000.")

    def work(desk: Desk) -> Mapping[str, Any]:
        row = accounts.find(desk.tx, service)
        accounts.limit(desk, row, per_minute, days)
        return accounts_shown.service(accounts.find(desk.tx, str(row.id)))

    shown = changing(context.runtime(), work)
    said = f"{shown['name']}: {shown['per_minute']:,} requests a minute; {_days(shown['per_day'])} a day."
    context.show(shown, lambda: click.echo(said))


def _day(written: str) -> tuple[str, int]:
    channel, _, number = written.partition("=")
    if channel not in CHANNELS or not number.isdecimal():
        raise click.UsageError(f"--per-day is written CHANNEL=N with {', '.join(CHANNELS)}, like sms=250000.")
    return channel, int(number)


def _days(per_day: Mapping[str, int]) -> str:
    return ", ".join(f"{channel} {most:,}" for channel, most in per_day.items())
