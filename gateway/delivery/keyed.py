"""Keys pressed in a call: which of our messages that call spoke."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, select

from gateway.channels import voice
from gateway.delivery.store import attempts
from gateway.providers import Inbound
from gateway.runtime import Runtime


def calls(tx: Connection, runtime: Runtime, said: Iterable[Inbound]) -> dict[tuple[str, str], UUID]:
    """By hand-over and address, the notifications these keys belong to; one query."""
    wanted = {(one.handover, one.address) for one in said if one.handover}
    if not wanted:
        return {}
    columns = attempts.c
    query = select(columns.handover, columns.address_index, columns.notification_id)
    known = {
        (row.handover, row.address_index): row.notification_id
        for row in tx.execute(query.where(columns.handover.in_({handover for handover, _ in wanted})))
    }
    indexed = {(one, address): (one, runtime.vault.index(voice.ADDRESS, address)) for one, address in wanted}
    return {key: known[place] for key, place in indexed.items() if place in known}
