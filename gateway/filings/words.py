"""A filing in words for citizens: its parts, the values of its messages, and what confirming does. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway import referral_rules
from gateway.filings import fields, kinds
from gateway.filings.kinds import KINDS
from gateway.rules.model import Rules
from gateway.transactions.model import Case, View, Words

TITLE = Words("备案登记", "Filing")
REASONS: Mapping[str, Words] = {
    "not_found": Words("没有查到您的参保登记", "no insurance record was found"),
    "name_mismatch": Words("姓名和参保登记的不一致", "the name differs from the record"),
    "not_entitled": Words("您的情况不符合这项备案的条件", "you do not meet its conditions"),
    "in_review": Words("同一项备案正在审核，不能重复报", "one of this kind is under review"),
    "nothing_filed": Words("没有查到有效的这项备案", "there is no such filing in force"),
    "not_returned": Words("这份备案已经审完，不能再改", "it has been decided meanwhile"),
    "destination_unknown": Words("备案系统里没有这个地方", "the register knows no such place"),
    "filed_elsewhere": Words("您在外地已有备案", "you have filed in another place"),
    "address_unclear": Words("地址不清楚", "the address is not clear"),
    "contact_unreachable": Words("联系电话打不通", "nobody answered the telephone"),
    "dates_wrong": Words("起止日期有误", "the dates are wrong"),
    "destination_wrong": Words("居住地填得不对", "the place is not right"),
    "reason_unclear": Words("原因不清楚", "the reason is not clear"),
    "other": Words("备案部门没有受理", "the office could not take it"),
}


# --- parts -----------------------------------------------------------------------------------


def kind(facts: Mapping[str, str]) -> Words:
    found = KINDS.get(facts.get("kind", ""))
    return found.words if found else TITLE


def span(facts: Mapping[str, str]) -> Words:
    """From when until when."""
    if not facts.get("start"):
        return Words("长期", "for good")
    start = fields.day(facts["start"])
    if not facts.get("end"):
        return Words(f"{start.zh}起长期", f"from {start.en} on")
    end = fields.day(facts["end"])
    return Words(f"{start.zh}至{end.zh}", f"{start.en} to {end.en}")


def reason(word: str | None) -> Words:
    return REASONS.get(word or "", REASONS["other"])


def by(facts: Mapping[str, str]) -> Words:
    if not facts.get("by"):
        return Words("几天之内", "in a few days")
    it = date.fromisoformat(facts["by"])
    return Words(f"{it.month}月{it.day}日前", f"by {it.day} {it:%B}")


def personalise(view: View) -> Mapping[str, str]:
    """The values of every message template of this type."""
    values = {"kind": kind(view.facts), "span": span(view.facts), "by": by(view.facts)}
    values |= {"end": fields.day(view.facts.get("end", "")), "reason": reason(view.reason)}
    both = [(name, words.zh) for name, words in values.items()]
    return dict([*both, *((f"{name}_en", words.en) for name, words in values.items())]) | {
        "reference": view.reference
    }


# --- before it is confirmed ------------------------------------------------------------------


def medical(rules: Rules) -> Words:
    """Whose matter it is; nothing was filed."""
    bureau = referral_rules.of(rules.referrals, referral_rules.MEDICAL)
    return Words(
        f"异地就医备案由医保局办理，请拨打医保热线{bureau.number}（{bureau.hours}）。这里没有提交。"
        "要办社保的备案，请另选一项。",
        f"Filings for treatment elsewhere are made with the medical-insurance bureau: call "
        f"{bureau.number} ({bureau.hours_en}). Nothing was filed here; for social insurance "
        "choose another.",
    )


def effect(rules: Rules) -> Sequence[Words]:
    """What confirming will do, whatever is filed."""
    days = rules.filing.review_working_days
    return [
        Words(
            f"报给人社部门审核，一般{days}个工作日内审完，结果发短信告诉您。",
            f"It is reviewed, usually within {days} working days; a text message tells the result.",
        ),
        Words(
            "填得不对会退回，改好再交就行，不用从头办。",
            "If something is wrong it comes back to you; correct it, there is no need to start again.",
        ),
    ]


def effect_of(case: Case) -> Sequence[Words]:
    """The same of these answers: the commitment whole, or what ending one means."""
    what = kind(case.answers)
    if not kinds.is_filed(case.answers):
        return [
            Words(f"您的{what.zh}会马上取消。", f"Your filing ({what.en}) ends at once."),
            Words("以后要再办，需要重新报、重新审核。", "To have it again, file it anew."),
        ]
    lasts = span(case.answers)
    said = [*effect(case.rules), Words(f"通过后的期限：{lasts.zh}。", f"Once approved it holds {lasts.en}.")]
    if case.replaces:
        said.append(
            Words(
                "新的通过以前，原来的备案继续有效。",
                "Until then the one you have stays in force.",
            )
        )
    return [*said, commitment(case.rules)]


def commitment(rules: Rules) -> Words:
    """The letter of commitment, whole."""
    rule = rules.filing
    version = rule.commitment_version
    return Words(
        f"您同意的承诺书（第{version}版）：{rule.commitment}",
        f"The commitment you agree to (version {version}): {rule.commitment_en}",
    )
