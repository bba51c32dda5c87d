"""How a pension eligibility authentication stands (养老待遇资格认证), and what helps when it failed.

The registry is asked and nothing is changed there; the gateway holds the result,
never an image (domain.md, "Pension eligibility authentication"). What is said
comes from ``gateway.pensions``: comfort, cause, the way that helps with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway.back_offices import Done, Refused, StepOutcome, Unavailable
from gateway.cities import Rules
from gateway.pensions import coaching, letters, situation
from gateway.pensions.ladder import LATE, PAUSE_EVENT, is_first, ladder, missed, pause_notice
from gateway.pensions.reminding import REMINDING
from gateway.pensions.situation import DONE, DUE, Situation, Standing
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

SILENT_PAUSE = timedelta(minutes=30)  # before a registry that did not answer is asked again


class Registry(Protocol):
    """What this type needs of a pension registry."""

    def standing(self, id_number: str, name: str, city: str) -> Standing | Refused | Unavailable: ...


REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的养老待遇登记", "no pension was found in your name"),
    "name_mismatch": Words("姓名和养老待遇登记的不一致", "the name differs from the registry"),
    "not_a_pensioner": Words("您还没有领取养老待遇", "you do not draw a pension yet"),
    "other": Words("养老登记系统不能受理", "the registry cannot answer"),
}


# --- the work ------------------------------------------------------------------------------


def perform(registry: Registry, case: Case) -> StepOutcome:
    """Ask how it stands; the stage is the standing. Asking changes nothing, so it may be repeated."""
    number, name = case.answers["id_number"], case.answers["name"]
    answer = registry.standing(number, name, case.rules.division)
    if isinstance(answer, Refused | Unavailable):
        return answer
    if answer.status not in situation.STATUSES:
        return Unavailable("unknown_standing")
    found = situation.found(answer, case.rules, case.now, number, name)
    return Done(situation.facts(found), stage=found.status)


HELD, NOT_SURE = "held", "failed, and perhaps not paid"
EVENTS: Mapping[str, str] = {
    **dict.fromkeys(DONE, "fine"),
    "due_soon": "due",
    "failed": "auth_failed",
    "overdue_grace": "overdue",
    "paused": "paused",
    "submitted_reviewing": "reviewing",
    "resumed_backpay_pending": "backpay",
    "backpaid": "backpaid",
    "ended": "ended",
}


def event(view: View) -> str:
    """The message of the result: by the standing, unless a person must look at the record."""
    if view.state is not State.SUCCEEDED:
        return view.state.value
    return HELD if HELD in view.facts else EVENTS.get(view.stage, view.state.value)


# --- the words -----------------------------------------------------------------------------


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    reason = REASONS.get(view.reason or "", REASONS["other"])
    return {**letters.values(situation.of(view)), "reason": reason.zh, "reason_en": reason.en}


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    return [
        Words(
            "告诉您认证办没办好、养老金停没停。没通过的，告诉您原因和现在怎么办。",
            "We tell you how your authentication stands, whether your pension is paid, and, if it failed, "
            "why and what helps.",
        ),
        Words("只是查询，什么都不会改变。不用刷脸。", "This only looks; nothing changes. No face scan here."),
    ]


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return coaching.advice(situation.of(view))
        case State.REJECTED:
            reason = REASONS.get(view.reason or "", REASONS["other"])
            said = Words(f"没有查到：{reason.zh}。", f"Nothing was found: {reason.en}.")
            return [said, *coaching.promised(situation.of(view)), _PERSON]
        case State.FAILED:
            return [_NO_ANSWER, *coaching.promised(situation.of(view)), _PERSON]
        case State.CANCELLED:
            return [Words("这次没有提交。要查请重新办理。", "Never confirmed. To ask, start again.")]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return [_KEEP_TRYING if view.trouble or view.slow else _ASKING, _TEXT]
        case _:
            return [
                Words("还没有确认。请填验证码，再确认。", "Not confirmed yet: enter the code, then confirm.")
            ]


_PERSON = Words(
    "这不影响您领养老金。请拨打12333转人工，或带身份证到社保窗口核实。",
    "This does not touch your pension. Call 12333 and press 0, or bring your ID card to a counter.",
)
_NO_ANSWER = Words(
    "养老登记系统一天没有回应，没有查到。", "The registry did not answer for a day; we found nothing out."
)
_ASKING = Words("正在查，通常几秒钟。", "We are asking the registry; usually seconds.")
_KEEP_TRYING = Words(
    "养老登记系统暂时没有回应，我们会一直查。这不影响您领养老金。",
    "The registry does not answer just now; we keep asking. This does not touch your pension.",
)
_TEXT = Words("查到会发短信告诉您，可以离开本页。", "A text message will tell you; you may leave this page.")

HEADLINES: Mapping[str, tuple[str, Words]] = {
    **dict.fromkeys(DONE, ("good", Words("认证有效，不用办", "You are authenticated"))),
    "due_soon": (
        "wait",
        Words("养老金没有停，该办认证了", "Your pension is paid; it is time to authenticate"),
    ),
    "failed": (
        "wait",
        Words("养老金没有停，认证再办一次就好", "Your pension is paid; authenticate once more"),
    ),
    "overdue_grace": ("wait", Words("养老金没有停，请尽快办认证", "Your pension is paid; authenticate soon")),
    "paused": ("bad", Words("养老金暂停，认证后补发", "Your pension is on hold; arrears will be paid")),
    "submitted_reviewing": ("wait", Words("材料正在审核", "It is being reviewed")),
    "resumed_backpay_pending": ("good", Words("养老金已恢复，正在补发", "Paid again; arrears on the way")),
    "backpaid": ("good", Words("养老金已恢复并补发", "Paid again, with all arrears")),
    "ended": ("wait", Words("待遇已终止", "The pension has ended")),
    HELD: ("wait", Words("要由工作人员核实", "A person must look at it")),
    NOT_SURE: ("wait", Words("认证没有通过，还有别的办法", "It did not pass; there are other ways")),
}


def headline(view: View) -> Words | None:
    return _headline(view)[1]


def tone(view: View) -> str | None:
    return _headline(view)[0]


def _headline(view: View) -> tuple[str | None, Words | None]:
    if HELD in view.facts:
        return HEADLINES[HELD]
    unpaid = view.stage == "failed" and situation.of(view).pension != "paid"
    return HEADLINES.get(NOT_SURE if unpaid else view.stage, (None, None))


# --- what may be asked for afterwards -------------------------------------------------------

ASKED = Words("已经记下，工作人员会打给您。", "Noted already; staff will call you.")
NO_NEED = Words("您现在不用办认证。", "There is nothing for you to do now.")
CALM = DONE | {"backpaid"}


def _no_call_back(view: View, now: datetime) -> Words | None:
    if view.state is State.CANCELLED or view.stage in CALM:
        return NO_NEED
    return _promised(view, "call_back", now)


def _promised(view: View, kind: str, now: datetime) -> Words | None:
    """Noted already: until it was done, or the promised day is over, which we may have missed."""
    if kind not in view.facts or call_backs.done_fact(kind) in view.facts:
        return None
    today = now.astimezone(view.rules.zone).date()
    return ASKED if today <= date.fromisoformat(view.facts[kind]) else None


def _no_visit(view: View, now: datetime) -> Words | None:
    if view.stage not in DUE | {"paused"} or HELD in view.facts:
        return NO_NEED
    if not view.rules.pension_auth.home_visits:
        return Words("本地没有上门认证，请拨12333。", "There are no home visits here; call 12333.")
    return _promised(view, "home_visit", now)


def _call_back(desk: Desk, case: Case) -> Changed:
    return _wish(desk, case, "call_back")


def _home_visit(desk: Desk, case: Case) -> Changed:
    return _wish(desk, case, "home_visit")


def _wish(desk: Desk, case: Case, kind: str) -> Changed:
    """Write the wish down and promise a day; the standing stays what it is."""
    stands = store.load(desk.tx, desk.runtime, case.id)
    if case.citizen_id:
        call_backs.ask(desk.tx, desk.runtime, case.id, case.citizen_id, kind)
    days = case.rules.pension_auth.call_back_working_days
    by = case.rules.calendar.add_working_days(case.now.astimezone(case.rules.zone).date(), days)
    facts = {name: fact for name, fact in stands.facts.items() if name != call_backs.done_fact(kind)}
    return Changed(stands.row.stage, {**facts, kind: by.date.isoformat()}, kind)


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
    if s.status in DUE and of_pause and s.due and s.due >= s.asked_on:
        return Drop("in_time")
    if s.status in DUE and missed(s, reminded.plan, reminded.now):
        return Drop("missed", ladder(s, reminded.now - LATE, spread))
    if s.status in DUE or (s.status == "paused" and of_pause):
        return Tell(letters.values(s), ladder(s, reminded.now, spread) if is_first(reminded.plan) else ())
    if s.status == "paused" and s.due:
        return Drop(s.status, [replace(pause_notice(s.rules, s.due, spread), due_at=reminded.now)])
    return Drop(s.status)


TYPE = TransactionType(
    name="pension_auth",
    title=Words("养老待遇资格认证查询", "My pension authentication"),
    summary=Words(
        "认证办没办好？没通过怎么办？养老金停没停？",
        "Is it done? What if it failed? Is my pension still paid?",
    ),
    effect=effect,
    form=Who,
    perform=perform,
    personalise=personalise,
    explain=explain,
    back_office="pension_registry",
    actions={
        "call_back": Action(Words("请人给我回电", "Call me back"), _no_call_back, _call_back),
        "home_visit": Action(Words("申请上门认证", "Come to my home"), _no_visit, _home_visit),
    },
    event=event,
    events=(*dict.fromkeys(EVENTS.values()), HELD, "call_back", "home_visit"),
    headline=headline,
    tone=tone,
    follow_up=follow_up,
    remind=remind,
    reminding=REMINDING,
)
