"""Verbs to look at texts: which there are, what one says, how it is counted, what stands against it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from gateway.cli.command import Context, main, pass_context
from gateway.content import lint as rules
from gateway.content import registered, store
from gateway.content.lint import Finding
from gateway.content.preview import Preview
from gateway.content.preview import preview as seen
from gateway.content.price import Price
from gateway.content.store import State, TemplateVersion
from gateway.errors import HuiyinError
from gateway.runtime import Runtime

VERB = "python3 run.py templates"
ID = click.argument("id", type=click.UUID)
VERSION = click.option("--version", type=click.IntRange(1), help="Without it the newest, a draft too.")
VALUES = click.option(
    "--value", "given", multiple=True, metavar="NAME=WORDS", help="Repeat a name to give it a list."
)


@main.group()
def templates() -> None:
    """The texts we send: write, look at, publish them, and how providers know them."""


@templates.command("list")
@click.option("--channel", type=click.Choice(["sms", "voice", "email"]))
@click.option("--drafts", is_flag=True, help="Only those whose newest version is a draft.")
@pass_context
def show_list(context: Context, channel: str | None, *, drafts: bool) -> None:
    """Every text with its newest version, and how providers that review texts stand to it."""
    here = context.runtime()
    with here.db.read() as tx:
        every = store.newest_versions(tx, drafts=True)
        states = _states(tx, here)
    wanted = [
        one
        for one in sorted(every, key=lambda one: (one.title, one.channel, one.language))
        if channel in (None, one.channel) and (not drafts or one.state == State.DRAFT)
    ]
    rows = [{**about(one), "reviews": states.get(one.key, {})} for one in wanted]
    context.show({"templates": rows}, lambda: _list(rows))


@templates.command()
@ID
@pass_context
def show(context: Context, id: UUID) -> None:  # noqa: A002
    """A text with its versions, what lint finds, and how each provider knows it."""
    here = context.runtime()
    with here.db.read() as tx:
        versions, known = history(tx, id), registered.of(tx, id)
    signs = _sign_names(here)
    reviews = [
        {**asdict(one), "template_id": str(id), "sign_name": signs.get(one.provider, "")} for one in known
    ]
    newest = versions[0]
    shown = {
        **about(newest),
        "archived": newest.archived,
        "versions": [
            {"version": one.version, "state": one.state, "created_by": one.created_by, "body": one.body}
            for one in versions
        ],
        "registrations": reviews,
        "findings": list(map(asdict, rules.check(newest))),
    }
    context.show(shown, lambda: _show(versions, reviews))


@templates.command()
@ID
@VERSION
@VALUES
@click.option("--to", default="", help="A number or address to count and price it for.")
@pass_context
def preview(
    context: Context,
    id: UUID,  # noqa: A002
    version: int | None,
    given: Sequence[str],
    to: str,
) -> None:
    """What it would be with values: words, parts or seconds, price, and who would carry it."""
    here = context.runtime()
    with here.db.read() as tx:
        found = seen(tx, here, chosen(tx, id, version), values(given), to)
    shown = asdict(found)
    context.show(shown, lambda: _preview(found))


@templates.command()
@ID
@VERSION
@VALUES
@pass_context
def lint(context: Context, id: UUID, version: int | None, given: Sequence[str]) -> None:  # noqa: A002
    """What stands against publishing it, and what could be said better; ends with 1 for an error."""
    here = context.runtime()
    with here.db.read() as tx:
        found = rules.check(chosen(tx, id, version), values(given))
    context.show({"findings": list(map(asdict, found))}, lambda: findings(found))
    if any(one.severity == rules.ERROR for one in found):
        sys.exit(1)


# --- what the other verbs use, too ------------------------------------------------------------


def history(tx: Connection, key: UUID) -> Sequence[TemplateVersion]:
    """A text's versions, the newest first; ``HuiyinError`` where there is no such text."""
    found = store.history(tx, key)
    if not found:
        raise HuiyinError(f"There is no text {key}. {VERB} list shows their ids.")
    return found


def chosen(tx: Connection, key: UUID, number: int | None) -> TemplateVersion:
    """One version, or the newest."""
    known = history(tx, key)
    for one in known:
        if number in (None, one.version):
            return one
    raise HuiyinError(f"There is no version {number} of this text; its newest is {known[0].version}.")


def values(given: Iterable[str]) -> dict[str, Any]:
    """``name=words``; a name given several times has a list."""
    found: dict[str, list[str]] = {}
    for one in given:
        name, equals, words = one.partition("=")
        if not equals or not name.strip():
            raise HuiyinError(f"--value {one[:40]!r} must be NAME=WORDS.")
        found.setdefault(name.strip(), []).append(words)
    return {name: words[0] if len(words) == 1 else words for name, words in found.items()}


