"""Writing a change into the register: who is told, what waits a day, what is kept to be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from gateway import audit
from gateway.citizens import holds, register
from gateway.citizens.register import Record
from gateway.errors import HuiyinError
from gateway.information_rules import EMAIL, MOBILE
from gateway.notifications import store as notifications
from gateway.notifications.request import Class, Request
from gateway.records import reasons, values
from gateway.records.changes import Change
from gateway.rules.model import Rules
from gateway.security import mask_name
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case

CHANNELS: Mapping[str, str] = {MOBILE: "sms", EMAIL: "email"}  # which carries the notice to the old one
MOVED = f"information_change/{reasons.MOVED}"
log = structlog.get_logger()


def write(desk: Desk, case: Case, before: Record, change: Change) -> Mapping[str, str]:
    """Put the change into the register, all in the caller's commit; returns the facts of it.

    Another mobile or e-mail address is told to whoever has the old one, and holds back for a
    while what would be done in somebody's name.
    """
    register.change(desk.tx, desk.runtime.vault, before.id, change.values)
    on_record(desk, case, before, change.item)
    facts = {**kept(before, change), **hold_back(desk, case, before, change.item)}
    _tell_the_old_one(desk, case, before, change, facts)
    return facts


def on_record(desk: Desk, case: Case, before: Record, item: str) -> None:
    """In the audit chain: whose record was changed by which transaction."""
    subject = f"citizen {before.id} transaction {case.reference}"
    audit.record(desk.tx, desk.runtime.vault, case.now, "citizen", f"citizen.change.{item}", subject)


def kept(before: Record, change: Change) -> dict[str, str]:
    """What a transaction keeps of a change to be told: the new value masked."""
    new = values.shown(change.item, change.value)
    name = mask_name(before.name)
    return {"item": change.item, "name": name, "value": new.zh, "value_en": new.en}


def hold_back(desk: Desk, case: Case, before: Record, item: str) -> dict[str, str]:
    """What gives power away must wait after this; the fact that says until when."""
    until = case.now + timedelta(hours=case.rules.information_change.hold_hours)
    if item not in HOLDING or until <= case.now:
        return {}
    holds.place(desk.tx, desk.runtime, before.id, until, f"{item}_changed")
    return {"hold_until": until.isoformat()}


HOLDING = (MOBILE, EMAIL)


def review_ends(rules: Rules, now: datetime) -> datetime:
    """When a review that begins now is to have ended."""
    days = rules.information_change.review_working_days
    return rules.calendar.add(now, days, "working_day", rules.zone).at


def _tell_the_old_one(
    desk: Desk, case: Case, before: Record, change: Change, facts: Mapping[str, str]
) -> None:
    """It may be a stranger's by now, so it is told a masked name and nothing of where the new one is."""
    runtime, channel = desk.runtime, CHANNELS.get(change.item, "")
    old = getattr(before, change.item) if channel else None
    if not old or not runtime.weights(channel):
        return
    language = register.language(desk.tx, before.id)
    said = values.values(facts, case.reference, case.rules, None)
    notice = Request(None, channel, Class.RESULT, MOVED, language, said, transaction_id=case.id, address=old)
    try:
        notifications.take(desk.tx, runtime, [notice])
    except HuiyinError as error:  # a text that is missing must not undo the change
        log.error("text_unusable", wanted=MOVED, error=str(error))  # noqa: TRY400
