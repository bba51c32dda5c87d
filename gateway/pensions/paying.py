"""What is said of pension payments: whether the money came, why not, what to do, when the next is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.pensions import payments
from gateway.pensions.payments import FAILED, HELD, NONE_YET, PAID, PENDING, Payments
from gateway.pensions.situation import day
from gateway.pensions.unpaid import cause
from gateway.rules.model import Rules
from gateway.transactions.looking import not_yet
from gateway.transactions.model import Stage, State, Step, View, Words

REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的养老待遇登记", "no pension was found in your name"),
    "name_mismatch": Words("姓名和养老待遇登记的不一致", "the name differs from the registry"),
    "not_a_pensioner": Words("您还没有领取养老待遇", "you do not draw a pension yet"),
    "ended": Words("登记的养老待遇已经终止", "the pension on record has ended"),
    "other": Words("养老登记系统不能受理", "the registry cannot answer"),
}


STAGES: Mapping[str, Stage] = {
    "": Stage(Words("还没有查", "not asked yet"), then=payments.STAGES),
    PENDING: Stage(Words("正在发放", "on its way"), then=(PAID, FAILED, HELD)),
    FAILED: Stage(Words("没有发成", "failed"), then=(PAID, PENDING, HELD)),
    HELD: Stage(Words("先停着，认证后补发", "on hold until authenticated"), then=(PAID, PENDING, FAILED)),
    NONE_YET: Stage(Words("还没有第一次发放", "not begun yet"), then=(PAID, PENDING, FAILED, HELD)),
    PAID: Stage(Words("已经发放", "paid")),
}
HEADLINES: Mapping[str, tuple[str, Words]] = {
    PAID: ("good", Words("养老金已经发放", "Your pension was paid")),
    PENDING: ("wait", Words("养老金正在发放", "Your pension is on its way")),
    FAILED: ("bad", Words("没有发成，处理好会补发", "A payment failed; it will be made up")),
    HELD: ("bad", Words("养老金暂停，认证后补发", "On hold; arrears will be paid")),
    NONE_YET: ("wait", Words("还没有第一次发放", "The first payment is still to come")),
}


# --- messages ------------------------------------------------------------------------------------


def values(view: View) -> dict[str, str]:
    """What the placeholders of every message may stand for: never a sum."""
    it, reason = payments.of(view), REASONS.get(view.reason or "", REASONS["other"])
    words = {
        "month": _month(it.month, it),
        "paid_on": day(it.paid_on, _today(it)) if it.paid_on else Words("近日", "these days"),
        "next": _next(it),
        "why": cause(it).brief,
        "do": cause(it).do,
        "reason": reason,
    }
    given = {name: word.zh for name, word in words.items()} | {
        f"{name}_en": w.en for name, w in words.items()
    }
    return {**given, "name": it.name or "您好", "area_code": view.rules.area_code}


def _today(it: Payments) -> date:
    return it.asked_on or date.min


def _month(month: str, it: Payments) -> Words:
    """A month as people say it, with its year only where that is another."""
    if not month:
        return Words("近期", "recent")
    first = date.fromisoformat(f"{month}-01")
    if first.year == _today(it).year:
        return Words(f"{first.month}月", f"{first:%B}")
    return Words(f"{first.year}年{first.month}月", f"{first:%B %Y}")


def _next(it: Payments) -> Words:
    if it.next_on is None:
        return Words("每月发放日", "the usual day")
    on = day(it.next_on, _today(it))
    return Words(f"{on.zh}（暂定）", f"{on.en} (provisional)") if it.provisional else on


# --- the whole -----------------------------------------------------------------------------------


def advice(it: Payments, rules: Rules) -> Sequence[Words]:
    """Everything to say of what was found: the money first, then why, what to do, and the next."""
    month = _month(it.month, it)
    match it.stage:
        case payments.PAID:
            said = [_paid(it, month), _LOOK]
        case payments.PENDING:
            said = [
                Words(
                    f"{month.zh}的养老金正在发放，银行入账有时要一两个工作日，您不用办什么。",
                    f"Your pension for {month.en} is on its way; banks may take a working day or two. "
                    "There is nothing for you to do.",
                ),
                _WATCHED,
            ]
        case payments.FAILED:
            said = [_failed(month), cause(it).plain, *cause(it).steps, _WATCHED, _CARE]
        case payments.HELD:
            said = [_held(it), *_AUTHENTICATE, _WATCHED, _CARE]
        case payments.NONE_YET:
            said = [*_NONE_YET, _WATCHED]
        case _:
            return [_person(rules)]
    return [*said, *_listed(it), *_sums(it), _coming(it), _person(rules)]


def _paid(it: Payments, month: Words) -> Words:
    if it.paid_on is None:
        return Words(f"您{month.zh}的养老金已经发放。", f"Your pension for {month.en} was paid.")
    on = day(it.paid_on, _today(it))
    return Words(
        f"您{month.zh}的养老金{on.zh}已经发放。", f"Your pension for {month.en} was paid on {on.en}."
    )


_LOOK = Words(
    "账上没看到的，先到发卡银行查一查；登记的收款账户可能不是您常用的那个。",
    "If you do not see it, ask your bank first: the account on record may not be the one you use.",
)
_WATCHED = Words(
    "我们每天再查一次，有变化就发短信告诉您。", "We look again each day and text you when it changes."
)
_CARE = Words(
    "补发不收钱。有人发链接、要验证码或要您转账的，都是骗子。",
    "It costs nothing. Whoever sends links or asks for codes or money is a swindler.",
)
_AUTHENTICATE = (
    Step("先办资格认证：在这里就能查怎么办。", "Authenticate first: look here how that is done for you."),
    Step(
        "认证通过后，停的那几个月一次补齐，不用另外申请。",
        "Once you are authenticated the months held back are paid together; you need not apply for it.",
    ),
)
_NONE_YET = (
    Words("登记系统里还没有发放记录，您的第一次养老金还没有发。", "The registry shows no payment yet."),
    Words(
        "刚退休的，核定后从下一个发放日开始发，晚了的月份会补。",
        "Whoever has just retired is paid from the next day of payment on; months in between are made up.",
    ),
)


def _failed(month: Words) -> Words:
    return Words(
        f"{month.zh}的养老金没有发成。钱没有丢，处理好会补发给您。",
        f"Your pension for {month.en} could not be paid. The money is not lost: it is paid "
        "once this is put right.",
    )


def _held(it: Payments) -> Words:
    zh, en = _months(it, "held")
    return Words(
        f"养老金是先停一停，没有取消：{zh}的没有发，因为资格认证过了期限。",
        f"Your pension is on hold, not lost: {en} was not paid because your authentication is overdue.",
    )


def _months(it: Payments, state: str) -> tuple[str, str]:
    named = [_month(month, it) for month, known in reversed(it.months) if known == state]
    return "、".join(word.zh for word in named), ", ".join(word.en for word in named)


_LISTED = {
    "paid": Words("已发放", "paid"),
    "pending": Words("正在发放", "on its way"),
    "failed": Words("没有发成", "failed"),
    "held": Words("先停着", "on hold"),
}


def _listed(it: Payments) -> list[Words]:
    """The last months by what became of them."""
    if not it.months:
        return []
    told = [(*_months(it, state), words) for state, words in _LISTED.items()]
    zh = "；".join(f"{months}{words.zh}" for months, _, words in told if months)
    en = "; ".join(f"{words.en}: {months}" for _, months, words in told if months)
    return [Words(f"近{len(it.months)}个月：{zh}。", f"The last {len(it.months)} months: {en}.")]


def _sums(it: Payments) -> list[Words]:
    if not it.amounts:
        return []
    named = [(_month(month, it), amount) for month, amount in reversed(it.amounts)]
    zh = "、".join(f"{month.zh}{amount}元" for month, amount in named)
    en = ", ".join(f"{month.en} {amount} yuan" for month, amount in named)
    return [
        Words(
            f"发放金额：{zh}。金额只在这里显示半小时。",
            f"Paid: {en}. Sums are shown here for half an hour only.",
        )
    ]


def _coming(it: Payments) -> Words:
    coming = _next(it)
    return Words(f"下一次发放预计{coming.zh}。", f"The next payment is expected on {coming.en}.")


def _person(rules: Rules) -> Words:
    line = rules.hotline
    return Words(f"还有不明白的，请拨{line}按0，找工作人员。", f"For anything else call {line} and press 0.")


# --- other states --------------------------------------------------------------------------------


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, for every state."""
    match view.state:
        case State.SUCCEEDED | State.ALREADY_DONE:
            return advice(payments.of(view), view.rules)
        case State.REJECTED:
            reason = REASONS.get(view.reason or "", REASONS["other"])
            said = Words(f"没有查到：{reason.zh}。", f"Nothing was found: {reason.en}.")
            return [said, _APPLY if view.reason == "not_a_pensioner" else _COUNTER]
        case State.FAILED:
            return [
                Words("养老登记系统一天没有回应，没有查到。", "The registry did not answer for a day."),
                Words(
                    "这不影响发放。请再查一次，或拨12333按0。",
                    "Payment is not touched. Ask again, or call 12333.",
                ),
            ]
        case _:
            return not_yet(view, _SILENT)


_APPLY = Words(
    "到了退休年龄的，带身份证到社保窗口申请，可以在这里先预约；没到的，到时再办。拨12333按0可以问。",
    "If you have reached retirement age, apply at a counter with your ID card; you can book a time here. "
    "To ask, call 12333 and press 0.",
)
_COUNTER = Words(
    "请带身份证到社保窗口核实，可以在这里先预约；或拨12333按0。",
    "Bring your ID card to a counter; you can book a time here, or call 12333 and press 0.",
)
_SILENT = Words(
    "养老登记系统暂时没有回应，我们会一直查。这不影响发放。",
    "The registry does not answer just now; we keep asking. Payment is not touched.",
)


def headline(view: View) -> Words | None:
    return HEADLINES[view.stage][1] if view.stage in HEADLINES else None


def tone(view: View) -> str | None:
    return HEADLINES[view.stage][0] if view.stage in HEADLINES else None
