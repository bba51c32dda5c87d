"""Verbs for who carries what: other weights for a while, how each provider stands, what changed and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click
from sqlalchemy import Row

from gateway import cities
from gateway.cli.command import Context, actor, main, pass_context
from gateway.delivery import route_book
from gateway.delivery.route_book import LONGEST, Override
from gateway.levers import weights as levers
from gateway.route_settings import weights as read_weights
from gateway.runtime import Runtime
from gateway.traffic.breaker import Mode

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@main.group()
def route() -> None:
    """Who carries what: weights for a while, how providers stand, and the history of both."""


class _Span(click.ParamType[timedelta]):
    """A time like 30m, 2h or 1d; not longer than an override may last."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", str(value))
        span = int(found[1]) * _UNITS[found[2]] if found else timedelta(0)
        if not timedelta(0) < span <= LONGEST:
            self.fail(f"{value!r} is no time like 30m, 2h or 1d, {LONGEST.days}d at most", param, ctx)
        return span


@route.command("set")
@click.argument("channel")
@click.argument("weights")
@click.option("--for", "span", type=_Span(), required=True, help="How long: 30m, 2h, 1d.")
@click.option("--why", required=True, help="The reason, for the history.")
@pass_context
def set_weights(context: Context, channel: str, weights: str, span: timedelta, why: str) -> None:
    """Give providers of CHANNEL other WEIGHTS for a while, like twilio_sms=5,aliyun_sms=0."""
    here = context.runtime()
    wanted = read_weights({"WEIGHTS": weights}, "WEIGHTS", "")
    wish = Override(channel, wanted, here.clock() + span, actor(), why)
    with here.db.write() as tx:
        levers.override(tx, here, wish)
    shown = {"channel": channel, "weights": wanted, "until": wish.until}
    said = f"{channel}: {weights} until {_at(here, wish.until)}; workers see it within a second."
    context.show(shown, lambda: click.echo(said))


@route.command()
@click.argument("channel")
@pass_context
def clear(context: Context, channel: str) -> None:
    """Back to the weights of the settings, at once."""
    here = context.runtime()
    with here.db.write() as tx:
        gone = route_book.clear(tx, here, channel, actor())
    said = f"{channel}: back to the settings' weights." if gone else f"{channel} had no other weights."
    context.show({"channel": channel, "cleared": gone}, lambda: click.echo(said))


@route.command()
@pass_context
def show(context: Context) -> None:
    """Every provider's weight, where it is another for a while, and how its breaker stands."""
    here = context.runtime()
    with here.db.read() as tx:
        others = {(row.channel, row.provider): row for row in route_book.in_force(tx, here.clock())}
        breakers = route_book.standing(tx)
    rows = [
        _standing(channel, name, weight, others.get((channel, name)), breakers.get(name))
        for channel, weights in here.settings.providers.items()
        for name, weight in weights.items()
    ]

    def human() -> None:
        for row in rows:
            click.echo(_line(here, row))

    context.show({"routes": rows, "destinations": here.settings.destinations}, human)


def _standing(
    channel: str, name: str, weight: int, other: Row[Any] | None, breaker: Row[Any] | None
) -> dict[str, Any]:
    row: dict[str, Any] = {"channel": channel, "provider": name, "weight": weight, "state": Mode.CLOSED}
    if breaker:
        row |= {"state": breaker.became, "why": breaker.why, "since": breaker.at, "until": breaker.until}
    if other:
        row["override"] = {"weight": other.weight, "until": other.until, "by": other.actor, "why": other.why}
    return row


def _line(here: Runtime, row: Mapping[str, Any]) -> str:
    other = row.get("override")
    weight = f"{row['provider']}={other['weight'] if other else row['weight']}"
    meanwhile = (
        f" until {_at(here, other['until'])} ({other['why']}; settings: {row['weight']})" if other else ""
    )
    why = f" since {_at(here, row['since'])}: {row['why']}" if "why" in row else ""
    return f"{row['channel']:<6} {weight}{meanwhile}  {row['state']}{why}"


@route.command()
@click.option("--provider", help="Of this one alone.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 1000))
@pass_context
def history(context: Context, provider: str | None, limit: int) -> None:
    """What changed, when and why; the newest first."""
    here = context.runtime()
    with here.db.read() as tx:
        rows = [row._asdict() for row in route_book.history(tx, limit, provider)]

    def human() -> None:
        for row in rows:
            heard = f" ({row['counts']})" if row["counts"] else ""
            change = f"{row['provider']}: {row['was']} → {row['became']}"
            click.echo(f"{_at(here, row['at'])}  {change}  {row['why']}{heard}")
        if not rows:
            click.echo("Nothing changed yet.")

    context.show({"events": rows}, human)


def _at(here: Runtime, at: datetime) -> str:
    zone = cities.of(here).rules_now(here.clock()).zone
    return f"{at.astimezone(zone):%m-%d %H:%M:%S}"
