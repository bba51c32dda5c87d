"""How a filing stands, in words for citizens: while it is reviewed, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.filings import fields, standing, words
from gateway.filings.standing import ACTIVE, CANCELLED, CHANGED, EXPIRED, OPEN, STAGES
from gateway.transactions.looking import NOT_CONFIRMED
from gateway.transactions.model import OPEN as DRAFTS
from gateway.transactions.model import RETURNED, State, View, Words

FILED = "filed"  # the message with the number, and the day by which it will have been reviewed
PERSON = Words(
    "请拨打12333转人工，或带身份证到社保窗口咨询。",
    "Call 12333 and press 0 for a person, or bring your ID card to a counter.",
)
TEXT = Words(
    "审完会发短信告诉您，不用等，可以离开本页。", "A text message will tell you; you may leave this page."
)


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return _ended(view)
        case State.REJECTED:
            why, what = words.reason(view.reason), words.kind(view.facts)
            said = Words(f"{what.zh}没有办成：{why.zh}。", f"{what.en}: not done, because {why.en}.")
            return [said, *_note(view), PERSON]
        case State.FAILED:
            return [
                Words(
                    "备案系统一天没有回应，没有办成。",
                    "The register did not answer for a day.",
                ),
                PERSON,
            ]
        case State.CANCELLED:
            return [Words("这次没有提交。需要的话请重新办理。", "Never submitted. To file, start again.")]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return _waiting(view)
        case _:
            return _draft(view)


def _draft(view: View) -> Sequence[Words]:
    if view.stage != RETURNED:
        return [NOT_CONFIRMED]
    why, what = words.reason(view.reason), words.kind(view.facts)
    return [
        Words(f"{what.zh}被退回：{why.zh}。", f"{what.en} came back: {why.en}."),
        *_note(view),
        Words(
            "请改好这几项再确认，别的都给您留着。30天内有效。",
            "Correct these answers and confirm again; all others were kept. You have 30 days.",
        ),
    ]


def _note(view: View) -> Sequence[Words]:
    """The reviewer's own words; they are Chinese."""
    note = view.facts.get("note", "").rstrip("。.!！ ")
    return [Words(f"审核人员写道：“{note}”。", f"The reviewer wrote: “{note}”.")] if note else []


def _waiting(view: View) -> Sequence[Words]:
    if view.stage in OPEN:
        what, how, by = words.kind(view.facts), STAGES[view.stage].words, words.by(view.facts)
        return [
            Words(
                f"{what.zh}{how.zh}，预计{by.zh}审完。",
                f"{what.en}: {how.en}; to be decided {by.en}.",
            ),
            TEXT,
        ]
    if view.trouble or view.slow:
        return [
            Words(
                "您的备案已收到，没有丢。备案系统暂时没有回应，我们会一直重试。",
                "We have your filing; it is not lost. The register does not answer just now; we keep trying.",
            ),
            TEXT,
        ]
    return [Words("正在报送，通常几秒钟。", "We are handing it in; usually seconds."), TEXT]


def _ended(view: View) -> Sequence[Words]:
    what, lasts = words.kind(view.facts), words.span(view.facts)
    match view.stage:
        case "cancelled":
            return [
                Words(f"您的{what.zh}已取消。", f"Your filing ({what.en}) has ended."),
                Words("以后要再办，请重新备案。", "To have it again, file it anew."),
            ]
        case "expired":
            return [
                Words(f"您的{what.zh}已到期。", f"Your filing ({what.en}) has run out."),
                Words("还需要的话，请重新备案。", "If you still need it, file it anew."),
            ]
        case "changed":
            return [
                Words(f"这份{what.zh}已由新的代替。", f"A newer one replaced this filing ({what.en})."),
                Words("请看新的那一份，编号在短信里。", "Look at the newer one by its own number."),
            ]
        case _:
            return [*_in_force(view, what, lasts)]


def _in_force(view: View, what: Words, lasts: Words) -> Sequence[Words]:
    already = view.state is State.ALREADY_DONE
    where = fields.place(view.facts["destination"]) if view.facts.get("destination") else None
    first = Words(
        f"您的{what.zh}{'此前已经' if already else '已'}生效，{lasts.zh}。",
        f"Your filing ({what.en}) {'was already' if already else 'is'} in force {lasts.en}.",
    )
    place = [Words(f"居住地：{where.zh}。", f"Place: {where.en}.")] if where else []
    change = Words(
        "地址、电话或期限有变化，请凭编号在这里修改；不再需要的，可以取消。",
        "If the address, telephone or time changes, change it here by its number, or end it.",
    )
    days = view.rules.filing.remind_days
    remind = (
        Words(
            f"到期前{max(days)}天会发短信提醒您。",
            f"A text message reminds you {max(days)} days before its end.",
        )
        if days and view.facts.get("end")
        else None
    )
    return [first, *place, *([remind] if remind else []), change]


HEADLINES: Mapping[str, tuple[str, Words]] = {
    "submitted": ("wait", Words("已提交，等待审核", "Submitted, to be reviewed")),
    "accepted": ("wait", Words("已受理，等待审核", "Accepted, to be reviewed")),
    "reviewing": ("wait", Words("正在审核", "Under review")),
    RETURNED: ("wait", Words("已退回，请改好再交", "Returned: please correct it")),
    ACTIVE: ("good", Words("备案已生效", "The filing is in force")),
    CHANGED: ("wait", Words("已由新的备案代替", "Replaced by a newer filing")),
    CANCELLED: ("good", Words("备案已取消", "The filing has ended")),
    EXPIRED: ("wait", Words("备案已到期", "The filing has run out")),
}


def _headline(view: View) -> tuple[str | None, Words | None]:
    over = view.state in (State.REJECTED, State.FAILED, State.CANCELLED)
    if over or (view.state in DRAFTS and view.stage != RETURNED):
        return None, None
    return HEADLINES.get(view.stage, (None, None))


def headline(view: View) -> Words | None:
    return _headline(view)[1]


def tone(view: View) -> str | None:
    return _headline(view)[0]


def event(view: View) -> str:
    """The message of what became of it."""
    if view.state in (State.SUCCEEDED, State.ALREADY_DONE) and view.stage in (CANCELLED, EXPIRED):
        return view.stage
    if view.state is State.SUBMITTED and view.stage == standing.SUBMITTED:
        return FILED
    return view.state.value