def about(version: TemplateVersion) -> dict[str, Any]:
    return {
        "id": str(version.id),
        "name": version.name,
        "title": version.title,
        "channel": version.channel,
        "language": version.language,
        "class": version.klass,
        "version": version.version,
        "state": version.state,
    }


def findings(found: Sequence[Finding]) -> None:
    """As a table; nothing found is said, too."""
    if not found:
        click.echo("Nothing stands against it.")
        return
    grid = table("", "where", "what to do")
    for one in found:
        colour = "red" if one.severity == rules.ERROR else "yellow"
        grid.add_row(f"[{colour}]{one.severity}[/]", escape(one.place), escape(f"{one.zh}\n{one.en}"))
    Console().print(grid)


def table(*headings: str) -> Table:
    grid = Table(box=SIMPLE, padding=(0, 1))
    for heading in headings:
        grid.add_column(heading, overflow="fold")
    return grid


# --- printing ----------------------------------------------------------------------------------


def _states(tx: Connection, here: Runtime) -> Mapping[tuple[UUID, int], dict[str, str]]:
    """What each provider decided, by version."""
    found: dict[tuple[UUID, int], dict[str, str]] = {}
    for name in dict.fromkeys(name for names in here.settings.providers.values() for name in names):
        for key, one in registered.registrations(tx, name).items():
            found.setdefault(key, {})[name] = one.state
    return found


def _sign_names(here: Runtime) -> Mapping[str, str]:
    """Under which name messages are registered there: the setting <PROVIDER>_SIGN_NAME."""
    given = here.settings.environment
    named = {name for names in here.settings.providers.values() for name in names}
    return {name: given.get(f"{name.upper()}_SIGN_NAME", "") for name in named}


def _list(rows: Sequence[Mapping[str, Any]]) -> None:
    """Each id on a line of its own, whole, to be copied."""
    grid = table("text", "by", "class", "version", "reviews")
    grid.columns[0].no_wrap = True
    for row in rows:
        reviews = "\n".join(f"{name} {state}" for name, state in row["reviews"].items())
        by, version = f"{row['channel']}, {row['language']}", f"{row['version']} {row['state']}"
        title = f"{escape(row['title'])}\n[dim]{row['id']}[/]"
        grid.add_row(title, by, row["class"], version, reviews or "–")
    Console().print(grid)
    click.echo(f"{len(rows):,} texts. {VERB} show ID tells more, {VERB} new makes one.")


def _show(versions: Sequence[TemplateVersion], reviews: Sequence[Mapping[str, Any]]) -> None:
    newest = versions[0]
    archived = ", archived" if newest.archived else ""
    click.echo(
        f"{newest.title} ({newest.name}), {newest.channel}, {newest.language}, {newest.klass}{archived}"
    )
    for one in versions:
        click.echo(f"\nversion {one.version}, {one.state}, by {one.created_by}\n{one.body}")
    if reviews:
        grid = table("version", "provider", "code", "signed", "state", "reason")
        for row in reviews:
            cells = (
                row["provider"],
                row["code"] or "–",
                row["sign_name"] or "–",
                row["state"],
                row["reason"],
            )
            grid.add_row(str(row["version"]), *map(escape, cells))
        Console().print(grid)
    findings(rules.check(newest))
    if newest.state == State.DRAFT and not newest.archived:
        click.echo(f"Next: {VERB} preview {newest.id} --value NAME=WORDS, then {VERB} publish {newest.id}")


def _preview(found: Preview) -> None:
    if found.subject is not None:
        click.echo(found.subject)
        click.echo("-" * 40)
    click.echo(found.body)
    if found.counted:
        one = found.counted
        click.echo(
            f"\n{one.parts} part{'s' if one.parts > 1 else ''}: {one.units} units ({one.alphabet}) with "
            f"【{found.signature}】, {one.room} a part, {one.left} left"
        )
    if found.seconds is not None:
        click.echo(f"\nabout {found.seconds:.0f} s to say once")
    grid = table("provider", "carries it", "price")
    for carrier in found.carriers:
        why = "yes" if carrier.carries else escape(f"no: {carrier.zh}\n{carrier.en}")
        grid.add_row(carrier.provider, why, _price(carrier.price, carrier.provider))
    Console().print(grid)


def _price(price: Price, provider: str) -> str:
    if price.amount is None:
        return f"unknown; set {provider.upper()}_PRICE"
    return f"{price.amount} {price.currency} ({price.parts} × {price.rate})"
