"""What a counter does about who somebody is: mandates, query passwords, holds. Each is on record.

Whoever calls has seen the ID cards and the papers; nothing here is reached by citizens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gateway import audit, cities
from gateway.citizens import holds, id_number, mandates, passwords, register
from gateway.citizens.mandates import Kind
from gateway.errors import HuiyinError, UnknownNameError
from gateway.runtime import Runtime
from gateway.security import mask_id_number, mask_name
from gateway.transactions import registry

GROWN_UP = 18  # years, of who acts for somebody else


class NotAllowedError(HuiyinError):
    """These two cannot have this mandate."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of the register."""

    id: UUID
    id_number: str
    name: str

    @property
    def masked(self) -> str:
        return f"{mask_name(self.name)} {mask_id_number(self.id_number)}"


def known(tx: Connection, runtime: Runtime, given: str) -> Known:
    """The citizen with this ID number; ``UnknownNameError`` for none, without repeating it."""
    try:
        number = id_number.normalise(given)
    except ValueError:
        raise UnknownNameError("This is no ID number; copy all 18 characters from the card.") from None
    found = register.find(tx, runtime.vault, number)
    if found is None:
        raise UnknownNameError("Nobody is registered with this ID number; register them first.")
    return Known(found.id, number, found.name)


def give_mandate(
    tx: Connection,
    runtime: Runtime,
    citizen: Known,
    helper: Known,
    kind: Kind,
    actor: str,
    *,
    matters: Sequence[str] = (),
    last_day: date | None = None,
    may_be_told: bool = False,
) -> UUID:
    """Write a mandate down; ``NotAllowedError`` says why these two cannot have it."""
    _fitting(runtime, citizen, helper, kind)
    unknown = [name for name in matters if name not in registry.types()]
    if unknown:
        there = ", ".join(registry.types())
        raise UnknownNameError(f"There is no transaction type {unknown[0]!r}; there are {there}.")
    if last_day and last_day < _today(runtime):
        raise NotAllowedError(f"{last_day} is over; name a day to come, or leave it out.")
    return mandates.add(
        tx,
        runtime,
        citizen.id,
        helper.id,
        kind,
        actor,
        matters=matters,
        last_day=last_day,
        may_be_told=may_be_told,
    )


def _fitting(runtime: Runtime, citizen: Known, helper: Known, kind: Kind) -> None:
    if citizen.id == helper.id:
        raise NotAllowedError("Both are the same person; a helper is somebody else.")
    if _age(runtime, helper) < GROWN_UP:
        raise NotAllowedError(f"The helper is under {GROWN_UP}; only a grown-up acts for others.")
    under = cities.of(runtime).rules_now(runtime.clock()).identity.guardian_under
    is_child = _age(runtime, citizen) < under
    if is_child and kind is Kind.RELATIVE:
        raise NotAllowedError(f"The citizen is under {under}: record a guardian instead.")
    if not is_child and kind is Kind.GUARDIAN:
        raise NotAllowedError(f"The citizen is {under} or older: record a relative instead.")


def _age(runtime: Runtime, who: Known) -> int:
    born, today = id_number.birth_date(who.id_number), _today(runtime)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _today(runtime: Runtime) -> date:
    now = runtime.clock()
    return now.astimezone(cities.of(runtime).rules_now(now).zone).date()


def listed(tx: Connection, runtime: Runtime, who: Known) -> list[dict[str, Any]]:
    """The mandates somebody has given or was given, both sides masked."""
    rows = mandates.of(tx, who.id)
    both = [key for row in rows for key in (row.citizen_id, row.helper_id)]
    people = register.people(tx, runtime.vault, both)
    shown = {key: Known(key, one.id_number, one.name).masked for key, one in people.items()}
    return [
        {
            "id": str(row.id),
            "kind": row.kind,
            "citizen": shown.get(row.citizen_id, "no longer registered"),
            "helper": shown.get(row.helper_id, "no longer registered"),
            "matters": row.matters.split(",") if row.matters else [],
            "may_be_told": row.may_be_told,
            "last_day": row.last_day.isoformat() if row.last_day else None,
            "given_at": row.given_at.isoformat(),
            "given_by": row.given_by,
        }
        for row in rows
    ]


def revoke_mandate(tx: Connection, runtime: Runtime, key: UUID, actor: str) -> bool:
    """End it now; False where none in force has this id."""
    return mandates.revoke(tx, runtime, key, actor)


def set_password(tx: Connection, runtime: Runtime, who: Known, password: str, actor: str) -> None:
    """A password the citizen has just chosen at a counter: it counts at once."""
    if not passwords.written(password):
        raise NotAllowedError("A query password has six digits, 0 to 9.")
    if passwords.weak(password, who.id_number):
        raise NotAllowedError("Anybody could guess this one; let them choose another.")
    passwords.put(tx, runtime, who.id, password)
    audit.record(tx, runtime.vault, runtime.clock(), actor, "password.set", str(who.id))


def lift_holds(tx: Connection, runtime: Runtime, who: Known, actor: str) -> int:
    """What is risky may be done again: who it is was checked in person. Returns how many holds there were."""
    lifted = holds.lift(tx, runtime, who.id)
    if lifted:
        audit.record(tx, runtime.vault, runtime.clock(), actor, "hold.lift", str(who.id))
    return lifted
