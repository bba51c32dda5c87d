"""Verbs for one message to many people: count first, then go; look, hold still, go on, stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from gateway import cities
from gateway.broadcasts import carrying, enclosures, progress, recipients, rehearsal, store
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.recipients import SHOWN, Checked
from gateway.broadcasts.store import ACTIONS, START, Action
from gateway.cli import following
from gateway.cli.command import Context, actor, main, pass_context
from gateway.cli.following import Draft
from gateway.errors import HuiyinError
from gateway.messages import Attachment
from gateway.runtime import Runtime


class _Broadcast(click.Group):
    """``broadcast NAME`` is short for ``broadcast run NAME``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in context.help_option_names:
            args = ["run", *args]
        return super().parse_args(context, args)


@main.group(cls=_Broadcast)
def broadcast() -> None:
    """One message to many people: broadcast NAME counts them and asks before it goes."""


# --- making one ----------------------------------------------------------------------------


@broadcast.command("run")
@click.argument("name", required=False)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="A definition of your own.")
@click.option("--csv", "listed", type=click.File("rb"), help="A list: mobile or id_number, and name.")
@click.option("--template", help="The text to send to the list, like policy/retirement_age.")
@click.option("--channel", type=click.Choice(["sms", "voice", "email"]), help="The first channel.")
@click.option("--pace", type=int, help="The most messages in a minute.")
@click.option("--attach", multiple=True, type=click.Path(path_type=Path), help="A PDF or DOCX to go along.")
@click.option("--yes", is_flag=True, help="Start without asking.")
@click.option("--watch/--no-watch", "stay", default=True, help="Stay and show how far it is.")
@pass_context
def run(
    context: Context, /, *, listed: Any, attach: tuple[Path, ...], yes: bool, stay: bool, **options: Any
) -> None:
    """Count a shipped broadcast's people (or a list's), then start it."""
    here = context.runtime()
    rules = cities.of(here).rules_now(here.clock())
    keys = _given(listed=bool(listed), **options)
    definition = definitions.read(keys, rules, here.clock())
    folder = options["file"].parent if options["file"] else definitions.SHIPPED
    files = [*enclosures.beside(folder, keys.get("attachments", ())), *enclosures.at(attach)]
    draft = _drafted(here, definition, listed.read() if listed else None, files)
    counted = rehearsal.as_json(draft.counted, rules)
    if not context.as_json:
        following.print_rehearsal(draft, counted, rules)
    if yes or (not context.as_json and _wanted()):
        _act(here, draft.key, START)
        if stay:
            following.watch(here, draft.key, quiet=context.as_json)
    shown = {
        **progress.as_json(following.standing(here, draft.key)),
        "counted": counted,
        **_refusals(draft.checked),
    }
    context.show(shown, lambda: following.print_next(shown))


def _wanted() -> bool:
    """Ask; whoever breaks off, or cannot be asked, has not said yes."""
    try:
        return click.confirm("Go?", default=False)
    except click.Abort:
        click.echo()
        return False


def _given(
    name: str | None, file: Path | None, template: str | None, *, listed: bool, **given: Any
) -> dict[str, Any]:
    """The definition's keys: from a file or a shipped one, with what the options say in their place."""
    keys: dict[str, Any] = {}
    if file:
        keys = definitions.from_file(file)
    elif name:
        keys = definitions.shipped(name)
    elif not (listed and template):
        raise click.UsageError("Name a broadcast, or give --file, or --csv with --template.")
    keys |= {key: value for key, value in {"template": template, **given}.items() if value is not None}
    if listed:
        keys.pop("audience", None)
    elif "audience" not in keys:
        raise click.UsageError("The definition names no audience; give it one, or a list with --csv.")
    return keys


def _drafted(here: Runtime, definition: Definition, raw: bytes | None, files: Sequence[Attachment]) -> Draft:
    if raw is None:
        with here.db.read() as tx:
            counted = rehearsal.rehearse(tx, here, definition, files)
        with here.db.write() as tx:
            key = store.create(tx, here, definition, actor(), counted=counted.people, files=files)
        return Draft(key, definition, counted, None)
    kind, lines = recipients.read_csv(raw)
    definitions.check_list(definition, kind)
    with here.db.read() as tx:
        against = carrying.by_line(tx, here, definition)
        checked = recipients.check(tx, here, kind, definition.channel, lines, against)
        counted = rehearsal.rehearse_list(tx, here, definition, checked, files)
    return Draft(
        rehearsal.store_list(here, definition, checked, actor(), files), definition, counted, checked
    )


def _refusals(checked: Checked | None) -> dict[str, Any]:
    """The first bad lines of a list and how many there are."""
    if checked is None:
        return {}
    shown = [{"line": line.line, "reason": line.reason} for line in checked.refused[:SHOWN]]
    return {"refused": len(checked.refused), "refused_lines": shown, "duplicates": checked.duplicates}


# --- looking ---------------------------------------------------------------------------------


@broadcast.command("list")
@pass_context
def list_broadcasts(context: Context) -> None:
    """The newest broadcasts."""
    here = context.runtime()
    with here.db.read() as tx:
        found = progress.of_all(tx, store.listed(tx, limit=20), here.clock())
    rows = [progress.as_json(one) for one in found]

    def human() -> None:
        for row in rows:
            click.echo(
                f"{row['id']}  {row['state']:<9}  {row['taken']:>9,}/{row['audience'] or 0:,}  {row['name']}"
            )
        click.echo(f"{len(rows)} broadcasts.")

    context.show({"broadcasts": rows}, human)


@broadcast.command()
@click.argument("id", type=click.UUID)
@pass_context
def show(context: Context, id: UUID) -> None:  # noqa: A002 - click names the argument so
    """How a broadcast stands."""
    shown = progress.as_json(following.standing(context.runtime(), id))
    context.show(shown, lambda: following.print_next(shown))


@broadcast.command()
@click.argument("id", type=click.UUID)
@pass_context
def watch(context: Context, id: UUID) -> None:  # noqa: A002
    """Follow a broadcast until it is over."""
    here = context.runtime()
    following.watch(here, id, quiet=context.as_json)
    shown = progress.as_json(following.standing(here, id))
    context.show(shown, lambda: following.print_next(shown))


# --- steering --------------------------------------------------------------------------------


def _act(here: Runtime, key: UUID, action: Action) -> None:
    with here.db.write() as tx:
        following.found(tx, key)
        refused = store.act(tx, here, key, action, actor())
    if refused:
        raise HuiyinError(f"{refused.message}. {refused.next_step}")


def _verb(action: Action, words: str) -> None:
    @broadcast.command(action.name, help=words)
    @click.argument("id", type=click.UUID)
    @pass_context
    def act(context: Context, id: UUID) -> None:  # noqa: A002
        here = context.runtime()
        _act(here, id, action)
        shown = progress.as_json(following.standing(here, id))
        context.show(shown, lambda: following.print_next(shown))


WORDS = {
    "start": "Let a draft go.",
    "pause": "Hold a broadcast still: nothing more is handed over.",
    "resume": "Let a paused broadcast go on.",
    "cancel": "Stop a broadcast for good; what still waits is withdrawn.",
}
for _name, _action in ACTIONS.items():
    _verb(_action, WORDS[_name])
