"""Verbs for one machine: start everything, fill the demo city, play in it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway import config, instance, readiness
from gateway.cli.command import Context, main, pass_context
from gateway.demo import notify_suite as suite
from gateway.demo import seed as demo
from gateway.demo import start
from gateway.demo.city import DEFAULT_SEED
from gateway.demo.identities import query_password
from gateway.instance.scratch import scratch
from gateway.runtime import Runtime
from gateway.transactions import registry

console = Console(stderr=True)


@main.command()
@click.option("--port", type=int, default=12333, show_default=True, help="0 takes a free one.")
@pass_context
def up(context: Context, port: int) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    settings = config.load(state=context.state)
    readiness.check(settings)
    sys.exit(instance.up(settings, port, _say, start.hooks()))


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


@main.command("demo")
@pass_context
def play_demo(context: Context) -> None:
    """Play the tour in a fresh city on free ports; exits 0 only if all of it held."""
    began = time.monotonic()
    with scratch("huiyin-demo-") as folder:
        environment = {name: value for name, value in os.environ.items() if name not in config.DEPLOYMENT}
        settings = config.load(environment, context.state or folder / "state")
        with instance.running(settings, say=_tell, hooks=start.hooks(play=False)) as running:
            result = start.play_tour(running.settings, running.ready, began, _tell)
    context.show(result, lambda: _print_tour(result))
    sys.exit(0 if result["ok"] else 1)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _print_tour(result: dict[str, Any]) -> None:
    for row in result["transactions"]:
        click.echo(f"{row['type']} by {row['face']}: {row['state']}, SMS after {row['delivered_in_s']} s")
        click.echo(f"  {row['message']}")
    push, channels = result["broadcast"], result["channels"]
    click.echo(
        f"{push['name']} to {push['audience']:,} people: {push['delivered']:,} delivered, "
        f"{push['reached']:,} reached, {push['seconds']} s"
    )
    click.echo(", ".join(f"{channel}: {n:,} delivered" for channel, n in channels.items()))
    click.echo(f"Ledger balanced: {result['ledger']['balanced']}. All held: {result['ok']}.")


@main.command()
@click.option("--citizens", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option(
    "--seed", "number", type=int, default=DEFAULT_SEED, show_default=True, help="Same number, same city."
)
@click.option("--notify-suite", is_flag=True, help="Instead: what the official clients' own suites expect.")
@pass_context
def seed(context: Context, citizens: int, number: int, *, notify_suite: bool) -> None:
    """Fill the demo city with made-up citizens, while the instance runs."""
    demo.need_sandbox(context.settings())
    here = context.runtime(sending=True)
    if notify_suite:
        _prepare_suite(context, here)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=context.as_json) as progress:
        bar = progress.add_task("citizens", total=citizens)
        done = demo.seed(here, citizens, number, lambda n: progress.advance(bar, n))
    context.show(asdict(done), lambda: click.echo(f"{done.citizens:,} citizens, {done.added:,} of them new."))


def _prepare_suite(context: Context, here: Runtime) -> None:
    """Print the suites' environment, to be put before them with ``env`` or ``export``."""
    settings = suite.make(here)
    console.print("These keys are new; those that were shown before have ended.")

    def human() -> None:
        for name, value in settings.items():
            click.echo(f"{name}={value}")

    context.show(settings, human)


@main.group(invoke_without_command=True)
@click.option("--for", "kind", default="card_loss", show_default=True, help="Somebody for this type.")
@click.pass_context
def citizen(called: click.Context, kind: str) -> None:
    """Name a made-up citizen of the demo city; or export or erase what is kept of a person."""
    if called.invoked_subcommand is None:
        _name_somebody(called.obj, kind)


def _name_somebody(context: Context, kind: str) -> None:
    """To try things as; another one each time."""
    registry.get(kind)
    person = demo.next_person(context.runtime(), kind)
    password = query_password(person)
    shown = {"id_number": person.id_number, "name": person.name, "mobile": person.mobile}
    lines = (
        f"身份证号码 ID number  {person.id_number}\n姓名 name  {person.name}\n手机 mobile  {person.mobile}\n"
        f"查询密码 query password  {password}"
    )
    context.show({**shown, "query_password": password}, lambda: click.echo(lines))
