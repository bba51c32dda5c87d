"""What fills the texts of a change, and which text tells of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.information_rules import EMAIL, MOBILE
from gateway.records.reasons import CHANGED, COUNTER, ITEMS, REASONS, REVIEWING, SOMETHING
from gateway.rules.model import Rules
from gateway.security import mask_email
from gateway.transactions.model import State, View, Words


def shown(item: str, value: str) -> Words:
    """A new value as it may stand where others can see it."""
    match item:
        case "mobile":
            return Words(f"尾号{value[-4:]}", f"ending in {value[-4:]}")
        case "email":
            masked = mask_email(value)
            return Words(masked, masked)
        case "postcode":
            return Words(value, value)
        case _:
            return Words("新的内容", "the new one")


def values(facts: Mapping[str, str], reference: str, rules: Rules, reason: str | None) -> Mapping[str, str]:
    """What fills every text of this type."""
    item, reason_words = ITEMS.get(facts.get("item", ""), SOMETHING), why(reason)
    due, new = day(facts.get("due_at"), rules), _told(facts)
    return {
        "name": facts.get("name", ""),
        "item": item.zh,
        "item_en": item.en,
        "value": new.zh,
        "value_en": new.en,
        "hours": str(rules.information_change.hold_hours),
        "datum": facts.get("datum", ""),
        "datum_en": facts.get("datum_en", ""),
        "due": due.zh,
        "due_en": due.en,
        "reference": reference,
        "reason": reason_words.zh,
        "reason_en": reason_words.en,
    }


def _told(facts: Mapping[str, str]) -> Words:
    """The new value in a message: how an e-mail address begins, for vendors take the rest for a link."""
    value = facts.get("value", "")
    if facts.get("item") == EMAIL and value:
        return Words(f"{value[0]}开头的新邮箱", f"one that begins with {value[0]}")
    return Words(value, facts.get("value_en", ""))


def personalise(view: View) -> Mapping[str, str]:
    return values(view.facts, view.reference, view.rules, view.reason)


def event(view: View) -> str:
    """What has a text of its own: papers to bring, a review, another mobile or e-mail address."""
    match view.state, view.stage:
        case State.SUCCEEDED, "counter":
            return COUNTER
        case State.SUBMITTED, "pending_review":
            return REVIEWING
        case State.SUCCEEDED, _ if view.facts.get("item") in (MOBILE, EMAIL):
            return CHANGED
        case _:
            return view.state.value


def why(reason: str | None) -> Words:
    return REASONS.get(reason or "", REASONS["other"])


def day(text: str | None, rules: Rules) -> Words:
    if not text:
        return Words("近日", "a few days")
    local = datetime.fromisoformat(text).astimezone(rules.zone)
    return Words(f"{local.month}月{local.day}日", f"{local.day} {local:%B}")


def moment(text: str, rules: Rules) -> Words:
    local = datetime.fromisoformat(text).astimezone(rules.zone)
    return Words(f"{local.month}月{local.day}日{local:%H:%M}", f"{local:%H:%M} on {local.day} {local:%B}")
