"""Verbs to write texts: make, reword, publish, archive, try, register. All is on record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import click

from gateway import audit
from gateway.channels import AddressError
from gateway.cli.command import Context, actor, pass_context
from gateway.cli.templates import (
    ID,
    VALUES,
    VERB,
    VERSION,
    about,
    chosen,
    findings,
    history,
    templates,
    values,
)
from gateway.content import editing, lint, registration
from gateway.content.editing import CHANNELS, CLASSES, Author, NewText
from gateway.content.lint import NotFitError
from gateway.content.registered import Registration
from gateway.content.store import LANGUAGES, TemplateVersion
from gateway.errors import HuiyinError
from gateway.levers import trying
from gateway.runtime import Runtime

FILE = click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="The words, in UTF-8; - reads them from standard input. An e-mail's begin with Subject: …",
)


@templates.command()
@click.argument("title")
@click.option("--channel", type=click.Choice(CHANNELS), required=True)
@click.option("--class", "klass", type=click.Choice(CLASSES), required=True, help="How messages are treated.")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True)
@click.option("--name", default="", help="What the house knows it by, <group>/<event>; usually left out.")
@click.option("--translates", type=click.UUID, help="The text that says the same in another language.")
@FILE
@pass_context
def new(
    context: Context,
    title: str,
    channel: str,
    klass: str,
    language: str,
    name: str,
    translates: UUID | None,
    source: Path | None,
) -> None:
    """Make a text; its first version is a draft. Without --file an editor opens."""
    here = context.runtime()
    words = _words(source, "Subject: \n\n" if channel == "email" else "")
    with here.db.write() as tx:
        text = NewText(title, channel, words, klass, language, name, translates)
        made = editing.create(tx, _author(here), text)
    _written(context, made)


@templates.command()
@ID
@FILE
@pass_context
def edit(context: Context, id: UUID, source: Path | None) -> None:  # noqa: A002
    """Make the next version, a draft; what is sent stays as it is. Without --file an editor opens."""
    here = context.runtime()
    with here.db.read() as tx:
        before = history(tx, id)[0].body
    words = _words(source, before)
    with here.db.write() as tx:
        made = editing.add_version(tx, _author(here), id, words)
    _written(context, made)


@templates.command()
@ID
@VERSION
@pass_context
def publish(context: Context, id: UUID, version: int | None) -> None:  # noqa: A002
    """Let a draft be sent from now on; what lint calls an error keeps it from that."""
    here = context.runtime()
    try:
        with here.db.write() as tx:
            done = editing.publish(tx, _author(here), id, chosen(tx, id, version).version)
    except NotFitError as error:
        found = error.findings
        context.show({"published": False, "findings": list(map(asdict, found))}, lambda: findings(found))
        sys.exit(1)
    said = (
        f"Version {done.version} is published. Next, where providers review texts: {VERB} register {done.id}"
    )
    context.show({**about(done), "published": True}, lambda: click.echo(said))


@templates.command()
@ID
@pass_context
def archive(context: Context, id: UUID) -> None:  # noqa: A002
    """Let a text be sent no more; what was sent of it stays readable."""
    here = context.runtime()
    with here.db.write() as tx:
        done = editing.archive(tx, _author(here), id)
    context.show({**about(done), "archived": True}, lambda: click.echo(f"{done.title} is archived."))


@templates.command("test")
@ID
@VERSION
@VALUES
@click.option("--to", required=True, help="On the service's team or guest list.")
@click.option("--service", required=True, help="The service's name.")
@pass_context
def try_out(
    context: Context,
    id: UUID,  # noqa: A002
    version: int | None,
    given: Sequence[str],
    to: str,
    service: str,
) -> None:
    """Send a version, a draft too, to somebody of a service's team. It really goes out."""
    here = context.runtime()
    try:
        with here.db.write() as tx:
            one, owner = chosen(tx, id, version), trying.service_of(tx, service)
            key, lane = trying.send(tx, here, one, to, values(given), owner, actor())
    except AddressError as error:
        raise HuiyinError(f"--to: {error}") from None
    said = f"On its way as {key}. python3 run.py explain {key} tells how it stands."
    context.show({"id": str(key), "lane": lane}, lambda: click.echo(said))


@templates.command()
@click.argument("id", type=click.UUID, required=False)
@VERSION
@click.option("--provider", help="Together with --code.")
@click.option("--code", help="What that provider has this very text under already.")
@pass_context
def register(
    context: Context,
    id: UUID | None,  # noqa: A002
    version: int | None,
    provider: str | None,
    code: str | None,
) -> None:
    """Hand texts in where a provider reviews them, and fetch its decisions.

    Without an ID all that are new or pending. With one that text, a draft too; with --provider and
    --code: that is what the provider has it under already. Its variables there are checked.
    """
    if (provider is None) != (code is None) or (code and id is None):
        raise HuiyinError("--provider and --code go together, with the ID of a text.")
    here = context.runtime(sending=True)
    if id is None:
        touched = list(registration.register(here))
    else:
        with here.db.read() as tx:
            one = chosen(tx, id, version)
        touched = _registered(here, one, provider, code)
    rows = [{**asdict(item), "template_id": str(item.template_id)} for item in touched]
    context.show({"registrations": rows}, lambda: _touched(touched))


def _registered(
    here: Runtime, version: TemplateVersion, provider: str | None, code: str | None
) -> list[Registration]:
    if provider is None or code is None:
        touched = list(registration.hand_in(here, version))
    else:
        touched = [registration.link(here, version, provider, code)]
    with here.db.write() as tx:
        said = f"template {version.id} version {version.version}"
        audit.record(tx, here.vault, here.clock(), actor(), "template.register", said)
    return touched


def _touched(touched: Sequence[Registration]) -> None:
    for item in touched:
        click.echo(f"{item.provider}  {item.code}  {item.state}  {item.reason}")
    click.echo(f"{len(touched)} texts registered or reviewed.")


def _author(here: Runtime) -> Author:
    return Author(actor(), here.vault, here.clock())


def _words(source: Path | None, before: str) -> str:
    """From a file, standard input or an editor; what is around them is no part of them."""
    if source is not None:
        given = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
        try:
            return given.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise HuiyinError(f"{source} is not in UTF-8. Save it as UTF-8 first.") from None
    written = click.edit(before)
    if written is None:
        raise HuiyinError("Nothing was written: the editor was left without saving.")
    return written.strip()


def _written(context: Context, made: TemplateVersion) -> None:
    found = lint.check(made)

    def human() -> None:
        click.echo(f"Version {made.version} of {made.title} is a draft: {made.id}")
        findings(found)
        click.echo(f"Next: {VERB} preview {made.id} --value NAME=WORDS, then {VERB} publish {made.id}")

    context.show({**about(made), "findings": list(map(asdict, found))}, human)
