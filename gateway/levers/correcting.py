"""What is recorded of a person, put right by somebody who saw their papers. On record."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import Schema, ValidationError
from sqlalchemy import Connection

from gateway import audit, cities
from gateway.citizens import easing, register
from gateway.errors import UnknownNameError
from gateway.levers.accounts import WrongError
from gateway.records import fields
from gateway.records.changes import UNCHANGED
from gateway.runtime import Runtime
from gateway.transactions.form import problems


class _Values(Schema):
    mobile = fields.Mobile()
    email = fields.Email()
    address = fields.PostalAddress()
    postcode = fields.Postcode()


def correct(
    tx: Connection,
    runtime: Runtime,
    id_number: str,
    values: Mapping[str, str],
    actor: str,
    *,
    disabled: bool | None = None,
) -> list[str]:
    """Record these values of whoever has this (normalised) ID number; which of them are new.

    Nobody is told: the person stands at the counter. A change under review is not touched, and will
    find that the record is another. An ``address`` comes with its ``district``: a code, a name, or
    ``unchanged``. ``WrongError`` names a value that cannot be.
    """
    wanted = _wanted(runtime, values)
    citizen = register.find(tx, runtime.vault, id_number)
    before = register.record(tx, runtime.vault, citizen.id, hold=True) if citizen else None
    if before is None:
        raise UnknownNameError("Nobody with this ID number is registered. Check it: it has 18 characters.")
    new = [name for name, value in wanted.items() if getattr(before, name) != value]
    if new:
        register.change(tx, runtime.vault, before.id, {name: wanted[name] for name in new})
    if disabled is not None and easing.mark(tx, before.id, disabled=disabled):
        new.append("disabled")
    if new:
        said = f"citizen {before.id} {' '.join(new)}"
        audit.record(tx, runtime.vault, runtime.clock(), actor, "citizen.correct", said)
    return new


def _wanted(runtime: Runtime, values: Mapping[str, str]) -> Mapping[str, str]:
    try:
        typed = {name: value for name, value in values.items() if name != "district"}
        wanted: dict[str, str] = _Values().load(typed)
    except ValidationError as error:
        name, words = next(iter(problems(error).items()))
        raise WrongError(f"{name}: {words.en}") from None
    district = _district(runtime, values)
    return {**wanted, "district": district} if district else wanted


def _district(runtime: Runtime, values: Mapping[str, str]) -> str:
    """The district's code; "" leaves it. Notices to a district go by it, so no address comes without."""
    given = values.get("district", "" if "address" in values else UNCHANGED)
    known = cities.of(runtime).rules_now(runtime.clock()).districts.values()
    if given == UNCHANGED:
        return ""
    for one in known:
        if given in (one.code, one.name):
            return one.code
    there = ", ".join(f"{one.code} {one.name}" for one in known)
    raise WrongError(f"district: Say where the address is: {there}; or {UNCHANGED}, also outside the city.")
