"""The end of a call: who hung up before theirs was done is told how to go on."""

from __future__ import annotations

import structlog

from gateway.errors import HuiyinError
from gateway.notifications.request import Class
from gateway.phone.matter import Matter
from gateway.transactions import messages, store
from gateway.transactions.model import OPEN

HUNG_UP = "hung_up"
UNFINISHED = "unfinished"  # the message to whoever hung up before the end
log = structlog.get_logger()


def leave(matter: Matter) -> None:
    """The call is over: who has proven who they are and not finished is told how to go on, once."""
    transaction = matter.transaction()
    if transaction is None or transaction.state not in OPEN or not transaction.row.proof:
        return
    if any(line.event == HUNG_UP for line in store.events(matter.tx, transaction.id)):
        return  # nobody who merely looks it up can have its citizen written to again and again
    people = messages.recipients(matter.tx, matter.runtime, transaction)
    if not people:
        return
    store.note(matter.tx, matter.runtime, transaction.id, HUNG_UP)
    values = {"reference": transaction.row.reference}
    try:
        for citizen in people:  # one, or who helps as well
            matter.lanes |= messages.notify(
                matter.tx, matter.runtime, transaction, citizen, UNFINISHED, Class.RESULT, values
            )
    except HuiyinError as error:  # a text that is missing must not undo the end of the call
        log.error("text_unusable", type=transaction.row.type, wanted=UNFINISHED, error=str(error))  # noqa: TRY400
