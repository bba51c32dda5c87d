"""Work orders (工单): a question, a complaint on conduct, a suggestion, a report on fund or employer.

What cannot be answered on the spot goes to the city's work-order platform, from desk to desk, and comes
back as an answer by a promised day (domain.md, "Work orders"). What the citizen wants of it afterwards
is written here at once and carried there by the next look.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from gateway.back_offices import AlreadyDone, Done, Refused, Silent, StepOutcome, Unavailable
from gateway.transactions import evaluations
from gateway.transactions.desk import Desk
from gateway.transactions.model import Action, Case, Changed, TransactionType, View, Words
from gateway.transactions.store import load
from gateway.work_orders import asking, standing, told, words
from gateway.work_orders.standing import (
    ADDED,
    ANSWERED,
    EVALUATED,
    NOT_DONE,
    REGISTERED,
    REOPENING,
    STAGES,
    UNDER_WAY,
    WHY_NOT,
    WITHDRAWING,
    WITHDRAWN,
    Order,
    quiet,
)
from gateway.work_orders.words import REASONS

__all__ = ["REASONS", "TYPE"]

Operated = Done | AlreadyDone | Refused | Unavailable | Silent


class Platform(Protocol):
    """What this type needs of a work-order platform."""

    def order(self, serial: str) -> Order | Unavailable | None: ...

    def register(
        self, serial: str, number: str, city: str, kind: str, text: str, who: Mapping[str, str]
    ) -> Operated: ...

    def supplement(self, serial: str, part: str, text: str) -> Operated: ...

    def withdraw(self, serial: str) -> Operated: ...

    def reopen(self, serial: str) -> Operated: ...

    def rate(self, serial: str, grade: int) -> Operated: ...


def perform(platform: Platform, case: Case) -> StepOutcome:
    """Look first: what is there is ours already. A new one of the same person is added to the old one."""
    if case.replaces:
        return _add(platform, case, str(case.replaces))
    it = platform.order(str(case.id))
    if isinstance(it, Unavailable):
        return it
    if it is not None:
        again_at = standing.look_again(it.state, it.since, case.now, case.rules)
        return Done(standing.facts_of(it, case, {}), it.state, again_at)
    facts, kind = standing.facts_begun(case), case.answers["kind"]
    who = {} if quiet(facts) else {name: case.answers[name] for name in ("id_number", "name")}
    answer = platform.register(
        str(case.id), case.reference, case.rules.division, kind, case.answers["text"], who
    )
    if not isinstance(answer, Done | AlreadyDone):
        return answer
    return Done(facts, REGISTERED, standing.look_again(REGISTERED, case.now, case.now, case.rules))


def _add(platform: Platform, case: Case, old: str) -> StepOutcome:
    """What is added to the work order this one was opened from."""
    it = platform.order(old)
    if isinstance(it, Unavailable):
        return it
    if it is None:
        return Refused("not_found")
    part = str(case.id)
    answer = Done() if part in it.parts else platform.supplement(old, part, case.answers["text"])
    if not isinstance(answer, Done | AlreadyDone):
        return answer
    kind = case.answers["kind"]
    quietly = standing.is_confidential(kind, case.rules)
    return Done({"kind": kind, "confidential": "1" if quietly else ""}, ADDED)


# --- afterwards ------------------------------------------------------------------------------


def follow(platform: Platform, case: Case, view: View) -> Changed | Unavailable | Silent:
    """How it stands there now, once what the citizen wanted of it has been carried there."""
    it = platform.order(str(case.id))
    if it is None:
        return Unavailable("order_not_there")
    if isinstance(it, Unavailable):
        return it
    wanted = _carried(platform, case, view, it)
    if isinstance(wanted, Unavailable | Silent):
        return wanted
    if isinstance(wanted, Done):
        return _took(case, view, it)
    facts = standing.facts_of(it, case, view.facts)
    if isinstance(wanted, Refused) and view.stage in (WITHDRAWING, REOPENING):
        facts |= {NOT_DONE: view.stage, WHY_NOT: wanted.reason}
    again_at = standing.look_again(it.state, it.since, case.now, case.rules)
    return Changed(it.state, facts, _news(view, it, facts), again_at)


def _carried(
    platform: Platform, case: Case, view: View, it: Order
) -> Done | Refused | Unavailable | Silent | None:
    """Do there what is asked for here; None where nothing is, or where it is so already.

    A refusal means that it stands otherwise there by now: the look goes on and tells how.
    """
    serial = str(case.id)
    answer: Operated | None = None
    if view.stage == WITHDRAWING and it.state != WITHDRAWN:
        answer = platform.withdraw(serial)
    elif view.stage == REOPENING and it.reopened_at is None:
        answer = platform.reopen(serial)
    elif view.facts.get("grade") and it.grade is None and it.state in ANSWERED:
        answer = platform.rate(serial, int(view.facts["grade"]))
    return Done() if isinstance(answer, AlreadyDone) else answer


def _took(case: Case, view: View, it: Order) -> Changed:
    """It was withdrawn, evaluated, or taken up anew, just now."""
    if view.stage == WITHDRAWING:
        return Changed(WITHDRAWN, dict(view.facts), _quietly(view.facts, WITHDRAWN))
    if view.stage != REOPENING:
        facts = standing.facts_of(it, case, view.facts)
        return Changed(EVALUATED, facts, None, standing.look_again(EVALUATED, case.now, case.now, case.rules))
    facts = standing.facts_of(it, case, {**view.facts, "reopened_at": case.now.isoformat()})
    facts |= {"replied_at": "", "reply": "", "extension": ""}
    facts |= standing.due(facts, case.rules)
    again_at = standing.look_again(REGISTERED, case.now, case.now, case.rules)
    return Changed(REGISTERED, facts, _quietly(facts, told.REOPENED), again_at)


def _news(view: View, it: Order, facts: Mapping[str, str]) -> str | None:
    """What the citizen is told of what a look found: an answer, more time, an end, another round."""
    event = None
    if facts["replied_at"] and facts["replied_at"] != view.facts.get("replied_at"):
        event = told.REPLIED_AGAIN if facts.get("grade") else told.REPLIED
    elif it.state == WITHDRAWN and view.stage != WITHDRAWN:
        event = WITHDRAWN
    elif facts["reopened_at"] and not view.facts.get("reopened_at"):
        event = told.REOPENED
    elif facts["extension"] and not view.facts.get("extension"):
        event = told.EXTENDED
    return _quietly(facts, event) if event else None


def _quietly(facts: Mapping[str, str], event: str) -> str:
    return told.NEWS if quiet(facts) else event


# --- what the citizen may want of it ---------------------------------------------------------

OVER = Words("这件工单已经办完。", "This work order is over.")
NOT_ANSWERED = Words("还没有答复，请等答复后再评价。", "It is not answered yet; tell us afterwards.")
NOT_BAD = Words("评价不满意以后，才可以要求重办。", "Tell us first that you are not satisfied.")
ONCE = Words("已经重办过一次。请拨打12333转人工。", "It was taken up anew before. Call 12333 and press 0.")


def _under_way(view: View, _: datetime) -> Words | None:
    return None if view.stage in UNDER_WAY else OVER


def _answered(view: View, _: datetime) -> Words | None:
    return None if view.stage in ANSWERED else NOT_ANSWERED


def _dissatisfied(view: View, now: datetime) -> Words | None:
    if view.facts.get("reopened_at"):
        return ONCE
    return _answered(view, now) or (None if view.facts.get("grade") in told.BAD else NOT_BAD)


def _withdraw(desk: Desk, case: Case) -> Changed:
    return _wish(desk, case, WITHDRAWING)


def _reopen(desk: Desk, case: Case) -> Changed:
    return _wish(desk, case, REOPENING)


def _wish(desk: Desk, case: Case, stage: str) -> Changed:
    """Written down here; the look that is due at once carries it to the platform."""
    facts = load(desk.tx, desk.runtime, case.id).facts
    facts = {name: fact for name, fact in facts.items() if name not in (NOT_DONE, WHY_NOT)}
    return Changed(stage, facts, again_at=case.now)


TYPE = TransactionType(
    name="work_order",
    title=words.TITLE,
    summary=Words(
        "咨询、投诉、建议、举报，转给承办部门，按期答复。",
        "Ask, complain, suggest, report: it goes to the office in charge and is answered in time.",
    ),
    effect=words.effect,
    effect_of=words.effect_of,
    form=asking.Form,
    perform=perform,
    personalise=words.personalise,
    explain=told.explain,
    back_office="work_order_platform",
    choices=asking.CHOICES,
    actions={
        "add": Action(Words("补充情况", "Add to it"), _under_way, asks_again=("text",)),
        "withdraw": Action(
            Words("撤回", "Withdraw it"),
            _under_way,
            _withdraw,
            done=lambda view: view.stage in (WITHDRAWING, WITHDRAWN),
        ),
        "reopen": Action(
            Words("要求重办", "Have it taken up anew"),
            _dissatisfied,
            _reopen,
            done=lambda view: view.stage == REOPENING,
        ),
        **evaluations.actions(_answered),
    },
    stages=STAGES,
    follow=follow,
    event=told.event,
    events=told.EVENTS,
    asks={told.REPLIED: evaluations.ASKS},
    discreet=True,
    headline=told.headline,
    tone=told.tone,
    promised=standing.promised,
    halfway=told.halfway,
)
