"""How a work order stands: its stages, what is kept of the platform's answer, what is promised. Pure.

Nothing of who works on it or is complained of is ever read: what is kept is what is named here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from gateway.rules.model import Rules
from gateway.transactions.model import Case, Promised, Stage, View, Words
from gateway.transactions.promise import clock
from gateway.work_order_rules import Answered

REGISTERED, DISPATCHED, SIGNED, SENT_BACK = "registered", "dispatched", "signed", "sent_back"
PROCESSING, EXTENSION = "processing", "extension_requested"
REPLIED, RETURN_VISIT, EVALUATED, ARCHIVED = "replied", "return_visit", "evaluated", "archived"
WITHDRAWING, WITHDRAWN, REOPENING, ADDED = "withdrawing", "withdrawn", "reopening", "added"
NOT_MOVED = (REGISTERED, DISPATCHED, SIGNED, SENT_BACK)  # nobody has begun to work on it
UNDER_WAY = (*NOT_MOVED, PROCESSING, EXTENSION)
ANSWERED = (REPLIED, RETURN_VISIT, EVALUATED, ARCHIVED)
PROMISE = "reply"  # the kind of its promise
CALLED = "return_visit_done"  # the fact with the day of the call that a bad grade is owed
NOT_DONE, WHY_NOT = "not_done", "why_not"  # the facts of a wish the platform refused
SOONEST = timedelta(seconds=2)
SHARE = 4  # asked again after a quarter of the time it has stood so: soon at first, then seldom
LONGEST_REPLY = 300  # characters
_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}[Xx]?")  # of an ID card or a telephone, however it is written
_ANY = (*UNDER_WAY, *ANSWERED, WITHDRAWN)

# Desks pass it to and fro, and what was answered may be taken up anew. Only two stages are ends.
STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有提交", "not handed in yet"), (*_ANY, ADDED)),
    REGISTERED: Stage(Words("已登记", "registered"), (*_ANY, WITHDRAWING)),
    DISPATCHED: Stage(Words("已转给承办部门", "sent to the office in charge"), (*_ANY, WITHDRAWING)),
    SIGNED: Stage(Words("承办部门已签收", "taken by the office"), (*_ANY, WITHDRAWING)),
    SENT_BACK: Stage(Words("正在转给别的部门", "being sent to another office"), (*_ANY, WITHDRAWING)),
    PROCESSING: Stage(Words("正在办理", "being worked on"), (*_ANY, WITHDRAWING)),
    EXTENSION: Stage(Words("正在办理，申请了延期", "worked on, more time asked for"), (*_ANY, WITHDRAWING)),
    REPLIED: Stage(Words("已答复", "answered"), (*_ANY, REOPENING)),
    RETURN_VISIT: Stage(Words("已答复，已回访", "answered, and asked about it"), (*_ANY, REOPENING)),
    EVALUATED: Stage(Words("已评价", "evaluated"), (*_ANY, REOPENING)),
    ARCHIVED: Stage(Words("已办结归档", "closed"), (*_ANY, REOPENING)),
    REOPENING: Stage(Words("正在申请重办", "to be taken up anew"), _ANY),
    WITHDRAWING: Stage(Words("正在撤回", "being withdrawn"), _ANY),
    WITHDRAWN: Stage(Words("已撤回", "withdrawn")),
    ADDED: Stage(Words("已补充到原来的工单", "added to the work order")),
}


class Order(Protocol):
    """A work order as the platform describes it; no more than this is asked for."""

    @property
    def state(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def replied_at(self) -> datetime | None: ...
    @property
    def extension(self) -> str | None: ...
    @property
    def reopened_at(self) -> datetime | None: ...
    @property
    def grade(self) -> int | None: ...
    @property
    def parts(self) -> frozenset[str]: ...
    @property
    def reply(self) -> str: ...


# --- what is kept ------------------------------------------------------------------------------


def is_confidential(kind: str, rules: Rules) -> bool:
    """Whether the platform is not told who asks, and no text says what it is about."""
    return kind in rules.work_order.confidential


def quiet(facts: Mapping[str, str]) -> bool:
    return bool(facts.get("confidential"))


def facts_begun(case: Case) -> dict[str, str]:
    """What is kept of one handed in just now."""
    began = (case.submitted_at or case.now).isoformat()
    kind = case.answers["kind"]
    facts = {"kind": kind, "confidential": "1" if is_confidential(kind, case.rules) else "", "made_at": began}
    facts |= dict.fromkeys(("extension", "answered_at", "reopened_at", "replied_at", "reply"), "")
    return {**facts, **due(facts, case.rules)}


def facts_of(it: Order, case: Case, before: Mapping[str, str]) -> dict[str, str]:
    """What is kept of the platform's answer, beside what was kept before.

    ``answered_at`` is the first answer, ``replied_at`` the one of the round it is in: a platform may
    go on showing the one before.
    """
    facts = {**facts_begun(case), **before, "extension": it.extension or ""}
    facts["reopened_at"] = before.get("reopened_at") or _written(it.reopened_at)
    began = it.reopened_at or _moment(facts["reopened_at"])
    in_this_round = it.replied_at is not None and (began is None or it.replied_at > began)
    facts["replied_at"] = _written(it.replied_at) if in_this_round else ""
    if not facts["reopened_at"]:
        facts["answered_at"] = facts["replied_at"]
    facts["reply"] = noted(it.reply) if in_this_round and not quiet(facts) else ""
    return {**facts, **due(facts, case.rules)}


def noted(text: str) -> str:
    """What the office wrote, as it is shown to the citizen: one line, and no numbers of anybody's."""
    return _NUMBER.sub("******", " ".join(text.split()))[:LONGEST_REPLY]


