"""What a call is about, while work is done for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.transactions import store
from gateway.transactions.devices import Device
from gateway.transactions.engine import Result
from gateway.transactions.store import Transaction

T = TypeVar("T")


@dataclass(slots=True)
class Matter:
    """A call's transaction, in the caller's commit; ``lanes`` are woken after it.

    ``proven`` is the transaction this call gave a code for: to have looked one up is
    not enough to act on it. ``known`` is the one all of whose proof was given in this
    call; ``device`` is where it comes from, ``caller`` the number it shows ("" for none).
    """

    tx: Connection
    runtime: Runtime
    key: UUID | None = None
    proven: UUID | None = None
    known: UUID | None = None
    device: Device | None = None
    caller: str = ""
    lanes: set[str] = field(default_factory=set)

    def transaction(self) -> Transaction | None:
        return store.load(self.tx, self.runtime, self.key, hold=True) if self.key else None

    def keep(self, result: Result[T]) -> tuple[T, Transaction]:
        """Take over what came of a step of the engine."""
        self.key = result.transaction.id
        self.lanes |= result.lanes
        return result.value, result.transaction
