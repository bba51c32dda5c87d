"""How a pension eligibility authentication stands (养老待遇资格认证), and what helps when it failed.

The registry is asked and nothing is changed there; the gateway holds the result,
never an image (domain.md, "Pension eligibility authentication"). What is said
comes from ``gateway.pensions``: comfort, cause, the way that helps with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway.back_offices import Done, Refused, StepOutcome, Unavailable
from gateway.pensions import letters, situation, told, visits
from gateway.pensions.ladder import (
    HELPER_EVENT,
    LATE,
    LISTED,
    PAUSE_EVENT,
    is_first,
    ladder,
    missed,
    pause_notice,
    weekly,
)
from gateway.pensions.reminding import REMINDING
from gateway.pensions.situation import DONE, DUE, Situation, Standing
from gateway.pensions.told import ENDING, EVENTS, HELD, REASONS, SETTLING
from gateway.transactions import call_backs, store
from gateway.transactions.desk import Desk
from gateway.transactions.form import Who
from gateway.transactions.model import (
    Action,
    Case,
    Changed,
    Drop,
    Judgement,
    Later,
    Plan,
    Reminded,
    State,
    Tell,
    TransactionType,
    View,
    Words,
)

__all__ = ["EVENTS", "REASONS", "TYPE"]

DAILY = timedelta(days=1)
SILENT_PAUSE = timedelta(minutes=30)  # before a registry that did not answer is asked again


class Registry(Protocol):
    """What this type needs of a pension registry."""

    def standing(self, id_number: str, name: str, city: str) -> Standing | Refused | Unavailable: ...


# --- the work ------------------------------------------------------------------------------


def perform(registry: Registry, case: Case) -> StepOutcome:
    """Ask how it stands; the stage is the standing. Asking changes nothing, so it may be repeated."""
    found = _look(registry, case)
    if not isinstance(found, Situation):
        return found
    return Done(situation.facts(found), found.status, _again(found, case.now, case))


def _look(registry: Registry, case: Case) -> Situation | Refused | Unavailable:
    number, name = case.answers["id_number"], case.answers["name"]
    answer = registry.standing(number, name, case.rules.division)
    if isinstance(answer, Refused | Unavailable):
        return answer
    if answer.status not in situation.STATUSES:
        return Unavailable("unknown_standing")
    return situation.found(answer, case.rules, case.now, number, name)


def _again(s: Situation, since: datetime, case: Case) -> datetime | None:
    """When to look again: nothing more is awaited of some, and of a flagged record nothing is told."""
    rule = case.rules.pension_auth
    if s.held or s.status in ENDING or case.now >= since + timedelta(days=rule.follow_days):
        return None
    return case.now + (timedelta(hours=rule.look_hours) if s.status in SETTLING else DAILY)


def follow(registry: Registry, case: Case, view: View) -> Changed | Unavailable:
    """What became of it: each standing is told once, but what the ladder of reminders tells."""
    found, before = _look(registry, case), situation.of(view)
    if isinstance(found, Unavailable):
        return found
    if isinstance(found, Refused):  # registered elsewhere by now, perhaps: what was found then stands
        return Changed(view.stage, view.facts)
    ours = {name: fact for name, fact in view.facts.items() if name in situation.PROMISES}
    if found.held:  # a death or a dispute: nobody is told anything, and people look at the record
        return Changed(view.stage, {**situation.facts(replace(found, status=view.stage)), **ours})
    after = {**situation.facts(found), **ours}
    return Changed(found.status, after, _news(before, found), _again(found, view.created_at, case))


def _news(before: Situation, now: Situation) -> str | None:
    """The message of what is new; of what is due, overdue or paused the ladder says it."""
    if now.status == "failed" and (before.failed_on, before.status) != (now.failed_on, now.status):
        return EVENTS["failed"]
    by_ladder = {"due_soon", "overdue_grace"} | ({"paused"} if before.status in DUE else set())
    return None if now.status == before.status or now.status in by_ladder else EVENTS[now.status]


# --- what may be asked for afterwards -------------------------------------------------------

VISIT = "home_visit"
VISITS = (VISIT, "visit_arranged", "visit_refused")
ASKED = Words("已经记下，工作人员会打给您。", "Noted already; staff will call you.")
NO_NEED = Words("您现在不用办认证。", "There is nothing for you to do now.")
CALM = DONE | {"backpaid"}


def _no_call_back(view: View, now: datetime) -> Words | None:
    if view.state is State.CANCELLED or view.stage in CALM:
        return NO_NEED
    return _promised(view, "call_back", now)


def _promised(view: View, kind: str, now: datetime) -> Words | None:
    """Noted already: until it was done, or the day that was said is over, which we may have missed."""
    said = view.facts.get(kind)
    if kind == VISIT:
        said = visits.day_said(situation.of(view))
    elif call_backs.done_fact(kind) in view.facts:
        return None
    today = now.astimezone(view.rules.zone).date()
    return ASKED if said and today <= date.fromisoformat(said) else None


def _no_visit(view: View, now: datetime) -> Words | None:
    if view.stage not in DUE | {"paused"} or HELD in view.facts:
        return NO_NEED
    if not view.rules.pension_auth.home_visits:
        return Words("本地没有上门认证，请拨12333。", "There are no home visits here; call 12333.")
    return _promised(view, VISIT, now)


def _call_back(desk: Desk, case: Case) -> Changed:
    return _wish(desk, case, "call_back")


def _home_visit(desk: Desk, case: Case) -> Changed:
    return _wish(desk, case, VISIT)


def _wish(desk: Desk, case: Case, kind: str) -> Changed:
    """Write the wish down and promise a day; the standing stays what it is."""
    stands = store.load(desk.tx, desk.runtime, case.id)
    if case.citizen_id:
        call_backs.ask(desk.tx, desk.runtime, case.id, case.citizen_id, kind)
    days = case.rules.pension_auth.call_back_working_days
    by = case.rules.calendar.add_working_days(case.now.astimezone(case.rules.zone).date(), days)
    over = {
        call_backs.done_fact(kind),
        *(("visit_on", "visit_part", "visit_refused", "visited_on") if kind == VISIT else ()),
    }
    facts = {name: fact for name, fact in stands.facts.items() if name not in over}
    return Changed(stands.row.stage, {**facts, kind: by.date.isoformat()}, kind, stands.row.due_at)


# --- reminders -------------------------------------------------------------------------------


def follow_up(view: View) -> Sequence[Plan]:
    if view.state is not State.SUCCEEDED:
        return ()
    return ladder(situation.of(view), view.updated_at, int(view.reference))


def remind(registry: Registry, reminded: Reminded) -> Judgement:
    """Ask again just before it goes out: most are authenticated meanwhile without a scan."""
    number, name, rules, now = reminded.id_number, reminded.name, reminded.rules, reminded.now
    answer = registry.standing(number, name, rules.division)
    if isinstance(answer, Unavailable):
        return Later(now + SILENT_PAUSE, answer.code)
    if isinstance(answer, Refused):
        return Drop(answer.reason)
    if answer.flags & situation.STOPPING:
        return Drop(min(answer.flags & situation.STOPPING))
    return _judged(situation.found(answer, rules, now, number, name), reminded)


def _judged(s: Situation, reminded: Reminded) -> Judgement:
    spread, of_pause = reminded.citizen_id.int, reminded.plan.event == PAUSE_EVENT
    if reminded.plan.event == HELPER_EVENT:
        return _to_helper(s, reminded)
    if s.status in DUE and of_pause and s.due and s.due >= s.asked_on:
        return Drop("in_time")
    if s.status in DUE and missed(s, reminded.plan, reminded.now):
        return Drop("missed", ladder(s, reminded.now - LATE, spread))
    if s.status in DUE or (s.status == "paused" and of_pause):
        then = ladder(s, reminded.now, spread) if is_first(reminded.plan) or of_pause else ()
        return Tell(letters.values(s), then)
    if s.status == "paused" and s.due:
        return Drop(s.status, [replace(pause_notice(s.rules, s.due, spread), due_at=reminded.now)])
    return Drop(s.status)


def _to_helper(s: Situation, reminded: Reminded) -> Judgement:
    """Weekly, once the time has passed: whoever helps is told, else somebody from the community looks in."""
    if s.status not in DUE | {"paused"}:
        return Drop(s.status)
    then = weekly(s, reminded.now, reminded.citizen_id.int)
    if not reminded.helpers:
        return Drop(LISTED, then)
    return Tell(letters.values(s), then, to=reminded.helpers)


TYPE = TransactionType(
    name="pension_auth",
    title=Words("养老待遇资格认证查询", "My pension authentication"),
    summary=Words(
        "认证办没办好？没通过怎么办？养老金停没停？",
        "Is it done? What if it failed? Is my pension still paid?",
    ),
    effect=told.effect,
    form=Who,
    perform=perform,
    personalise=told.personalise,
    explain=told.explain,
    back_office="pension_registry",
    actions={
        "call_back": Action(Words("请人给我回电", "Call me back"), _no_call_back, _call_back),
        "home_visit": Action(Words("申请上门认证", "Come to my home"), _no_visit, _home_visit),
    },
    stages=told.STAGES,
    follow=follow,
    newest_alone=True,
    event=told.event,
    events=(*dict.fromkeys(EVENTS.values()), HELD, "call_back", *VISITS),
    headline=told.headline,
    tone=told.tone,
    follow_up=follow_up,
    remind=remind,
    reminding=REMINDING,
)
