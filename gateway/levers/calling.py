"""People to be called or visited: who, why, since when; taken by one person at a time, and what came of it.

The list masks everybody. A number is shown in full to whoever takes it or says why, and that is on record.
Whoever takes a call that somebody else has is told so; it comes free by itself after a while.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import audit, cities
from gateway.broadcasts import tickets
from gateway.call_backs import doing, trying, words
from gateway.call_backs.numbers import keyed
from gateway.call_backs.trying import Again, Over, Result
from gateway.citizens import register
from gateway.errors import TamperedError, UnknownNameError
from gateway.levers.accounts import WrongError
from gateway.levers.holding import NotNowError
from gateway.notifications.status import Status
from gateway.runtime import Runtime
from gateway.security import mask_mobile, mask_name
from gateway.transactions import call_backs, outcome, promises, registry, store
from gateway.transactions.store import Transaction, transactions

SHOWN = 100  # of a list at once
CALL = "call"  # why somebody looks: to call now, which takes it
WHYS = (CALL, "visit", "check")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits. ``name`` is masked; ``number`` is not, and is masked by whoever shows it.

    ``reference`` is the transaction's, or the name of the broadcast that ``tried`` in vain, as pairs of a
    channel and a status. ``due``: their turn has come; ``late``: the promise is over. ``taken_by`` is who
    calls now. ``matter`` is what it is about, where they said so.
    """

    id: UUID
    kind: str
    name: str
    number: str
    reference: str
    since: datetime
    call_from: datetime
    call_by: datetime | None
    tries: int
    last: str | None
    due: bool
    late: bool
    taken_by: str | None
    matter: str = ""
    tried: Sequence[tuple[str, Status]] = ()

    @property
    def mobile(self) -> str:
        """The number as it stands in the list."""
        return mask_mobile(self.number)


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a try: tried again at, or over; the lanes to wake after commit."""

    id: UUID
    kind: str
    result: str
    again_at: datetime | None
    reached: bool
    lanes: set[str]


# --- to look at ------------------------------------------------------------------------------


def listed(tx: Connection, runtime: Runtime, limit: int = SHOWN) -> list[Waiting]:
    """The open ones in the order they are called in; a few queries for all."""
    now = runtime.clock()
    return _shown(tx, runtime, call_backs.open_ones(tx, limit, now))


def one(tx: Connection, runtime: Runtime, key: UUID) -> Waiting:
    """One that is open, held; ``UnknownNameError`` for any other."""
    row = call_backs.held(tx, key)
    if row is None:
        raise UnknownNameError("Nobody waits to be called under this id. See the list for those who do.")
    return _shown(tx, runtime, [row])[0]


def _shown(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> list[Waiting]:
    asked = [row for row in rows if row.broadcast_id is None]
    who = {**_wishes(tx, runtime, asked), **_tickets(tx, runtime, [row for row in rows if row.broadcast_id])}
    now = runtime.clock()
    return [
        Waiting(
            id=row.id,
            kind=row.kind,
            since=row.created_at,
            call_from=row.call_from,
            call_by=row.call_by,
            tries=row.tries,
            last=row.last,
            due=row.call_from <= now,
            late=row.call_by is not None and row.call_by <= now,
            taken_by=row.taken_by if row.taken_until and row.taken_until > now else None,
            **who[row.id],
        )
        for row in rows
    ]


def _wishes(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, dict[str, Any]]:
    """Who asked for it, and in which transaction; a number that was given comes before a registered one."""
    citizens = [row.citizen_id for row in rows if row.citizen_id]
    who = register.people(tx, runtime.vault, citizens)
    mobiles = register.addresses(tx, runtime.vault, "mobile", citizens)
    about = _about(tx, [row.transaction_id for row in rows])
    found = {}
    for row in rows:
        mine = about.get(row.transaction_id)
        given = _given(runtime, mine) if mine and row.number_index else {}
        found[row.id] = {
            "name": "" if _is_discreet(mine) else _masked(who.get(row.citizen_id)),
            "number": given.get("number") or mobiles.get(row.citizen_id, ""),
            "reference": mine.reference if mine else "",
            "matter": given.get("matter", ""),
        }
    return found


def _masked(person: register.Person | None) -> str:
    return mask_name(person.name) if person else ""


def _is_discreet(about: Row[Any] | None) -> bool:
    """Whether a list says nobody's name: whose a report is, whoever takes the call learns by calling."""
    return about is not None and registry.get(about.type).discreet


