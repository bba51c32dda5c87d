"""Verbs for whoever installs: the schema, the texts, keys and operators."""

from __future__ import annotations

import secrets

import click

from gateway import audit, migrations, runtime
from gateway.cli.command import Context, actor, main, pass_context
from gateway.content import shipped
from gateway.db import Db
from gateway.services import operators
from gateway.services import store as services

OPERATOR = "operator"


@main.command()
@pass_context
def migrate(context: Context) -> None:
    """Bring the database to this release's schema and import the shipped texts."""
    settings = context.settings()
    db = Db(settings.database_url)
    migrations.upgrade(db)
    with db.write() as tx:
        imported = shipped.import_shipped(tx, runtime.system_clock())
    result = {"revision": migrations.head(), "templates_imported": imported}
    context.show(result, lambda: click.echo(f"Schema {result['revision']}; {imported} texts imported."))


@main.command("api-key")
@click.option("--service", default="demo", show_default=True, help="The service's name; made when it is new.")
@click.option("--name", default="key", show_default=True)
@click.option("--operate", is_flag=True, help="May also pull the levers, over everybody's messages.")
@pass_context
def api_key(context: Context, service: str, name: str, *, operate: bool) -> None:
    """Make an API key. Its secret is shown this once."""
    here = context.runtime()
    with here.db.write() as tx:
        now = here.clock()
        service_id = services.ensure_service(tx, service, now)
        scopes = (*services.USUAL, services.OPERATE) if operate else services.USUAL
        key = services.create_key(tx, here.vault, service_id, name, now, scopes=scopes)
        audit.record(tx, here.vault, now, actor(), "api_key.create", f"service {service_id}")
    context.show({"service_id": str(service_id), "api_key": key}, lambda: click.echo(key))


@main.command()
@click.option("--name", default=OPERATOR, show_default=True)
@pass_context
def operator(context: Context, name: str) -> None:
    """Make an operator, or give one a new password, shown this once; ends sessions and lifts a lock."""
    here = context.runtime()
    password = secrets.token_urlsafe(12)
    digest = operators.digest_of(password)
    with here.db.write() as tx:
        operators.set_password(tx, name, digest, here.clock())
        audit.record(tx, here.vault, here.clock(), actor(), "operator.set_password", name)
    context.show({"user": name, "password": password}, lambda: click.echo(password))
