"""Send a version, a draft too, to somebody of a service's team, to see it arrive."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, select

from gateway import audit, channels
from gateway.content.rendering import Values
from gateway.content.store import TemplateVersion
from gateway.errors import HuiyinError, UnknownNameError
from gateway.notifications import at_once, stored
from gateway.notifications.request import Class, Origin, Request
from gateway.runtime import Runtime
from gateway.services import guests
from gateway.services.store import TEAM, services


class NotOfTheTeamError(HuiyinError):
    """A draft goes to a service's team and guests only. Put the address on its list first."""


def service_of(tx: Connection, name: str) -> UUID:
    """The service of this name; ``UnknownNameError`` where there is none."""
    found = tx.execute(select(services.c.id).where(services.c.name == name)).scalar_one_or_none()
    if found is None:
        raise UnknownNameError(f"There is no service called {name[:40]!r}.")
    return UUID(str(found))


def send(
    tx: Connection,
    runtime: Runtime,
    version: TemplateVersion,
    to: str,
    values: Values,
    service: UUID,
    actor: str,
) -> tuple[UUID, str]:
    """Enter the message; returns its id and the lane to wake. Somebody waits for it: no window holds it.

    Raises ``AddressError``, ``NotOfTheTeamError`` or ``MissingPersonalisationError``.
    """
    address = channels.load(version.channel).normalise(to)
    if not guests.allows(tx, runtime.vault, service, TEAM, address):
        raise NotOfTheTeamError
    request = Request(
        None,
        version.channel,
        Class.RESULT,
        version.name,
        version.language,
        values,
        waited_for=True,
        address=address,
        origin=Origin(service, TEAM, "test"),
    )
    row = stored.as_row(runtime, request, version, runtime.clock())
    at_once.enter_in(tx, [row])
    said = f"template {version.id} version {version.version}"
    audit.record(tx, runtime.vault, runtime.clock(), actor[:80], "template.test", said)
    return row["id"], row["lane"]
