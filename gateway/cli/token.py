"""The verb that makes a token to try the API with."""

from __future__ import annotations

import json
import os

import click

from gateway import runtime
from gateway.cli.command import Context, main, pass_context
from gateway.errors import SettingError
from gateway.services import auth

KEY = "HUIYIN_API_KEY"


@main.command()
@pass_context
def token(context: Context) -> None:
    """Print a bearer token, good for 30 seconds: of the key in HUIYIN_API_KEY, else of ready.json's."""
    made = auth.token(_key(context), runtime.system_clock())
    context.show({"token": made}, lambda: click.echo(made))


def _key(context: Context) -> str:
    """Whoever lists the processes sees arguments, so a key is never one."""
    if given := os.environ.get(KEY):
        return given
    ready = context.settings().state / "ready.json"
    if not ready.exists():
        raise SettingError(f"Nothing runs here. Start python3 run.py first, or put an API key into {KEY}.")
    return str(json.loads(ready.read_text())["api_key"])
