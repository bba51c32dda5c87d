"""How a transfer stands, in words for citizens: its leg and due date, why not, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.rules.model import Rules
from gateway.transactions.looking import not_yet
from gateway.transactions.model import DONE, State, Step, View, Words
from gateway.transfers import words
from gateway.transfers.legs import COMPLETED, LEG_OF, LEGS, NOTHING, ORDER, REFUSED, SENT_BACK, STAGES, others
from gateway.transfers.words import CAUSES, LEG_WORDS, REASONS, WHERE

NEXT_LEG, STALLED = "next_leg", "stalled"  # messages beside those named like a stage
EVENTS = (NEXT_LEG, STALLED, REFUSED, SENT_BACK, COMPLETED, NOTHING)

PERSON = Words(
    "请拨打12333转人工，或带身份证到社保窗口咨询。",
    "Call 12333 and press 0 for a person, or bring your ID card to a counter.",
)
TEXT = Words(
    "每走完一步，我们都发短信告诉您，不用自己打听。", "A text tells you of each step; you need not ask."
)
HOW: Sequence[Words] = (
    Step("先在新参保地参保缴费。", "First be insured at the new place, with contributions paid."),
    Step(
        "再提出转移申请：在掌上12333、电子社保卡里自己申请，或带身份证到新参保地的社保窗口。",
        "Then apply: in the official 12333 or social-security-card app, or with your ID card at a counter "
        "of the new place.",
    ),
    Step(
        "原参保地不用您跑，也不用开参保凭证，两地之间自己办。",
        "You need not go to the old place nor bring a certificate: the two places do the rest.",
    ),
    Step("申请以后再来这里查，每走一步我们都告诉您。", "Then ask here again, and we tell you of every step."),
)


# --- before ----------------------------------------------------------------------------------------


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    days = rules.relation_transfer.leg_working_days
    return [
        Words(
            "告诉您养老关系转移办到哪一步、预计哪天办完，以后每走一步发短信告诉您。",
            "We tell you where your transfer stands and by when, and text you at each step from then on.",
        ),
        Words(
            f"一步超过{days}个工作日没有办完，我们自动登记工单催办。",
            f"If a step takes more than {days} working days, we open a work order by ourselves.",
        ),
        Words("只是查询，不会改动您的申请。", "This only looks; your application is not changed."),
    ]


# --- how it stands ---------------------------------------------------------------------------------


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return [*_stands(view), *_others(view)]
        case State.REJECTED:
            reason = REASONS.get(view.reason or "", REASONS["other"])
            return [Words(f"没有查到：{reason.zh}。", f"Nothing was found: {reason.en}."), PERSON]
        case State.FAILED:
            return [
                Words("转移系统一天没有回应，没有查到。", "The platform did not answer for a day."),
                Words("这不影响您的转移。", "This does not touch your transfer."),
                PERSON,
            ]
        case _:
            return not_yet(view, _SILENT)


_SILENT = Words(
    "转移系统暂时没有回应，我们会一直查。这不影响您的转移。",
    "The platform does not answer just now; we keep asking. This does not touch your transfer.",
)


def _stands(view: View) -> Sequence[Words]:
    match view.stage:
        case "completed":
            return _completed(view)
        case "refused" | "sent_back":
            return _not_passed(view)
        case stage if stage in LEG_OF:
            return _under_way(view)
        case _:
            first = Words(
                "没有查到您正在办的养老关系转移。换了地方参保的，可以这样申请：",
                "No transfer of yours was found. If you are insured at a new place, apply like this:",
            )
            return [first, *HOW]


def _under_way(view: View) -> Sequence[Words]:
    leg, said, by = (
        int(view.facts.get("leg") or LEG_OF[view.stage]),
        words.places(view.facts),
        words.due(view),
    )
    where = WHERE[view.stage]
    first = Words(
        f"您的养老关系从{said.zh}，已办到第{leg}步（共{LEGS}步）：{where.zh}。",
        f"Your transfer {said.en} is at step {leg} of {LEGS}: {where.en}.",
    )
    return [first, *(_late(view) if view.facts.get("late") else _in_time(view, by)), *_steps(leg), TEXT]


def _in_time(view: View, by: Words) -> Sequence[Words]:
    said = [Words(f"这一步预计{by.zh}前办完。", f"This step is due {by.en}.")]
    if view.facts.get("provisional"):
        said.append(
            Words(
                "那一年的放假安排还没有公布，公布后日期可能变，我们会重新算。",
                "The holidays of that year are not announced yet; once they are, we count anew.",
            )
        )
    return said


def _late(view: View) -> Sequence[Words]:
    days = view.rules.relation_transfer.leg_working_days
    late = Words(
        f"这一步已超过{days}个工作日，比规定的慢了。",
        f"This step has taken more than {days} working days, longer than it may.",
    )
    return [late, _looked_into(view)]


def _looked_into(view: View) -> Words:
    """The order that was opened, or what to do where there is none."""
    number = words.order(view)
    if not number:
        return PERSON
    return Words(
        f"我们已登记工单{number}，工作人员会查清并答复您，您不用再报。",
        f"We opened work order {number}: staff will find out and answer you; you need not report it.",
    )


def _steps(now: int) -> Sequence[Words]:
    """The three legs, each with whether it is done."""
    said = []
    for number, what in LEG_WORDS.items():
        done = Words("已完成", "done") if number < now else Words("正在办", "now")
        done = done if number <= now else Words("还没到", "to come")
        said.append(Words(f"第{number}步，{what.zh}：{done.zh}。", f"Step {number}, {what.en}: {done.en}."))
    return said


def _not_passed(view: View) -> Sequence[Words]:
    cause, said = CAUSES.get(view.facts.get("cause", ""), CAUSES["other"]), words.places(view.facts)
    back = view.stage == SENT_BACK
    first = Words(
        f"您从{said.zh}的转移{'被退回' if back else '没有通过'}：{cause.words.zh}。",
        f"Your transfer {said.en} was {'sent back' if back else 'refused'}: {cause.words.en}.",
    )
    note = view.facts.get("note", "").rstrip("。.!！ ")
    wrote = [Words(f"经办人员写道：“{note}”。", f"The office wrote: “{note}”.")] if note else []
    after = [TEXT] if back else [_looked_into(view)]
    return [first, *wrote, cause.helps, *after]


def _completed(view: View) -> Sequence[Words]:
    new = words.place(view.facts.get("to", ""))
    said = words.places(view.facts)
    return [
        Words(f"您的养老关系从{said.zh}，已办结。", f"Your transfer {said.en} is complete."),
        Words(
            f"缴费年限和个人账户已合并到{new}，以后在那里缴费、领取待遇。",
            f"Your years and your account are now in {new}.",
        ),
        Words(
            "请核对缴费记录；有缺的月份，请拨打12333转人工。",
            "Check your record of contributions; if months are missing, call 12333 and press 0.",
        ),
    ]


def _others(view: View) -> Sequence[Words]:
    """The person's other transfers, one line each."""
    said = []
    for what, old, new, applied in others(view.facts):
        both, at = words.places({"from": old, "to": new}), date.fromisoformat(applied)
        known = STAGES.get(what, STAGES[""]).words
        said.append(
            Words(
                f"另有一笔{at.year}年{at.month}月申请的，从{both.zh}：{known.zh}。",
                f"Another one of {at:%B} {at.year}, {both.en}: {known.en}.",
            )
        )
    return said


