"""Verbs for whoever steers from a terminal: hold still, let go, take dead letters anew. All is on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from gateway import cities
from gateway.broadcasts import expand
from gateway.broadcasts import store as broadcasts
from gateway.cli.command import Context, actor, main, pass_context
from gateway.levers import cancelling, dead_letters, holding, replays, twice
from gateway.levers.dead_letters import Cause, Group
from gateway.notifications.pauses import Kind
from gateway.notifications.status import DEAD
from gateway.runtime import Runtime

LATE = "codes, reminders, and what is old, changed since, called off or no longer kept"
KINDS = click.Choice([str(kind) for kind in Kind])
Lever = Callable[[Connection, Runtime, Kind, str, str], bool]


@main.command()
@click.argument("kind", type=KINDS)
@click.argument("name")
@pass_context
def pause(context: Context, kind: str, name: str) -> None:
    """Hold a lane, a provider or a broadcast still. What waits keeps its place."""
    _pull(context, holding.pause, Kind(kind), name, "paused")


@main.command()
@click.argument("kind", type=KINDS)
@click.argument("name")
@pass_context
def resume(context: Context, kind: str, name: str) -> None:
    """Let it go on; workers see it within seconds."""
    _pull(context, holding.resume, Kind(kind), name, "running")


def _pull(context: Context, lever: Lever, kind: Kind, name: str, state: str) -> None:
    here = context.runtime()
    with here.db.write() as tx:
        changed = lever(tx, here, kind, name, actor())
    shown = {"kind": str(kind), "name": name, "state": state, "changed": changed}
    said = f"The {kind} {name} is {state}." if changed else f"The {kind} {name} was {state} already."
    context.show(shown, lambda: click.echo(said))


@main.command()
@click.argument("kind", type=click.Choice(["notification", "reference", "broadcast"]))
@click.argument("name")
@pass_context
def cancel(context: Context, kind: str, name: str) -> None:
    """Withdraw a message by its id, what waits of a transaction by its reference, or a broadcast."""
    here = context.runtime()
    if kind == "broadcast":
        with here.db.write() as tx:
            changed = holding.steer(tx, here, name, broadcasts.CANCEL, actor())
        here.wake(expand.LANE)
        said = f"The broadcast {name} is cancelled; what still waits is withdrawn within seconds."
        context.show({"kind": kind, "name": name, "changed": changed}, lambda: click.echo(said))
        return
    lever = cancelling.notification if kind == "notification" else cancelling.reference
    with here.db.write() as tx:
        found = lever(tx, here, name, actor())

    def human() -> None:
        click.echo(f"{found.withdrawn:,} withdrawn; {found.stopped:,} went out and do not go out again;")
        click.echo(f"{found.too_late:,} are with a provider or ended, and stay as they are.")

    context.show({"kind": kind, "name": name, **asdict(found)}, human)


@main.command()
@click.option("--replay", "cause", help="Take this cause's letters anew: as listed in the first column.")
@click.option("--dry-run", is_flag=True, help="Count, and say who would get a second message.")
@click.option("--yes", is_flag=True, help="Do it.")
@click.option("--again", is_flag=True, help="Also to those who may have got it already.")
@pass_context
def dead(context: Context, cause: str | None, dry_run: bool, yes: bool, again: bool) -> None:
    """Dead letters by cause; with --replay CAUSE and --dry-run or --yes, take them anew."""
    if cause is None:
        _list(context)
        return
    if dry_run == yes:
        raise click.UsageError("Say --dry-run to count first, then --yes to do it.")
    here = context.runtime(sending=yes)  # a replay goes by what the providers have approved
    which = _cause(cause)
    if dry_run:
        _count(context, here, which)
        return
    taken = replays.replay(here, which, here.clock(), actor(), again=again)
    context.show({"cause": str(which), "taken": taken}, lambda: click.echo(f"{taken:,} taken anew."))


def _list(context: Context) -> None:
    here = context.runtime()
    with here.db.read() as tx:
        found = dead_letters.groups(tx, *DEAD, since=here.clock() - dead_letters.LISTED)
    rows = [
        {"cause": str(g.cause), "number": g.number, "oldest": g.oldest, "newest": g.newest} for g in found
    ]
    context.show({"dead": rows}, lambda: _print(here, found))


def _print(here: Runtime, found: list[Group]) -> None:
    zone = cities.of(here).rules_now(here.clock()).zone
    table = Table(box=SIMPLE, padding=(0, 1))
    table.add_column("cause", overflow="fold")
    for heading in ("number", "oldest", "newest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in found:
        oldest, newest = (f"{at.astimezone(zone):%m-%d %H:%M}" for at in (group.oldest, group.newest))
        table.add_row(str(group.cause), f"{group.number:,}", oldest, newest)
    if found:
        Console().print(table)
    else:
        click.echo("No dead letters.")


def _count(context: Context, here: Runtime, cause: Cause) -> None:
    with here.db.read() as tx:
        now = here.clock()
        plan, whom = dead_letters.plan(tx, cause, now), twice.listed(tx, here, cause, now)

    def human() -> None:
        click.echo(f"{plan.fresh:,} would go out again.")
        click.echo(f"{plan.again:,} may have got it already and are left out; --again takes them too.")
        for one in whom:
            click.echo(f"  {one.name}  {one.address}  {one.about}  {one.notification}")
        if more := plan.again - len(whom):
            click.echo(f"  and {more:,} more")
        click.echo(f"{plan.late:,} are left out: {LATE}.")

    second = [{**asdict(one), "notification": str(one.notification)} for one in whom]
    context.show({"cause": str(cause), "dry_run": True, **asdict(plan), "would_get_a_second": second}, human)


def _cause(text: str) -> Cause:
    try:
        return Cause.read(text)
    except ValueError as error:
        raise click.ClickException(f"{error}. The list of python3 run.py dead names them.") from None
