"""What every verb shares: the options, one-line errors, settings, a Runtime, and how to print."""

from __future__ import annotations

import getpass
import json
import logging
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from gateway import config, logs, migrations, runtime
from gateway.config import Settings
from gateway.errors import HuiyinError, SettingError
from gateway.runtime import Runtime
from gateway.security import redact_written


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


class Written(click.DateTime):
    """A day, or an hour, asked for and refused by an example rather than by a format."""

    def __init__(self, form: str, example: str) -> None:
        super().__init__([form])
        self.example = example

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self.example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} cannot be read. Write it like {self.example}.", param, ctx)


DAY, CLOCK = Written("%Y-%m-%d", "2026-12-01"), Written("%H:%M", "14:00")


LONGEST_ACTOR = 64  # characters, as whoever takes a call is kept
_UNUSUAL = re.compile(r"[^\w.@*-]")  # bytes that are no text, too, which no database takes


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return f"user {os.getuid()}"


def actor() -> str:
    """Who is at this terminal, for the audit chain and for what one person takes at a time.

    ``HUIYIN_OPERATOR`` where several share a login, else whoever became root, else the login.
    """
    names = (os.environ.get(name, "").strip() for name in ("HUIYIN_OPERATOR", "SUDO_USER"))
    name = next(filter(None, names), "") or _login()
    return f"cli {_UNUSUAL.sub('', redact_written(name))}"[:LONGEST_ACTOR]


class Context:
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


pass_context = click.make_pass_decorator(Context)


@click.group(cls=_Verbs, help="回音 Huiyin: notification and self-service gateway.")
@click.option("--state", type=click.Path(path_type=Path), help="Where this instance keeps its data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def main(context: click.Context, state: Path | None, as_json: bool) -> None:
    logs.configure(logging.WARNING)
    context.obj = Context(state, as_json)