# --- headline and message ----------------------------------------------------------------------------

HEADLINES: Mapping[str, tuple[str, Words]] = {
    **dict.fromkeys(LEG_OF, ("wait", Words("转移正在办", "The transfer is under way"))),
    SENT_BACK: ("wait", Words("已退回，请补正后重新提交", "Sent back: please put it right")),
    REFUSED: ("bad", Words("转移没有通过", "The transfer was refused")),
    COMPLETED: ("good", Words("转移已办结", "The transfer is complete")),
    NOTHING: ("wait", Words("没有查到转移", "No transfer was found")),
}
LATE = Words("这一步办得慢了", "This step is late")
LOOKED_INTO = Words("这一步办得慢了，我们在催", "This step is late; we look into it")


def _headline(view: View) -> tuple[str | None, Words | None]:
    if view.state not in DONE:
        return None, None
    if view.stage in LEG_OF and view.facts.get("late"):
        return "wait", LOOKED_INTO if words.order(view) else LATE
    return HEADLINES.get(view.stage, (None, None))


def headline(view: View) -> Words | None:
    return _headline(view)[1]


def tone(view: View) -> str | None:
    return _headline(view)[0]


def event(view: View) -> str:
    """The message of the first look: by where it stands."""
    if view.state not in DONE:
        return view.state.value
    if view.stage in LEG_OF:
        return STALLED if view.facts.get("late") else State.SUCCEEDED.value
    return view.stage or State.SUCCEEDED.value


def news(stage: str, facts: Mapping[str, str], before: str, old: Mapping[str, str]) -> str | None:
    """What a later look is to tell: each new leg once, a leg that is late, and how it ends; else nothing."""
    if stage not in LEG_OF:
        return stage if stage != before else None
    if facts["late"] and facts["late"] != old.get("late") and f"{ORDER}leg{facts['late']}" not in facts:
        return STALLED
    furthest = int(old.get("told") or 0) if before in LEG_OF else 0
    return NEXT_LEG if int(facts["leg"]) > furthest else None
