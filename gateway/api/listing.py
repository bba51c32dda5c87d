"""A service's notifications, the newest first, a page at a time.

A page ends at a notification; the next begins after it in the order of (time, id). Whatever is
taken meanwhile stands before that place: nothing is passed over, nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select, tuple_

from gateway.api.standing_schemas import KINDS
from gateway.delivery.ends import MISSED
from gateway.delivery.store import attempts
from gateway.notifications.notify_words import PERMANENT, STATUS
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.services.auth import Caller

PAGE = 250
PATH = "/v2/notifications"
_columns = notifications.c


def mine(caller: Caller) -> ColumnElement[bool]:
    """What the caller may see: its service's own, asked for with the same type of key."""
    return and_(_columns.service_id == caller.service_id, _columns.key_type == caller.key.type)


def page(tx: Connection, caller: Caller, wanted: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The page asked for; an unknown ``older_than`` has nothing after it."""
    kinds = wanted.get("template_type") or KINDS
    where = [mine(caller), _columns.channel.in_(kinds)]
    if words := wanted.get("status"):
        where.append(or_(*map(_stands, dict.fromkeys(words))))
    if reference := wanted.get("reference"):
        where.append(_columns.reference == reference)
    if older_than := wanted.get("older_than"):
        place = _place(tx, caller, older_than)
        if place is None:
            return ()
        where.append(tuple_(_columns.created_at, _columns.id) < tuple_(*place))
    newest_first = (_columns.created_at.desc(), _columns.id.desc())
    return tx.execute(select(notifications).where(*where).order_by(*newest_first).limit(PAGE)).all()


def _place(tx: Connection, caller: Caller, key: UUID) -> Any:
    query = select(_columns.created_at, _columns.id).where(_columns.id == key, mine(caller))
    return tx.execute(query).one_or_none()


def links(here: str, given: Sequence[tuple[str, str]], last: UUID | None) -> dict[str, str]:
    """This page's address, and that of the one after ``last``; where a page begins stands first.

    ``here`` is where such pages are, ``given`` what was asked for.
    """
    rest = [(name, value) for name, value in given if name != "older_than"]
    begun = [(name, value) for name, value in given if name == "older_than"]
    found = {"current": _link(here, [*begun, *rest])}
    return found | ({"next": _link(here, [("older_than", str(last)), *rest])} if last else {})


def _link(here: str, pairs: Sequence[tuple[str, str]]) -> str:
    query = urlencode(pairs, errors="replace")
    return f"{here}{'?' if query else ''}{query}"


# --- Notify's statuses in the words of our rows ---------------------------------------------------------

_cause = (
    select(attempts.c.cause)
    .where(attempts.c.notification_id == _columns.id, attempts.c.cause.is_not(None))
    .order_by(attempts.c.started_at.desc(), attempts.c.handover.desc())
    .limit(1)
    .correlate(notifications)
    .scalar_subquery()
)
_permanent = and_(_columns.status.in_(MISSED), func.coalesce(_cause, _columns.reason, "").in_(PERMANENT))
_FAILURES = (Status.SUPPRESSED, Status.UNDELIVERED, Status.EXPIRED, Status.FAILED)


def _stands(word: str) -> ColumnElement[bool]:
    """Which rows ``delivery.ends`` would call so."""
    if word == "failed":
        return _columns.status.in_(_FAILURES)
    ours = [status for status, theirs in STATUS.items() if theirs == word]
    so = _columns.status.in_(ours) if ours else false()
    if word == "permanent-failure":
        return or_(so, _permanent)
    return and_(so, ~_permanent) if any(status in MISSED for status in ours) else so
