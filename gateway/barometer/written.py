"""A report as others read it: JSON, CSV, plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from gateway import plots
from gateway.barometer import words
from gateway.barometer.report import DAILY, Line, Report, Shown
from gateway.barometer.spans import Span
from gateway.barometer.store import Measure
from gateway.rules.model import Rules

HEAD = ("part", "name", "name_zh", "name_en", "measure", "now", "before", "change")
_LEADING = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out


def as_json(report: Report) -> dict[str, Any]:
    """Plain values; a number nobody is told of stands as ``<5`` or ``–``."""
    asked = report.asked
    return {
        "span": _days(asked.span),
        "before": _days(asked.before),
        "policy": {"day": str(asked.policy), "name": asked.name} if asked.policy else None,
        "counted_at": report.counted_at.isoformat() if report.counted_at else None,
        "headline": [_line(one) for one in report.headline],
        "matters": [
            {**_line(one.line), **{str(measure): value for measure, value in one.ended.items()}}
            for one in report.matters
        ],
        "weeks": _days(report.weeks) if report.weeks else None,
        "groups": {by: [_line(one) for one in lines] for by, lines in report.groups.items()},
        "days": [
            {"day": str(one.day), **{str(measure): value for measure, value in one.sums.items()}}
            for one in report.days
        ],
        "privacy": words.PRIVACY.en,
    }


def _days(span: Span) -> dict[str, str]:
    return {"first": str(span.first), "last": str(span.last)}


def _line(line: Line) -> dict[str, Any]:
    return {"name": line.name, "now": line.now, "before": line.before, "change": line.change}


# --- CSV -------------------------------------------------------------------------------------------


def as_csv(report: Report, rules: Rules) -> str:
    """One row for each number, with both languages' names; opens in a spreadsheet as it is."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    writer.writerows([_plain(value) for value in row] for row in _rows(report, rules))
    return out.getvalue()


def _rows(report: Report, rules: Rules) -> Iterator[tuple[Any, ...]]:
    for line in report.headline:
        named = words.NAMES[line.name]
        yield "headline", line.name, named.zh, named.en, line.name, line.now, line.before, line.change
    for matter in report.matters:
        line, named = matter.line, words.of_matter(matter.line.name)
        who = ("matter", line.name, named.zh, named.en)
        yield *who, str(Measure.BEGUN), line.now, line.before, line.change
        for measure, value in matter.ended.items():
            yield *who, str(measure), value, None, None
    for by, lines in report.groups.items():
        for line in lines:
            named = words.of_group(by, line.name, rules)
            yield by, line.name, named.zh, named.en, str(Measure.BEGUN), line.now, line.before, line.change
    for one in report.days:
        for measure, value in one.sums.items():
            yield "day", str(one.day), "", "", str(measure), value, None, None


def _plain(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_LEADING) and not text.lstrip("+-").isdigit() else text


# --- plots ----------------------------------------------------------------------------------------------


def drawn(report: Report) -> Mapping[str, str]:
    """The days, and what was asked most, as SVG by name."""
    policy = report.asked.policy
    labels = [f"{one.day:%m-%d}{'▲' if one.day == policy else ''}" for one in report.days]
    daily = {_both(measure): [_height(one.sums[measure]) for one in report.days] for measure in DAILY}
    about = f"每天的数 Numbers by day, {words.span(report.asked.shown)}"
    most = report.matters[:MOST]
    now = [_height(one.line.now) for one in most]
    before = [_height(one.line.before) for one in most]
    names = [words.of_matter(one.line.name).zh for one in most]
    return {
        "days": plots.lines(about, labels, daily),
        "matters": plots.bars("办得最多的 Asked most", names, {"这段时间 now": now, "之前 before": before}),
    }


MOST = 8  # matters of the plot


def _both(measure: Measure) -> str:
    return f"{words.NAMES[measure].zh} {words.NAMES[measure].en}"


def _height(value: Shown | None) -> int | None:
    """What is not told is not drawn."""
    return value if isinstance(value, int) else None
