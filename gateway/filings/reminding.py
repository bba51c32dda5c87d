"""Why somebody is reminded of a filing's end when they are, and when by other rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.filings import standing
from gateway.rules.model import Rules
from gateway.transactions.judging import Because, Reminding
from gateway.transactions.model import Plan, Words


def again(plan: Plan, rules: Rules) -> Plan | None:
    _, end, days = plan.occasion.rsplit(" ", 2)
    if int(days) not in rules.filing.remind_days:
        return None
    return replace(plan, due_at=standing.reminder_at(end, int(days), rules))


def because(plan: Plan, rules: Rules) -> Because:
    _, end, days = plan.occasion.rsplit(" ", 2)
    said = Words(f"备案到{end}为止，提前{days}天提醒", f"the filing ends on {end}: {days} days before")
    return Because(said, "filing.remind_days", str(list(rules.filing.remind_days)))


DROPS: Mapping[str, Words] = {
    "not_in_force": Words("备案已经变更、取消或不再有效", "changed, cancelled or no longer in force"),
    "over": Words("备案已经到期", "the filing was over by then"),
    "not_found": Words("备案系统里没有此人", "the register knows nobody of this name and number"),
}
REMINDING = Reminding(
    because=because,
    checks=Words(
        "发出前再查备案系统：这份备案是否还有效，结束日期有没有改",
        "the register is asked again just before: is it in force, with the same end?",
    ),
    drops=DROPS,
    again=again,
)
