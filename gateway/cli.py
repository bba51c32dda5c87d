"""The ``gateway`` command: a verb for each thing an operator or an installer does."""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.exc import OperationalError

from gateway import audit, cities, config, instance, logs, migrations, runtime
from gateway.config import Settings
from gateway.content import registration, store
from gateway.db import Db
from gateway.delivery import ledger
from gateway.demo import seed as demo
from gateway.demo import start
from gateway.demo.city import DEFAULT_SEED
from gateway.errors import HuiyinError, SettingError
from gateway.ops import queues as watch
from gateway.ops import timeline
from gateway.runtime import Runtime
from gateway.services import operators
from gateway.services import store as services

OPERATOR = "operator"
console = Console(stderr=True)


def _first_line(error: OperationalError) -> str:
    return str(error.orig).strip().partition("\n")[0]


class _Refused(click.ClickException):
    """Nothing was done: a setting, a name or the surroundings are wrong."""

    exit_code = 2


class _Verbs(click.Group):
    """Takes ``--state`` and ``--json`` before or after the verb; an error of ours is one line."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(context, _options_first(args))

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except HuiyinError as error:
            raise _Refused(str(error)) from None
        except OperationalError as error:
            raise _Refused(
                f"The database does not answer: {_first_line(error)}. Is DATABASE_URL right?"
            ) from None


def _options_first(given: list[str]) -> list[str]:
    """Move the options every verb has to the front."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(given)
    for word in words:
        if word == "--json" or word.startswith("--state="):
            front.append(word)
        elif word == "--state":
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return front + rest


class _Context:
    """What verbs share: the settings, a Runtime when it is needed, and how to print."""

    def __init__(self, state: Path | None, as_json: bool) -> None:
        self.state = state
        self.as_json = as_json

    def settings(self) -> Settings:
        return config.load(state=self.state, join=True)

    def runtime(self, *, sending: bool = False) -> Runtime:
        """A Runtime that wakes nobody; most verbs only read the books and need no provider."""
        here = runtime.build(self.settings(), wake=lambda _lane: None, sending=sending)
        with here.db.read() as tx:
            found = migrations.present(tx)
        if found != migrations.head():
            raise SettingError(
                f"The database has schema {found or 'none'}, this release needs {migrations.head()}. "
                "Start with python3 run.py, or run its migrate verb."
            )
        return here

    def show(self, value: Any, human: Callable[[], None]) -> None:
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, default=str))
        else:
            human()


pass_context = click.make_pass_decorator(_Context)


