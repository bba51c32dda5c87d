"""Those of a broadcast whom no rung has reached so far, and no replay either: each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, exists, select

from gateway import channels
from gateway.broadcasts.audience import Addressee, Page, Span, nameless
from gateway.broadcasts.definition import Definition
from gateway.broadcasts.ladder import CALL_BACK, Rung
from gateway.citizens.register import citizens
from gateway.content.store import FALLBACK_LANGUAGE
from gateway.errors import TamperedError
from gateway.notifications.questions import questions
from gateway.notifications.reasons import Reason
from gateway.notifications.status import Status
from gateway.notifications.store import notifications, personalisation
from gateway.notifications.suppression import DEAD_ADDRESS
from gateway.runtime import Runtime

# Delivered ones were reached; cancelled and suppressed ones were left alone on purpose, but for NOWHERE.
UNREACHED = (Status.UNDELIVERED, Status.EXPIRED, Status.FAILED, Status.ACCEPTED, Status.UNKNOWN)
ON_ITS_WAY = (Status.WAITING, Status.SENDING)  # by the deadline a message that is late has reached nobody
NOWHERE = (Reason.NO_ADDRESS, DEAD_ADDRESS)  # why one was suppressed: no wish of anybody's
SCAN = 5_000  # first messages looked at in one go: few of them may be wanted


def page(
    tx: Connection, runtime: Runtime, row: Any, definition: Definition, span: Span, scan: int = SCAN
) -> Page:
    """The next people not reached, and old enough for the present rung, by their first messages."""
    first = _first_messages(row.id, span.after)
    edge: UUID | None = UUID(span.upto) if span.upto else None
    if span.size:
        ids = select(notifications.c.id).where(*first).order_by(notifications.c.id)
        edge = tx.execute(ids.offset(scan - 1).limit(1)).scalar()
    found = _unreached(tx, row, definition, first, edge, span.size)
    people = [_addressee(runtime, one) for one in found]
    last = found[-1].id if len(found) == span.size else edge
    return Page(people, str(last) if last else None)


def _first_messages(broadcast: UUID, after: str | None) -> list[ColumnElement[bool]]:
    columns = notifications.c
    where = [columns.broadcast_id == broadcast, columns.first_id.is_(None)]
    return [*where, columns.id > UUID(after)] if after else where


def _unreached(
    tx: Connection,
    row: Any,
    definition: Definition,
    first: list[ColumnElement[bool]],
    edge: UUID | None,
    size: int | None,
) -> Sequence[Any]:
    columns, rung = notifications.c, definition.rungs[row.stage - 1]
    later = notifications.alias("later")
    theirs = (later.c.broadcast_id == row.id) & (later.c.first_id == columns.id)
    wanted = [*first, _missed(notifications, definition, rung)]
    wanted.append(~exists().where(theirs, ~_missed(later, definition, rung)))
    if edge is not None:
        wanted.append(columns.id <= edge)
    if definition.asks:  # whoever answered was reached, whatever the receipt says
        heard = questions.c.answer.is_not(None)
        wanted.append(~exists().where(questions.c.id == columns.id, heard))
        wanted.append(~exists().where(theirs, questions.c.id == later.c.id, heard))
    if born := definition.born_before(rung):
        wanted.append(citizens.c.birth_date < born)
    query = select(
        columns.id, columns.citizen_id, columns.address, columns.personalisation, citizens.c.language
    ).select_from(notifications.outerjoin(citizens, citizens.c.id == columns.citizen_id))
    return tx.execute(query.where(*wanted).order_by(columns.id).limit(size)).all()


def _missed(messages: FromClause, definition: Definition, rung: Rung) -> ColumnElement[bool]:
    """It did not arrive; or one kind of address is none, and this rung needs another kind, or a person."""
    person = rung.channel == CALL_BACK
    statuses = (*UNREACHED, *ON_ITS_WAY) if person else UNREACHED
    kind = None if person else channels.load(rung.channel).ADDRESS
    others = [one for one in definition.channels if kind != channels.load(one).ADDRESS]
    nowhere = (messages.c.status == Status.SUPPRESSED) & messages.c.reason.in_(NOWHERE)
    return messages.c.status.in_(statuses) | (nowhere & messages.c.channel.in_(others))


def _addressee(runtime: Runtime, row: Any) -> Addressee:
    """Written to as before: the same masked name, the same address."""
    language = row.language or FALLBACK_LANGUAGE
    try:
        name = personalisation(runtime, row.id, row.personalisation).get("name", nameless(language))
        opened = row.address and runtime.vault.open("notifications.address", row.id, row.address)
    except TamperedError:
        name, opened = nameless(language), None
    return Addressee(row.citizen_id, language, name, opened or None, row.id)
