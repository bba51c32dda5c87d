"""Verbs for a counter: who may act for whom, query passwords, and holds. Each is on record.

An ID number may be given as ``-`` and is then asked for, so that it stands in no shell's history.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import click

from gateway.citizens.mandates import Kind
from gateway.cli.accounts import table
from gateway.cli.command import DAY, Context, actor, main, pass_context
from gateway.levers import identity
from gateway.levers.identity import Known
from gateway.runtime import Runtime


def _known(here: Runtime, given: str, whose: str = "ID number") -> Known:
    number = click.prompt(whose, hide_input=True) if given == "-" else given  # no transaction waits for it
    with here.db.read() as tx:
        return identity.known(tx, here, number)


# --- mandates --------------------------------------------------------------------------------


@main.group()
def mandate() -> None:
    """Who may act for whom: guardians of children, relatives with a mandate."""


@mandate.command("add")
@click.argument("citizen")
@click.argument("helper")
@click.argument("kind", type=click.Choice([*map(str, Kind)]))
@click.option(
    "--matter", "matters", multiple=True, help="A transaction type; again for more. Left out: every one."
)
@click.option("--until", type=DAY, help="The last day it counts.")
@click.option(
    "--may-be-told",
    is_flag=True,
    help="The citizen agrees that the helper is told unasked, as when their pension is on hold.",
)
@pass_context
def add_mandate(
    context: Context,
    citizen: str,
    helper: str,
    kind: str,
    matters: tuple[str, ...],
    until: datetime | None,
    may_be_told: bool,
) -> None:
    """HELPER may act for CITIZEN (both by ID number); an earlier mandate of the two is replaced."""
    here = context.runtime()
    last_day: date | None = until.date() if until else None
    one, other = _known(here, citizen), _known(here, helper, "Helper's ID number")
    with here.db.write() as tx:
        key = identity.give_mandate(
            tx,
            here,
            one,
            other,
            Kind(kind),
            actor(),
            matters=matters,
            last_day=last_day,
            may_be_told=may_be_told,
        )
    shown = {"id": str(key), "citizen": one.masked, "helper": other.masked, "kind": kind}
    context.show(
        shown, lambda: click.echo(f"{other.masked} may act for {one.masked} ({kind}).\nmandate {key}")
    )


@mandate.command("list")
@click.argument("citizen")
@pass_context
def list_mandates(context: Context, citizen: str) -> None:
    """The mandates in force that somebody has given or was given, by their ID number."""
    here = context.runtime()
    who = _known(here, citizen)
    with here.db.read() as tx:
        found = identity.listed(tx, here, who)
    rows = [
        (
            one["id"],
            one["kind"],
            one["citizen"],
            one["helper"],
            ", ".join(one["matters"]) or "all",
            one["last_day"] or "",
            "yes" if one["may_be_told"] else "",
        )
        for one in found
    ]
    headings = ("mandate", "kind", "for", "helper", "matters", "until", "told unasked")
    none = "No mandate. Record one: python3 run.py mandate add CITIZEN HELPER guardian|relative"
    context.show({"mandates": found}, lambda: table(headings, rows, none))


@mandate.command("revoke")
@click.argument("key", type=click.UUID)
@pass_context
def revoke_mandate(context: Context, key: UUID) -> None:
    """End a mandate now, by the id that list shows."""
    here = context.runtime()
    with here.db.write() as tx:
        revoked = identity.revoke_mandate(tx, here, key, actor())
    if not revoked:
        raise click.ClickException("None in force has this id; see python3 run.py mandate list CITIZEN.")
    context.show({"id": str(key), "revoked": True}, lambda: click.echo("Revoked: it counts no more."))


# --- query passwords and holds ---------------------------------------------------------------


@main.group()
def password() -> None:
    """Citizens' query passwords."""


@password.command("set")
@click.argument("citizen")
@pass_context
def set_password(context: Context, citizen: str) -> None:
    """Let a citizen who is here in person choose a query password; it is typed twice and never shown."""
    here = context.runtime()
    who = _known(here, citizen)
    chosen = click.prompt("Query password (six digits)", hide_input=True, confirmation_prompt="Once more")
    with here.db.write() as tx:
        identity.set_password(tx, here, who, chosen, actor())
    context.show({"citizen": who.masked, "set": True}, lambda: click.echo(f"Set for {who.masked}."))


@main.group()
def hold() -> None:
    """What holds back risky transactions after somebody's number was changed."""


@hold.command("lift")
@click.argument("citizen")
@pass_context
def lift_hold(context: Context, citizen: str) -> None:
    """Lift a citizen's holds: you have seen who it is."""
    here = context.runtime()
    who = _known(here, citizen)
    with here.db.write() as tx:
        lifted = identity.lift_holds(tx, here, who, actor())
    said = f"{lifted} lifted for {who.masked}." if lifted else f"Nothing holds {who.masked} back."
    context.show({"citizen": who.masked, "lifted": lifted}, lambda: click.echo(said))