def _about(tx: Connection, keys: Sequence[UUID]) -> Mapping[UUID, Row[Any]]:
    if not keys:
        return {}
    return {row.id: row for row in tx.execute(select(transactions).where(transactions.c.id.in_(keys)))}


def _given(runtime: Runtime, row: Row[Any]) -> Mapping[str, str]:
    try:
        return store.answers(runtime, row)
    except TamperedError:  # it can still be closed
        return {}


def _tickets(tx: Connection, runtime: Runtime, rows: Sequence[Row[Any]]) -> dict[UUID, dict[str, Any]]:
    """Whom a broadcast did not reach, which one, and what it tried."""
    return (
        {
            key: {"name": it.name, "number": it.number, "reference": it.about, "tried": it.tried}
            for key, it in tickets.told(tx, runtime, rows).items()
        }
        if rows
        else {}
    )


# --- to take and to call ---------------------------------------------------------------------


def opened(tx: Connection, runtime: Runtime, key: UUID, why: str, actor: str) -> tuple[Waiting, set[str]]:
    """The number in full, for a reason that is on record; to call now takes it. And the lanes to wake."""
    if why not in WHYS:
        raise WrongError(f"why must be one of {', '.join(WHYS)}: it is kept with your name")
    if why == CALL:
        return take(tx, runtime, key, actor)
    found = one(tx, runtime, key)
    _record(tx, runtime, actor, "number", f"{why} {key}")
    return found, set()


def take(tx: Connection, runtime: Runtime, key: UUID, actor: str) -> tuple[Waiting, set[str]]:
    """This person calls now, and nobody else; whoever asked can see it. Taking it again is no second call."""
    about = call_backs.about(tx, runtime, key)
    found = one(tx, runtime, key)
    if found.taken_by and found.taken_by != actor:
        raise NotNowError(f"{found.taken_by} is calling them now. Take the next one.")
    call_backs.take(tx, runtime, key, actor)
    _record(tx, runtime, actor, "taken", str(key))
    lanes = set()
    if about and _is_shown(about, found) and about.row.stage in (words.WAITING, words.CALLING):
        lanes = outcome.move(tx, runtime, about, doing.taken(about.view(runtime.clock())), "call_taken")
    return found, lanes


def tried(tx: Connection, runtime: Runtime, key: UUID, result: Result, actor: str) -> Came:
    """What came of the call: another is due, or it is over, and whoever asked is told what they must know."""
    about, now = call_backs.about(tx, runtime, key), runtime.clock()
    found = one(tx, runtime, key)
    if found.taken_by and found.taken_by != actor:
        raise NotNowError(f"{found.taken_by} is calling them now. Ask them what came of it.")
    if result not in trying.ENDING and not found.taken_by and not found.due:  # said twice: one call was made
        return Came(key, found.kind, result, found.call_from, reached=False, lanes=set())
    rules = about.rules if about else cities.of(runtime).rules_now(now)
    then = trying.after(result, found.tries + 1, rules, now)
    again_at = then.at if isinstance(then, Again) else None
    reached = isinstance(then, Over) and then.reached
    call_backs.tried(tx, runtime, key, result, again_at, reached=reached)
    _record(tx, runtime, actor, "done" if reached else "tried", f"{result} {key}")
    lanes = _say(tx, runtime, about, found, result, then) if about else set()
    return Came(key, found.kind, result, again_at, reached, lanes)


def _say(
    tx: Connection, runtime: Runtime, about: Transaction, it: Waiting, result: Result, then: Again | Over
) -> set[str]:
    if _is_shown(about, it):
        promises.kept(tx, runtime, about.id, doing.PROMISE, runtime.clock())
        view = about.view(runtime.clock())
        return outcome.move(tx, runtime, about, doing.tried(view, result, then, it.tries + 1), "call_tried")
    if isinstance(then, Over) and then.reached:
        call_backs.say_done(tx, runtime, about, it.kind)
    return set()


def _is_shown(about: Transaction, it: Waiting) -> bool:
    """Whether the transaction is the call's own: its stage then says how the call stands."""
    return about.row.type == doing.KIND and it.kind == doing.KIND


def _record(tx: Connection, runtime: Runtime, actor: str, what: str, subject: str) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"call_back.{what}", subject)


def dialled(it: Waiting) -> str:
    """A number as whoever calls keys it."""
    return keyed(it.number) if it.number.startswith("+86") else it.number
