"""Other bureaus' matters, and where they belong: the ``[[referrals]]`` of a city's rules. Pure.

Nobody is brushed off: whoever asks for what is not ours hears the number that is. The list given here
is the product's own, with the hours such lines usually keep; a city's file replaces it as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import text

MEDICAL = "medical"  # filings for treatment elsewhere are referred there
LAST = "government"  # whom to ask where nothing fits
ALWAYS = {MEDICAL, LAST}
LONGEST_ASKED = 60  # characters of what is searched for; the rest is not looked at


@dataclass(frozen=True, slots=True)
class Referral:
    """A line of another bureau. ``id`` is stable; ``words`` are what people look for it with."""

    id: str
    name: str
    name_en: str
    number: str
    hours: str
    hours_en: str
    matters: str
    matters_en: str
    words: tuple[str, ...] = ()


_ALWAYS = ("全天", "day and night")
_OFFICE = ("工作日 9:00–17:00", "working days 9:00–17:00")
REFERRALS = (
    Referral(
        MEDICAL,
        *("医疗保障局", "Medical insurance", "12393", *_OFFICE),
        *("医保报销、异地就医、生育保险", "medical insurance, treatment elsewhere, maternity"),
        ("医保", "医疗", "看病", "报销", "异地就医", "生育", "住院", "medical", "maternity", "hospital"),
    ),
    Referral(
        "housing_fund",
        *("住房公积金中心", "Housing fund", "12329", *_OFFICE),
        *("公积金提取、贷款、转移", "withdrawals, loans and transfers of the housing fund"),
        ("公积金", "住房", "房贷", "买房", "租房", "housing", "rent"),
    ),
    Referral(
        "tax",
        *("税务局", "Tax", "12366", *_OFFICE),
        *("个人所得税、社保费缴纳、发票", "income tax, paying contributions, invoices"),
        ("税", "缴费", "发票", "退税", "tax", "invoice", "contribution"),
    ),
    Referral(
        "civil",
        *("民政局", "Civil affairs", "12345", *_ALWAYS),
        *("低保、救助、高龄津贴、婚姻登记", "welfare, relief, old-age allowance, marriage"),
        ("民政", "低保", "救助", "高龄", "婚姻", "结婚", "离婚", "养老院", "welfare", "marriage"),
    ),
    Referral(
        "legal_aid",
        *("法律援助", "Legal aid", "12348", *_ALWAYS),
        *("免费法律咨询、申请律师帮助", "free legal advice, a lawyer's help"),
        ("法律", "律师", "打官司", "起诉", "公证", "legal", "lawyer", "court"),
    ),
    Referral(
        "anti_fraud",
        *("公安反诈专线", "Police, against fraud", "96110", *_ALWAYS),
        *("疑似诈骗的电话和短信、被骗求助", "suspicious calls and texts, help after fraud"),
        ("诈骗", "被骗", "骗子", "反诈", "假短信", "可疑", "fraud", "scam"),
    ),
    Referral(
        LAST,
        *("政务服务热线", "Government line", "12345", *_ALWAYS),
        *("其他部门的事，不知道找谁的事", "any other office, or not knowing whom to ask"),
        ("政府", "市长", "投诉", "其他", "government", "mayor"),
    ),
)


class ReferralSchema(Schema):
    """One ``[[referrals]]`` of a city's file."""

    id = text(r"[a-z][a-z0-9_]{0,31}", required=True)
    name = form.String(required=True, validate=validate.Length(1, 30))
    name_en = form.String(required=True, validate=validate.Length(1, 60))
    number = text(r"[0-9][0-9-]{2,19}", required=True)
    hours = form.String(required=True, validate=validate.Length(1, 60))
    hours_en = form.String(required=True, validate=validate.Length(1, 60))
    matters = form.String(required=True, validate=validate.Length(1, 60))
    matters_en = form.String(required=True, validate=validate.Length(1, 120))
    words = form.List(text(r"\S{1,20}"), validate=validate.Length(max=40))

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Referral:
        return Referral(**{**data, "words": tuple(data.get("words", ()))})


def check(given: Sequence[Referral]) -> None:
    """No two of one id, and none missing that is referred to."""
    ids = [one.id for one in given]
    if len(set(ids)) < len(ids):
        raise ValidationError("two have the same id", "referrals")
    if missing := ALWAYS - set(ids):
        raise ValidationError(f"must have {', '.join(sorted(missing))}: people are sent there", "referrals")


def of(given: Sequence[Referral], name: str) -> Referral:
    """The entry of this id, one of ``ALWAYS``."""
    return next(one for one in given if one.id == name)


def find(given: Sequence[Referral], asked: str) -> tuple[Referral, ...]:
    """Those whose words, name or number stand in what is asked, or begin so; the best first.

    Longer words say more than short ones. Nothing asked finds nothing.
    """
    wanted = "".join(asked[:LONGEST_ASKED].lower().split())
    scores = {one.id: _score(one, wanted) for one in given}
    return tuple(sorted((one for one in given if scores[one.id]), key=lambda one: -scores[one.id]))


def _score(one: Referral, wanted: str) -> int:
    if not wanted:
        return 0
    known = [one.number, one.name, one.name_en, *one.words]
    said = ["".join(word.lower().split()) for word in known]
    return max(len(word) if word in wanted else len(wanted) * (wanted in word) for word in said)
