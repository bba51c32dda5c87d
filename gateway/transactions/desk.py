"""What a type that works in our own database is given instead of a back office."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Desk:
    """The caller's transaction, so that what the type does is part of that commit, and the Runtime.

    ``face`` is where somebody acts on what has ended ("": nobody does).
    """

    tx: Connection
    runtime: Runtime
    face: str = ""
