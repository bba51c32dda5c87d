"""Which service a text somebody sent us is for.

That of the number it was sent to. Else whoever wrote to this person last, through the API and with
a key that really sends, within some days: people answer the newest message they have. Else nobody:
it is the house's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from gateway.channels import sms
from gateway.delivery.store import attempts
from gateway.notifications.request import TEST
from gateway.notifications.store import notifications
from gateway.providers import Inbound
from gateway.rows import one_of
from gateway.runtime import Runtime
from gateway.services import senders

ANSWERED_FOR = timedelta(days=7)  # after its message went out


def owners(
    tx: Connection, runtime: Runtime, said: Iterable[tuple[str, Inbound]]
) -> dict[tuple[str, str], UUID]:
    """By provider and its id, the service each of these texts is for; keys of a call are nobody's."""
    texts = [(name, one) for name, one in said if not one.handover and _is_text(runtime, name)]
    if not texts:
        return {}
    numbers = {one.to for _, one in texts if one.to}
    mine = senders.owners(tx, runtime.vault, numbers)
    others = [one.address for _, one in texts if not mine.get(one.to)]
    wrote = _last_writers(tx, runtime, sorted(set(others)), runtime.clock() - ANSWERED_FOR)
    found = {(name, one.id): mine.get(one.to) or wrote.get(one.address) for name, one in texts}
    return {key: service for key, service in found.items() if service}


def _is_text(runtime: Runtime, provider: str) -> bool:
    return runtime.providers[provider].channel == sms.SUFFIX


def _last_writers(
    tx: Connection, runtime: Runtime, addresses: Sequence[str], since: datetime
) -> dict[str, UUID]:
    """The service whose text went to each of these last; where the last was the house's own, none."""
    if not addresses:
        return {}
    of = {runtime.vault.index(sms.ADDRESS, address): address for address in addresses}
    tried, message = attempts.c, notifications.c
    query = select(tried.address_index, message.service_id, message.key_type).join(
        notifications, message.id == tried.notification_id
    )
    lately = query.where(one_of(tx, tried.address_index, sorted(of)), tried.started_at > since)
    found: dict[str, UUID | None] = {}
    for row in tx.execute(lately.order_by(tried.started_at, tried.handover)):
        if row.key_type != TEST:
            found[of[row.address_index]] = row.service_id
    return {address: service for address, service in found.items() if service}
