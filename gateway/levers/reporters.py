"""Who handed in a work order, for whoever must know: a confidential one's platform is not told."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway import audit
from gateway.citizens import register
from gateway.errors import UnknownNameError
from gateway.levers.accounts import WrongError
from gateway.levers.holding import NotNowError
from gateway.runtime import Runtime
from gateway.security import redact_written
from gateway.transactions import store
from gateway.transactions.references import is_reference

TYPE = "work_order"
LONGEST_REASON = 80  # characters


@dataclass(frozen=True, slots=True)
class Reporter:
    """In full; ``mobile`` is "" where none is registered."""

    reference: str
    name: str
    id_number: str
    mobile: str


def reporter(tx: Connection, runtime: Runtime, reference: str, reason: str, actor: str) -> Reporter:
    """Who it was; that it was looked at, by whom and why, goes into the audit chain first.

    Raises ``WrongError`` without a reason, ``UnknownNameError`` for what is no work order or is erased,
    ``NotNowError`` for what was never handed in.
    """
    why = redact_written(reason.strip())[:LONGEST_REASON]
    if not why:
        raise WrongError("give a reason, without names or numbers of people: it is kept with your name")
    it = store.find(tx, runtime, reference) if is_reference(reference) else None
    if it is None or it.row.type != TYPE:
        raise UnknownNameError(f"There is no work order {reference!r}. Its number has 14 digits.")
    if it.row.submitted_at is None:
        raise NotNowError(f"{reference} was not handed in: it is {it.state}. There is nobody to be told of.")
    if not it.answers:
        raise UnknownNameError(f"Whoever handed in {reference} was erased at their wish; nothing is left.")
    audit.record(tx, runtime.vault, runtime.clock(), actor, "reporter.open", f"transaction {reference} {why}")
    who = register.by_id(tx, runtime.vault, it.row.citizen_id) if it.row.citizen_id else None
    mobile = who.mobile if who and who.mobile else ""
    return Reporter(reference, it.answers["name"], it.answers["id_number"], mobile)
