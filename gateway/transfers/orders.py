"""The work order that a transfer opens by itself when it stands still or was refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.back_offices import Opening
from gateway.rules.model import Rules
from gateway.transfers import words
from gateway.transfers.legs import ORDER, REFUSED, STAGES

TYPE = "work_order"
KIND = "consultation"


def needed(where: str, facts: Mapping[str, str], rules: Rules) -> Opening | None:
    """The order for what stands so; of each transfer once for each leg, and once for a refusal."""
    number = facts["number"]
    wanted = rules.relation_transfer.orders
    if where == REFUSED and "refused" in wanted:
        return _order("refused", number, f"没有通过，原因：{words.cause(facts).zh}。请核实原因和补救办法")
    if facts.get("late") and "stalled" in wanted:
        begun = date.fromisoformat(facts["begun"])
        days = rules.relation_transfer.leg_working_days
        what = f"第{facts['late']}步“{STAGES[where].words.zh}”自{begun.year}年{begun.month}月{begun.day}日"
        return _order(f"leg{facts['late']}", number, f"{what}起超过{days}个工作日没有办完，请催办")
    return None


def _order(what: str, number: str, said: str) -> Opening:
    answers = {"kind": KIND, "text": f"养老关系转移{said}，并答复市民。"}
    return Opening(TYPE, answers, f"{ORDER}{what}", f"transfer {number[:40]} {what}")


def kept(facts: Mapping[str, str]) -> dict[str, str]:
    """The references of those opened before."""
    return {name: value for name, value in facts.items() if name.startswith(ORDER)}
