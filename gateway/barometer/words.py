"""The barometer in words: its measures, its groups, its days; for pages, files and the command."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.barometer.report import Line, Shown
from gateway.barometer.spans import Asked, Span
from gateway.barometer.store import Measure
from gateway.errors import UnknownNameError
from gateway.rules.model import Rules
from gateway.transactions import registry
from gateway.transactions.model import Words

NAMES: Mapping[str, Words] = {
    Measure.BEGUN: Words("开始办的", "begun"),
    Measure.DONE: Words("办好的", "done"),
    Measure.TURNED_DOWN: Words("没有通过的", "turned down"),
    Measure.FAILED: Words("没有办成的", "failed"),
    Measure.LEFT: Words("没办完或取消的", "not finished"),
    Measure.CALLS: Words("电话", "calls"),
    Measure.TO_PERSON: Words("其中转人工", "put through to a person"),
    Measure.CALL_BACKS: Words("要回电的", "call-backs asked for"),
    "on_time": Words("按时答复率", "promises kept in time"),
    "satisfied": Words("满意率", "satisfied"),
}
RATES = ("on_time", "satisfied")
GROUPS: Mapping[str, Words] = {
    "face": Words("从哪里办", "By way"),
    "district": Words("区县", "By district"),
    "band": Words("年龄段", "By age"),
    "insured": Words("参保类型", "By insured type"),
}
_KEYS: Mapping[str, Words] = {
    "": Words("不明", "not known"),
    "web": Words("网页", "web"),
    "phone": Words("电话", "telephone"),
    "api": Words("其他系统", "other systems"),
    "system": Words("系统自动", "opened by itself"),
    "employee": Words("单位职工", "employees"),
    "flexible": Words("灵活就业", "flexibly employed"),
    "resident": Words("城乡居民", "residents"),
    "pensioner": Words("领养老金的", "pensioners"),
}
PRIVACY = Words(
    "不足5人的数字不显示（<5）；能从合计算出来的，另藏一个（–）。统计里没有任何人的编号。",
    "Numbers of fewer than five people are not shown (<5), nor one more where a total would tell them (–). "
    "The counts name nobody.",
)

GROUPED = Words(
    "按人群的数只按整周（周一到周日）统计：差一天的两张表相减，会看出个别人。",
    "Groups of people are told of whole weeks alone, Monday to Sunday: "
    "two reports a day apart would tell of single people.",
)


def of_matter(name: str) -> Words:
    """A type of transaction; one this release does not know has its own name."""
    try:
        return registry.get(name).title
    except UnknownNameError:
        return Words(name, name)


def of_group(by: str, key: str, rules: Rules) -> Words:
    """A group of people, or a way."""
    if by == "district" and key in rules.districts:
        return Words(rules.districts[key].name, rules.districts[key].name_en)
    if by == "band" and key:
        years = key.replace("-", "–")
        return Words(f"{years[:-1]}岁以上" if key.endswith("+") else f"{years}岁", years)
    return _KEYS.get(key, Words(key, key))


def number(line: Line, value: Shown | None) -> str:
    """A line's number, or rate."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value}%" if line.name in RATES else f"{value:,}"


def change(line: Line) -> str:
    """+12%, −3%, or points of a rate; "" where it cannot be told."""
    if line.change is None:
        return ""
    unit = "" if line.name in RATES else "%"
    return f"{'−' if line.change < 0 else '+'}{abs(line.change)}{unit}"


def span(days: Span) -> str:
    return f"{days.first} – {days.last}" if days.length > 1 else str(days.first)


def title(asked: Asked) -> Words:
    """What a report is called."""
    if asked.policy:
        named = f"：{asked.name}" if asked.name else ""
        about = f": {asked.name}" if asked.name else ""
        return Words(f"{asked.policy}政策前后{named}", f"Around the policy of {asked.policy}{about}")
    return Words(span(asked.span), span(asked.span))
