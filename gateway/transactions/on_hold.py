"""The words of a risky transaction that was refused because a hold stands for its citizen. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.rules.model import Rules
from gateway.transactions.model import View, Words

ON_HOLD = "on_hold"  # the reason
UNTIL = "on_hold_until"  # the fact that says until when, in ISO 8601


def reason(view: View) -> Words:
    """Why not now, to be put after "this could not be done: "."""
    return _why(view.facts.get(UNTIL), view.rules)


def not_yet(until: str, rules: Rules) -> Words:
    """The same before anybody confirms what would come to nothing."""
    why = _why(until, rules)
    return Words(f"现在还不能办：{why.zh}。", f"This cannot be done yet: {why.en}.")


def _why(until: str | None, rules: Rules) -> Words:
    if not until:
        return Words(
            "登记的信息刚改过，为了安全要先等一等", "your details changed lately; for safety this waits"
        )
    local = datetime.fromisoformat(until).astimezone(rules.zone)
    return Words(
        f"登记的信息刚改过，为了安全，{local.month}月{local.day}日{local:%H:%M}以后才能办",
        f"your details changed lately; for safety this waits until {local:%H:%M} on {local.day} {local:%B}",
    )
