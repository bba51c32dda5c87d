"""The verb that gives the API's documentation as a file."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import runtime
from gateway.api import document
from gateway.app import create_app
from gateway.cli.command import Context, main, pass_context


@main.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@pass_context
def openapi(context: Context, out: Path | None) -> None:
    """Print the OpenAPI 3.1 document that /docs/openapi.json serves; needs no running instance."""
    here = runtime.build(context.settings(), wake=lambda _lane: None, sending=False)
    found = document.of(create_app(here))
    if out is None:
        click.echo(document.as_text(found), nl=False)
        return
    out.write_text(document.as_text(found), "utf-8")
    shown = {"file": str(out), "operations": sum(1 for _ in document.operations(found))}
    context.show(shown, lambda: click.echo(f"{shown['operations']} operations written to {out}."))
