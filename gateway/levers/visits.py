"""Visits to people's homes: who waits, a day agreed on, made, or refused with what helps. On record.

A visit is known by the reference of the transaction it was asked for in. Each step is told to the
citizen in the same commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from gateway import audit
from gateway.citizens import register
from gateway.errors import HuiyinError, TamperedError, UnknownNameError
from gateway.pensions import situation, visits
from gateway.pensions.visits import ARRANGED, PARTS, REFUSALS, REFUSED, VISITED, WAITING
from gateway.runtime import Runtime
from gateway.security import mask_mobile, mask_name
from gateway.transactions import call_backs, outcome, store
from gateway.transactions.call_backs import DONE, OPEN, WITHDRAWN
from gateway.transactions.model import Changed
from gateway.transactions.store import Transaction

KIND = "home_visit"
SHOWN, LOOKED_AT = 200, 2000
LONGEST = timedelta(days=90)  # who waits longer has asked again, or is on no list


class VisitError(HuiyinError):
    """This cannot be done with this visit now."""


def waiting(tx: Connection, runtime: Runtime) -> Sequence[dict[str, Any]]:
    """The visits that were asked for and not made, longest waiting first, masked; a few queries for all.

    The call before it is one of all calls; whoever was called and has no day yet waits here still.
    """
    columns, about = call_backs.call_backs.c, store.transactions
    wished = select(columns.transaction_id).where(
        columns.kind == KIND,
        columns.state != WITHDRAWN,
        columns.created_at > runtime.clock() - LONGEST,
    )
    query = select(about).where(about.c.id.in_(wished)).order_by(about.c.created_at)
    every = tx.execute(query.limit(LOOKED_AT)).all()
    seen = [(row, _situation(runtime, row)) for row in every]
    rows = [(row, s) for row, s in seen if s and visits.stage(s) in WAITING][:SHOWN]
    keys = [row.citizen_id for row, _ in rows]
    people = register.people(tx, runtime.vault, keys)
    mobiles = register.addresses(tx, runtime.vault, "mobile", keys)
    found = []
    for row, s in rows:
        one, mobile = people.get(row.citizen_id), mobiles.get(row.citizen_id, "")
        found.append(
            {
                "reference": row.reference,
                "stage": visits.stage(s),
                "name": mask_name(one.name) if one else "*",
                "mobile": mask_mobile(mobile) if mobile else "",
                "call_by": s.home_visit.isoformat() if s.home_visit else "",
                "visit_on": s.visit_on.isoformat() if s.visit_on else "",
                "part": s.visit_part,
            }
        )
    return found


def _situation(runtime: Runtime, row: Row[Any]) -> situation.Situation | None:
    """How it stands; None where it cannot be opened, so that the others can still be visited."""
    try:
        return situation.of(store.opened(runtime, row).view(runtime.clock()))
    except TamperedError:
        return None


def arrange(tx: Connection, runtime: Runtime, reference: str, day: date, part: str, actor: str) -> set[str]:
    """Agreed on with the citizen; again for another day. Returns the lanes to wake."""
    it = _found(tx, runtime, reference)
    if part not in PARTS:
        raise VisitError(f"part is am or pm, or left out, not {part!r}.")
    today = runtime.clock().astimezone(it.rules.zone).date()
    if day < today:
        raise VisitError(f"{day} is over; name a day to come.")
    facts = {"visit_on": day.isoformat(), "visit_part": part}
    if visits.stage(situation.of(it.view(runtime.clock()))) == ARRANGED and facts.items() <= it.facts.items():
        return set()  # said twice: they were told
    return _go(tx, runtime, it, ARRANGED, facts, actor)


def made(tx: Connection, runtime: Runtime, reference: str, actor: str) -> set[str]:
    """Somebody was there."""
    it = _found(tx, runtime, reference)
    today = runtime.clock().astimezone(it.rules.zone).date().isoformat()
    return _go(tx, runtime, it, VISITED, {"visited_on": today}, actor)


def refuse(tx: Connection, runtime: Runtime, reference: str, reason: str, actor: str) -> set[str]:
    """Nobody comes: the citizen is told why, and what to do instead."""
    if reason not in REFUSALS:
        raise VisitError(f"reason is one of {', '.join(REFUSALS)}, not {reason!r}.")
    it = _found(tx, runtime, reference)
    return _go(tx, runtime, it, REFUSED, {"visit_refused": reason}, actor)


_TOLD = {ARRANGED: "visit_arranged", REFUSED: "visit_refused"}  # who was visited knows
_CLOSES = {ARRANGED: DONE, VISITED: DONE, REFUSED: WITHDRAWN}  # nobody need call any more


def _found(tx: Connection, runtime: Runtime, reference: str) -> Transaction:
    found = store.find(tx, runtime, reference)
    if found is None:
        raise UnknownNameError("No matter has this reference. It has 14 digits; compare them.")
    return store.load(tx, runtime, found.id, hold=True)


def _go(
    tx: Connection, runtime: Runtime, it: Transaction, after: str, facts: Mapping[str, str], actor: str
) -> set[str]:
    s = situation.of(it.view(runtime.clock()))
    if not visits.may(s, after):
        raise VisitError(
            f"This visit is {visits.stage(s) or 'not asked for'}: it cannot be {after} now. "
            "See gateway home-visits list."
        )
    now = {**it.facts, **facts}
    lanes = outcome.move(
        tx, runtime, it, Changed(it.row.stage, now, _TOLD.get(after), it.row.due_at), f"visit_{after}"
    )
    if after in _CLOSES:
        columns = call_backs.call_backs.c
        mine = (columns.transaction_id == it.id) & (columns.kind == KIND) & (columns.state == OPEN)
        values = {"state": _CLOSES[after], "done_at": runtime.clock()}
        tx.execute(update(call_backs.call_backs).where(mine).values(**values))
    audit.record(tx, runtime.vault, runtime.clock(), actor, f"home_visit.{after}", it.row.reference)
    return lanes
