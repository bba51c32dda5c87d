"""The kinds of filings, what each asks for and why people file it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.transactions.model import Words

MEDICAL = "medical"  # another bureau's: told where to go, never filed here
FILE, CANCEL = "file", "cancel"
OPEN_ENDED, DATED = "open", "dated"


@dataclass(frozen=True, slots=True)
class Kind:
    """``elsewhere``: it names where somebody lives outside the city; ``lasts``: it may have an end.

    ``reasons`` are the answers to why it is filed.
    """

    words: Words
    about: Words
    elsewhere: bool = False
    lasts: bool = False
    reasons: Mapping[str, Words] = field(default_factory=dict)


_LIVING = {
    "children": Words("投靠子女或亲属", "To live with children or relatives"),
    "hometown": Words("回原籍养老", "Back to the home town"),
    "settled": Words("在外地定居", "Settled there"),
    "other": Words("其他原因", "Another reason"),
}
KINDS: Mapping[str, Kind] = {
    "pensioner_elsewhere": Kind(
        Words("退休人员异地居住备案", "Pensioner living elsewhere"),
        Words("退休后长住外地的", "For who has retired and lives in another place"),
        elsewhere=True,
        lasts=True,
        reasons=_LIVING,
    ),
    "injury_elsewhere": Kind(
        Words("工伤职工异地居住备案", "Work-injury patient elsewhere"),
        Words("工伤后要在外地居住、治疗的", "For who lives or is treated elsewhere after an injury at work"),
        elsewhere=True,
        lasts=True,
        reasons={
            "treatment": Words("在外地治疗或康复", "Treatment or rehabilitation there"),
            **_LIVING,
        },
    ),
    "flexible": Kind(
        Words("灵活就业登记", "Flexible employment"),
        Words("没有单位、自己干活的", "For who works for themselves"),
        reasons={
            "self_employed": Words("个体经营", "A business of one's own"),
            "part_time": Words("非全日制工作", "Part-time work"),
            "platform": Words("平台接单，比如外卖、网约车", "Through a platform: deliveries, rides"),
            "other": Words("其他灵活就业", "Something else"),
        },
    ),
    "employment": Kind(
        Words("就业登记", "Employment"),
        Words("找到工作的", "For who has found work"),
        reasons={
            "employed": Words("被单位录用", "Employed"),
            "own_business": Words("自己创业", "A business of one's own"),
        },
    ),
    "unemployment": Kind(
        Words("失业登记", "Unemployment"),
        Words("失去工作、正在找工作的", "For who has lost work and looks for some"),
        reasons={
            "dismissed": Words("被单位解除合同", "Dismissed"),
            "expired": Words("合同到期", "The contract ended"),
            "resigned": Words("自己辞职", "Resigned"),
            "closed": Words("单位关闭或停业", "The employer closed"),
            "never": Words("还没有工作过", "Never employed yet"),
        },
    ),
}
REQUESTS: Mapping[str, Words] = {
    FILE: Words("登记备案", "File it"),
    CANCEL: Words("取消已有的备案", "End a filing there is"),
}
LASTING: Mapping[str, Words] = {
    OPEN_ENDED: Words("长期，没有结束日期", "For good, without an end"),
    DATED: Words("有结束日期", "It has an end"),
}


def of(answers: Mapping[str, str]) -> Kind | None:
    """The kind that was answered, where it is one that is filed here."""
    return KINDS.get(answers.get("kind", ""))


def is_filed(answers: Mapping[str, str]) -> bool:
    """Whether something is to be filed, and not ended."""
    return answers.get("request") == FILE


def is_elsewhere(answers: Mapping[str, str]) -> bool:
    kind = of(answers)
    return is_filed(answers) and kind is not None and kind.elsewhere


def may_last(answers: Mapping[str, str]) -> bool:
    kind = of(answers)
    return is_filed(answers) and kind is not None and kind.lasts


def has_end(answers: Mapping[str, str]) -> bool:
    return may_last(answers) and answers.get("lasting") == DATED
