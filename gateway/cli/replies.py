"""A verb for what people replied that nobody's question answers. Reading and handling are on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from gateway import cities
from gateway.cli.command import Context, actor, main, pass_context
from gateway.ops import inbox
from gateway.ops.inbox import Written
from gateway.runtime import Runtime


@main.command()
@click.option("--all", "everything", is_flag=True, help="Also what is handled, and wishes to stop or start.")
@click.option("--read", is_flag=True, help="With what they wrote; it is recorded that you read it.")
@click.option("--after", type=click.UUID, help="Those before this one: the last of the list you saw.")
@click.option("--handled", type=click.UUID, metavar="ID", help="Mark this one as handled.")
@pass_context
def replies(context: Context, everything: bool, read: bool, after: UUID | None, handled: UUID | None) -> None:
    """What people replied that waits for a person, the newest first; --handled ID when it is seen to."""
    here = context.runtime()
    if handled:
        _handle(context, here, handled)
        return
    with here.db.write() if read else here.db.read() as tx:
        found = (
            inbox.read(tx, here, actor(), everything=everything, after=after)
            if read
            else inbox.listed(tx, here, everything=everything, after=after)
        )
        waiting = inbox.count(tx)
    shown = {"waiting": waiting, "replies": [_shown(one) for one in found]}
    context.show(shown, lambda: _print(here, found, waiting))


def _handle(context: Context, here: Runtime, key: UUID) -> None:
    with here.db.write() as tx:
        done = bool(inbox.handled(tx, here, [key], actor()))
    if not done:
        raise click.ClickException("No reply with this id waits. The list names those that do.")
    context.show({"id": key, "handled": done}, lambda: click.echo("Marked as handled."))


def _shown(one: Written) -> dict[str, Any]:
    """Without the text where nobody asked to read it."""
    return {name: value for name, value in asdict(one).items() if name != "text" or value is not None}


def _print(here: Runtime, found: Sequence[Written], waiting: int) -> None:
    zone = cities.of(here).rules_now(here.clock()).zone
    for one in found:
        before = f"after {one.before.template}" if one.before else "after no message of ours"
        state = one.wish or ("handled" if one.handled_at else "waiting")
        click.echo(f"{one.id}  {one.at.astimezone(zone):%Y-%m-%d %H:%M}  {one.mobile:<11}  {state}  {before}")
        if one.text is not None:
            click.echo("    " + "".join(sign if sign.isprintable() else " " for sign in one.text))
    click.echo(f"{waiting:,} wait for a person.")
