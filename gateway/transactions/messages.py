"""What a transaction says to its citizen: one notification for each event and channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from gateway.channels import sms
from gateway.citizens import register
from gateway.citizens.register import Citizen
from gateway.content import store as content
from gateway.content.store import FALLBACK_LANGUAGE
from gateway.notifications import store as notifications
from gateway.notifications.request import Class, Request
from gateway.runtime import Runtime
from gateway.transactions import anonymous, helping, registry
from gateway.transactions.store import SYSTEM, Transaction

CHANNEL, BESIDE = "sms", "email"
PATIENT = timedelta(minutes=5)  # so long somebody waits at the page or the telephone for the result


def tell(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    event: str,
    more: Mapping[str, str] | None = None,
    asked: Transaction | None = None,
) -> set[str]:
    """Take the message of one event to the citizen; returns the lanes to wake.

    ``more`` are values beside the type's own. Who has an e-mail address gets the
    event there as well, where the type has a text for it; who acted for the citizen is told too,
    and the new mobile of ``asked`` (this one, unless it is open again).
    """
    people = recipients(tx, runtime, transaction)
    number = anonymous.mobile(transaction)
    if not people and number is None:
        return set()
    personalise = registry.get(transaction.row.type).personalise
    values = {**personalise(transaction.view(runtime.clock())), **(more or {})}
    by_email = any(one.has_email for one in people) and runtime.weights(BESIDE)
    beside = by_email and content.exists(tx, _template(transaction, event), BESIDE)
    requests = [
        _request(runtime, transaction, one, event, Class.RESULT, values, channel)
        for channel in (CHANNEL, BESIDE)
        for one in people
        if channel == CHANNEL or (beside and one.has_email)
    ]
    if number := number or _new_mobile(runtime, asked or transaction, people):
        requests.append(_request(runtime, transaction, None, event, Class.RESULT, values, CHANNEL, number))
    return notifications.take(tx, runtime, requests)


def _new_mobile(runtime: Runtime, asked: Transaction, people: Sequence[Citizen]) -> str | None:
    """The new mobile, once it gave its code back: whoever asks for it may not have the old one any more."""
    if not asked.row.confirmed:
        return None
    new = registry.get(asked.row.type).confirms(asked.case(runtime.clock()))
    known = [one.mobile for one in people]
    return new if new and sms.is_mobile(new) and new not in known else None


def recipients(tx: Connection, runtime: Runtime, transaction: Transaction) -> Sequence[Citizen]:
    """Who is told of it: who acted for the citizen, and the citizen, unless that is a child.

    Whoever left the register is not told, nor anybody before the citizen is proven. Of an
    anonymous one nobody is: its messages go to a number.
    """
    row = transaction.row
    if anonymous.is_one(transaction):
        return []
    citizen = register.find(tx, runtime.vault, transaction.answers["id_number"])
    if citizen is None or citizen.id != row.citizen_id:
        return []
    helper = register.by_id(tx, runtime.vault, row.helper_id) if row.helper_id else None
    if helper is None:
        return [citizen]
    return [helper] if helping.child(transaction) else [citizen, helper]


def notify(
    tx: Connection,
    runtime: Runtime,
    transaction: Transaction,
    citizen: Citizen | None,
    event: str,
    klass: Class,
    values: Mapping[str, str],
    address: str | None = None,
) -> set[str]:
    """Take a text message of this transaction; without citizen and address it is suppressed at its end."""
    request = _request(runtime, transaction, citizen, event, klass, values, CHANNEL, address)
    return notifications.take(tx, runtime, [request])


def _template(transaction: Transaction, event: str) -> str:
    return f"{transaction.row.type}/{event}"


def _is_waited_for(runtime: Runtime, transaction: Transaction) -> bool:
    """Whether the citizen still sits there: after an outage a thousand results must not overtake codes."""
    row = transaction.row
    if row.face == SYSTEM or row.submitted_at is None:
        return False
    waited: timedelta = runtime.clock() - row.submitted_at
    return waited <= PATIENT


def _request(
    runtime: Runtime,
    transaction: Transaction,
    citizen: Citizen | None,
    event: str,
    klass: Class,
    values: Mapping[str, str],
    channel: str,
    address: str | None = None,
) -> Request:
    return Request(
        citizen_id=citizen.id if citizen else None,
        channel=channel,
        klass=klass,
        template=_template(transaction, event),
        language=citizen.language if citizen else FALLBACK_LANGUAGE,
        personalisation=values,
        transaction_id=transaction.id,
        address=address,
        asks=registry.get(transaction.row.type).asks.get(event) if channel == CHANNEL else None,
        waited_for=channel == CHANNEL and _is_waited_for(runtime, transaction),
    )