def due(facts: Mapping[str, str], rules: Rules) -> dict[str, str]:
    """The last day of the round it is in, by the calendar as it now is."""
    rule = rules.work_order.answered(facts["kind"])
    began = datetime.fromisoformat(facts.get("reopened_at") or facts["made_at"])
    found = clock(began, _amount(rule, facts), rule.unit, rules.calendar, rules.zone)
    return {"due": found.due_on.isoformat(), "provisional": "1" if found.provisional else ""}


def _amount(rule: Answered, facts: Mapping[str, str]) -> int:
    return rule.extended if facts.get("extension") else rule.amount


def _written(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


# --- what is promised --------------------------------------------------------------------------


def promised(view: View) -> Sequence[Promised]:
    """An answer in the first round, and another in the second where it was taken up anew."""
    facts = view.facts
    if not facts.get("made_at"):
        return ()
    rule, over = view.rules.work_order.answered(facts["kind"]), view.stage == WITHDRAWN
    first, again = _moment(facts["made_at"]), _moment(facts.get("reopened_at", ""))
    replied, answered = _moment(facts.get("replied_at", "")), _moment(facts.get("answered_at", ""))
    amount = _amount(rule, facts)
    if again is None:
        return [Promised(PROMISE, amount, rule.unit, first or view.created_at, replied, dropped=over)]
    before = Promised(PROMISE, rule.amount, rule.unit, first or view.created_at, answered or again)
    return [before, Promised(PROMISE, amount, rule.unit, again, replied, dropped=over)]


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def look_again(it_stage: str, since: datetime, now: datetime, rules: Rules) -> datetime | None:
    """When the platform is asked again how one stands; None for one that is over."""
    if it_stage in (WITHDRAWN, ADDED, ARCHIVED):
        return None
    if it_stage in (REPLIED, RETURN_VISIT):
        return now + timedelta(days=rules.work_order.follow_days)
    pause = max(SOONEST, (now - since) / SHARE)
    return now + min(pause, timedelta(minutes=rules.work_order.look_minutes))
