"""What is told of an authentication: its stages, the message of each, and the first words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.pensions import coaching, letters, situation
from gateway.pensions.situation import DONE, STATUSES
from gateway.rules.model import Rules
from gateway.transactions.looking import not_yet
from gateway.transactions.model import Stage, State, View, Words

REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的养老待遇登记", "no pension was found in your name"),
    "name_mismatch": Words("姓名和养老待遇登记的不一致", "the name differs from the registry"),
    "not_a_pensioner": Words("您还没有领取养老待遇", "you do not draw a pension yet"),
    "other": Words("养老登记系统不能受理", "the registry cannot answer"),
}


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
        case _:
            return not_yet(view, _SILENT)


_PERSON = Words(
    "这不影响您领养老金。请拨打12333转人工，或带身份证到社保窗口核实。",
    "This does not touch your pension. Call 12333 and press 0, or bring your ID card to a counter.",
)
_NO_ANSWER = Words(
    "养老登记系统一天没有回应，没有查到。", "The registry did not answer for a day; we found nothing out."
)
_SILENT = Words(
    "养老登记系统暂时没有回应，我们会一直查。这不影响您领养老金。",
    "The registry does not answer just now; we keep asking. This does not touch your pension.",
)

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


# --- the machine ---------------------------------------------------------------------------------

ENDING = DONE | {"backpaid", "ended"}  # nothing more is awaited of these
SETTLING = frozenset({"submitted_reviewing", "resumed_backpay_pending"})  # people there are at work on it
_NAMES: Mapping[str, Words] = {
    "not_due": Words("不用办", "nothing to do"),
    "due_soon": Words("快到期", "due soon"),
    "done_silent": Words("系统自动认证", "matched by the registry"),
    "done_face": Words("刷脸认证", "done by a scan"),
    "done_helper": Words("亲属帮认", "done on a relative's phone"),
    "done_counter": Words("窗口认证", "done at a counter"),
    "done_overseas": Words("境外认证", "done from abroad"),
    "submitted_reviewing": Words("材料审核中", "under review"),
    "failed": Words("没有通过", "failed"),
    "overdue_grace": Words("过期，还没有停", "overdue, still paid"),
    "paused": Words("先停着", "on hold"),
    "resumed_backpay_pending": Words("已恢复，正在补发", "paid again, arrears on the way"),
    "backpaid": Words("已补发", "paid back"),
    "ended": Words("待遇已终止", "ended"),
}
STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有查", "not asked yet"), then=tuple(sorted(STATUSES))),
    **{
        status: Stage(words, then=() if status in ENDING else tuple(sorted(STATUSES - {status})))
        for status, words in _NAMES.items()
    },
}
