"""A transfer in words for citizens: its parts, and the values of its messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gateway import divisions
from gateway.rules.model import Rules
from gateway.transactions.model import View, Words
from gateway.transfers import legs
from gateway.transfers.legs import ACCEPTED, APPLIED, FUNDS, INFO_FORM, LETTER_SENT, OLD_PLACE

REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的参保登记", "no insurance record was found"),
    "name_mismatch": Words("姓名和参保登记的不一致", "the name differs from the record"),
    "other": Words("转移系统不能受理", "the platform cannot answer"),
}

WHERE: Mapping[str, Words] = {
    APPLIED: Words("新参保地已收到申请，等待受理", "the new place has your application"),
    ACCEPTED: Words("新参保地正在审核", "the new place is reviewing it"),
    LETTER_SENT: Words("联系函已发出，等原参保地办理", "the letter went to the old place"),
    OLD_PLACE: Words("原参保地正在办理", "the old place is working on it"),
    INFO_FORM: Words("信息表已到，等资金到账", "records are in, money on its way"),
    FUNDS: Words("资金已到账，新参保地正在合并", "money is in, records being joined"),
}
LEG_WORDS: Mapping[int, Words] = {
    1: Words("新参保地审核，发出联系函", "the new place reviews and sends a letter"),
    2: Words("原参保地出具信息表，转移资金", "the old place answers with your records and moves the money"),
    3: Words("新参保地合并缴费年限，办结", "the new place joins both and closes it"),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a transfer was refused or sent back, and what helps."""

    words: Words
    helps: Words


CAUSES: Mapping[str, Cause] = {
    "review_failed": Cause(
        Words("审核没有通过", "it did not pass the review"),
        Words(
            "系统只写了“审核未通过”，没有写原因，要由工作人员查清。您先不用重新申请。",
            "The platform gives no reason, so staff must find it out. You need not apply again yet.",
        ),
    ),
    "not_insured_here": Cause(
        Words("在新参保地还没有缴费记录", "no contributions at the new place"),
        Words(
            "请先在新参保地参保缴费，第二个月再申请。单位刚给您参保的，问一下单位哪天缴的费。",
            "First be insured at the new place, and apply in the month after. "
            "If you are newly employed, ask your employer when they paid.",
        ),
    ),
    "temporary_account": Cause(
        Words("您在新参保地是临时缴费账户", "your account there is a temporary one"),
        Words(
            "男满50岁、女满40岁第一次到外地参保的，不用往那里转；退休时再转到户籍地或待遇领取地。",
            "Who is first insured away from home at 50 (men) or 40 (women) need not transfer: that is done "
            "at retirement.",
        ),
    ),
    "drawing_pension": Cause(
        Words("您已经领取养老待遇", "you draw a pension already"),
        Words(
            "领取养老金以后不再转移。养老金有疑问，请到发放养老金的社保窗口核对。",
            "Once the pension is paid nothing is transferred. With doubts ask at the counter that pays it.",
        ),
    ),
    "records_overlap": Cause(
        Words("两地有重复缴费的月份", "months were paid in both places"),
        Words(
            "请带身份证到其中一地的社保窗口，选留一地的缴费、退掉重复的，再申请。",
            "Bring your ID card to the counter of either place, have the doubled months paid back, "
            "then apply again.",
        ),
    ),
    "records_differ": Cause(
        Words("两地登记的姓名或证件号码不一致", "name or ID differ between the places"),
        Words(
            "请带身份证到登记有误的那一地社保窗口改正，再申请。",
            "Bring your ID card to the counter of the place that has it wrong, then apply again.",
        ),
    ),
    "nothing_there": Cause(
        Words("原参保地没有查到您的缴费", "the old place found no contributions"),
        Words(
            "请核对原参保地有没有写错；写对的，请原单位或原参保地社保窗口查缴费记录。",
            "Check whether you named the right old place; if so, ask your former employer or its counter.",
        ),
    ),
    "papers_missing": Cause(
        Words("材料不齐或不清楚", "papers are missing or unclear"),
        Words(
            "请把材料补齐，在原来申请的地方重新提交。", "Complete them and submit again where you applied."
        ),
    ),
    "old_place_wrong": Cause(
        Words("原参保地填得不对", "the old place named is not right"),
        Words(
            "请改成您原来参保的地方，再重新提交。", "Name the place you were insured at, and submit again."
        ),
    ),
    "other": Cause(
        Words("经办机构没有写明原因", "the office gave no reason"),
        Words("请拨打12333转人工，问清原因再办。", "Call 12333 and press 0 to ask why."),
    ),
}


# --- parts -----------------------------------------------------------------------------------------


def cause(facts: Mapping[str, str]) -> Words:
    return CAUSES.get(facts.get("cause", ""), CAUSES["other"]).words


def place(code: str) -> str:
    """A place by its own name, a county with its city before it; a code that is none stays a code."""
    found = divisions.named(code.ljust(6, "0"))
    if found is None:
        return code or "外地"
    return "".join(found.names[-1:] if found.code.endswith("00") else found.names[-2:])


def places(facts: Mapping[str, str]) -> Words:
    """From where to where."""
    old, new = place(facts.get("from", "")), place(facts.get("to", ""))
    return Words(f"{old}转到{new}", f"from {old} to {new}")


def day(text: str, today: date) -> Words:
    """A day, with its year where that is another."""
    it = date.fromisoformat(text)
    year, year_en = (f"{it.year}年", f" {it.year}") if it.year != today.year else ("", "")
    return Words(f"{year}{it.month}月{it.day}日", f"{it.day} {it:%B}{year_en}")


def today(view: View) -> date:
    return view.now.astimezone(view.rules.zone).date()


def due(view: View) -> Words:
    """The leg's due date; 暂定 while the calendar on the way to it is not announced."""
    if not view.facts.get("due"):
        return Words("近日", "soon")
    said = day(view.facts["due"], today(view))
    if not view.facts.get("provisional"):
        return said
    return Words(f"{said.zh}（暂定）", f"{said.en} (provisional)")


def dial(rules: Rules) -> str:
    """The hotline for whoever may be out of town: those who transfer mostly are."""
    return rules.hotline_elsewhere


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    facts, number = view.facts, order(view)
    looked_into = (
        Words(f"已登记工单{number}", f"see work order {number}")
        if number
        else Words(f"请拨打{dial(view.rules)}转人工", f"please call {dial(view.rules)}")
    )
    where = WHERE.get(view.stage, Words("正在办理", "under way"))
    reason = REASONS.get(view.reason or "", REASONS["other"])
    both = {"where": where, "due": due(view), "cause": cause(facts), "help": looked_into, "reason": reason}
    values = {name: words.zh for name, words in both.items()}
    values |= {f"{name}_en": words.en for name, words in both.items()}
    values |= {"from": place(facts.get("from", "")), "to": place(facts.get("to", ""))}
    values |= {"leg": facts.get("leg") or "1", "area_code": view.rules.area_code}
    return values | {"days": str(view.rules.relation_transfer.leg_working_days), "reference": view.reference}


def order(view: View) -> str:
    """The work order that looks into it as it stands; "" for none."""
    what = "refused" if view.stage == legs.REFUSED else f"leg{view.facts.get('late', '')}"
    return view.facts.get(f"{legs.ORDER}{what}", "")
