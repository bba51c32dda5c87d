"""Why somebody is reminded of a loss report's end when they are. Pure."""

from __future__ import annotations

from gateway.rules.model import Rules
from gateway.transactions.judging import Because, Reminding
from gateway.transactions.model import Plan, Words


def because(_plan: Plan, rules: Rules) -> Because:
    said = Words("挂失到期自动解除前24小时", "24 hours before the report lapses by itself")
    return Because(said, "card_loss.duration", f"{rules.card_loss.duration} {rules.card_loss.unit}")


REMINDING = Reminding(
    because=because,
    checks=Words(
        "发出前再查卡系统：卡是否还在临时挂失，到期时间有没有变",
        "the card system is asked again just before: is it still blocked, until the same moment?",
    ),
    drops={
        "not_blocked": Words(
            "卡已解挂、正式挂失或换了新卡", "released, reported formally or replaced by then"
        ),
        "lasts_longer": Words(
            "又挂失了一次，到期更晚，提醒另定", "blocked anew for longer: planned for that end"
        ),
        "lapsed": Words("挂失已经到期", "it had lapsed by then"),
    },
)