@click.group(cls=_Verbs, help="回音 Huiyin: notification and self-service gateway.")
@click.option("--state", type=click.Path(path_type=Path), help="Where this instance keeps its data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def main(context: click.Context, state: Path | None, as_json: bool) -> None:
    logs.configure(logging.WARNING)
    context.obj = _Context(state, as_json)


@main.command()
@pass_context
def migrate(context: _Context) -> None:
    """Bring the database to this release's schema and import the shipped texts."""
    settings = context.settings()
    db = Db(settings.database_url)
    migrations.upgrade(db)
    with db.write() as tx:
        imported = store.import_shipped(tx, runtime.system_clock())
    result = {"revision": migrations.head(), "templates_imported": imported}
    context.show(result, lambda: click.echo(f"Schema {result['revision']}; {imported} texts imported."))


@main.command()
@click.option("--citizens", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True)
@click.option(
    "--seed", "number", type=int, default=DEFAULT_SEED, show_default=True, help="Same number, same city."
)
@pass_context
def seed(context: _Context, citizens: int, number: int) -> None:
    """Fill the demo city with made-up citizens, while the instance runs."""
    demo.need_sandbox(context.settings())
    here = context.runtime(sending=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=context.as_json) as progress:
        bar = progress.add_task("citizens", total=citizens)
        done = demo.seed(here, citizens, number, lambda n: progress.advance(bar, n))
    context.show(asdict(done), lambda: click.echo(f"{done.citizens:,} citizens, {done.added:,} of them new."))


@main.command()
@pass_context
def citizen(context: _Context) -> None:
    """Name a made-up citizen of the demo city to try things as; another one each time."""
    person = demo.next_person(context.runtime())
    shown = {"id_number": person.id_number, "name": person.name, "mobile": person.mobile}
    lines = (
        f"身份证号码 ID number  {person.id_number}\n姓名 name  {person.name}\n手机 mobile  {person.mobile}"
    )
    context.show(shown, lambda: click.echo(lines))


@main.group()
def templates() -> None:
    """The texts we send."""


@templates.command("register")
@pass_context
def register_templates(context: _Context) -> None:
    """Hand new texts in where a provider reviews them, and fetch its decisions."""
    here = context.runtime(sending=True)
    touched = [asdict(item) for item in registration.register(here)]

    def human() -> None:
        for item in touched:
            click.echo(f"{item['provider']}  {item['code']}  {item['state']}  {item['reason']}")
        click.echo(f"{len(touched)} texts registered or reviewed.")

    context.show({"registrations": touched}, human)


@main.command("api-key")
@click.option("--service", default="demo", show_default=True, help="The service's name; made when it is new.")
@click.option("--name", default="key", show_default=True)
@pass_context
def api_key(context: _Context, service: str, name: str) -> None:
    """Make an API key. Its secret is shown this once."""
    here = context.runtime()
    with here.db.write() as tx:
        now = here.clock()
        service_id = services.ensure_service(tx, service, now)
        key = services.create_key(tx, here.vault, service_id, name, now)
        audit.record(tx, here.vault, now, "cli", "api_key.create", f"service {service_id}")
    context.show({"service_id": str(service_id), "api_key": key}, lambda: click.echo(key))


@main.command()
@click.option("--name", default=OPERATOR, show_default=True)
@pass_context
def operator(context: _Context, name: str) -> None:
    """Make an operator, or give one a new password. It is shown this once."""
    here = context.runtime()
    password = secrets.token_urlsafe(12)
    with here.db.write() as tx:
        operators.set_password(tx, name, password, here.clock())
        audit.record(tx, here.vault, here.clock(), "cli", "operator.set_password", name)
    context.show({"user": name, "password": password}, lambda: click.echo(password))


@main.command()
@pass_context
def queues(context: _Context) -> None:
    """Every lane: what waits and since when, is being sent, is unknown, is dead; and the ledger."""
    here = context.runtime()
    with here.db.read() as tx:
        rows = [asdict(lane) for lane in watch.standing(tx, here.clock())]
        balanced = ledger.balanced(tx)
    context.show({"lanes": rows, "balanced": balanced}, lambda: _print_lanes(rows, balanced))


def _print_lanes(rows: Sequence[dict[str, Any]], balanced: bool) -> None:
    table = Table("lane", "waiting", "oldest s", "sending", "unknown", "dead", "done", "taken", box=SIMPLE)
    for row in rows:
        table.add_row(
            row["name"],
            *(
                f"{row[key]:,}"
                for key in ("depth", "oldest_s", "in_flight", "unknown", "dead", "delivered", "taken")
            ),
        )
    out = Console()
    out.print(table)
    out.print("Ledger balanced: nothing was lost." if balanced else "[bold red]Ledger does NOT balance.[/]")


@main.command("timeline")
@click.argument("reference")
@pass_context
def show_timeline(context: _Context, reference: str) -> None:
    """All that happened to a transaction and its messages, by its 14-digit reference."""
    here = context.runtime()
    with here.db.read() as tx:
        lines = timeline.of_reference(tx, here, reference)
    if lines is None:
        raise click.ClickException(
            "There is no such reference. It has 14 digits; check them with the caller."
        )
    rows = [asdict(line) for line in lines]

    def human() -> None:
        zone = cities.shipped()[here.settings.city].rules_now(here.clock()).zone
        for line in lines:
            click.echo(f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {line.what:<22} {line.detail}")

    context.show({"reference": reference, "timeline": rows}, human)


# --- running it all --------------------------------------------------------------------------


@main.command()
@click.option("--port", type=int, default=12333, show_default=True, help="0 takes a free one.")
@pass_context
def up(context: _Context, port: int) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    settings = config.load(state=context.state)
    start.check(settings)
    sys.exit(instance.up(settings, port, _say, start.hooks()))


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


@main.command("demo")
@pass_context
def play_demo(context: _Context) -> None:
    """Play the tour in a fresh city on free ports; exits 0 only if all of it held."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="huiyin-demo-") as folder:
        environment = {name: value for name, value in os.environ.items() if name not in config.DEPLOYMENT}
        settings = config.load(environment, context.state or Path(folder) / "state")
        with instance.running(settings, say=_tell, hooks=start.hooks(play=False)) as running:
            result = start.play_tour(running.settings, running.ready, began)
    context.show(result, lambda: _print_tour(result))
    sys.exit(0 if result["ok"] else 1)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _print_tour(result: dict[str, Any]) -> None:
    for row in result["transactions"]:
        click.echo(f"{row['type']} by {row['face']}: {row['state']}, SMS after {row['delivered_in_s']} s")
        click.echo(f"  {row['message']}")
    click.echo(f"Ledger balanced: {result['ledger']['balanced']}. All held: {result['ok']}.")


if __name__ == "__main__":
    main()
