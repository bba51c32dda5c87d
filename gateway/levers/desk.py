"""What the desk of a hall does with those who come and those who do not. Each pull is on record."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from gateway import audit
from gateway.appointments import checkin
from gateway.appointments.checkin import Deed, Excuse
from gateway.cities import Rules
from gateway.runtime import Runtime
from gateway.transactions import store


def do(
    tx: Connection, runtime: Runtime, key: UUID, deed: Deed, actor: str, why: Excuse | None = None
) -> bool:
    """Move the booking of a transaction; False where that cannot be done now. An excuse needs its reason."""
    if (deed is Deed.EXCUSE) != (why is not None) or not checkin.do(tx, runtime, key, deed, "desk"):
        return False
    reference = store.load(tx, runtime, key).row.reference
    subject = f"{reference} {why}" if why else reference
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"booking.{deed}", subject)
    return True


def walk_in(tx: Connection, runtime: Runtime, hall: str, matter: str, actor: str) -> None:
    """Count one who came without a booking."""
    checkin.walk_in(tx, hall, matter, runtime.clock())
    audit.record(tx, runtime.vault, runtime.clock(), actor, "walk_in.count", f"{hall} {matter}")


def take_back_walk_in(
    tx: Connection, runtime: Runtime, rules: Rules, hall: str, matter: str, actor: str
) -> bool:
    """Count today's last one no more; False where there is none."""
    if not checkin.take_back_walk_in(tx, rules, hall, matter, runtime.clock()):
        return False
    audit.record(tx, runtime.vault, runtime.clock(), actor, "walk_in.take_back", f"{hall} {matter}")
    return True
