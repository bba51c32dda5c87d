"""What a notification cost, in GOV.UK Notify's keys. Known once it was handed over, if its price is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from gateway.channels.sms import HOME
from gateway.config import Settings
from gateway.content import price
from gateway.notifications.request import TEST
from gateway.notifications.status import ENDS

NOT_KNOWN: dict[str, Any] = {
    "is_cost_data_ready": False,
    "cost_in_pounds": None,
    "cost_details": {},
    "cost_currency": None,
}
NOTHING = {**NOT_KNOWN, "is_cost_data_ready": True, "cost_in_pounds": 0.0}


def of(settings: Settings, row: Row[Any], address: str | None, body: str, signature: str) -> dict[str, Any]:
    """The cost of one; an e-mail costs nothing, and so does what no provider was given."""
    if row.channel == "email" or row.key_type == TEST or (row.status in ENDS and not row.handed_over_at):
        return NOTHING
    if not row.handed_over_at or not address or not body:
        return NOT_KNOWN
    found = price.estimate(settings, row.channel, address, body, signature, row.provider or "")
    if found.rate is None or found.amount is None:
        return NOT_KNOWN
    home = settings.tariffs[found.provider].for_address(HOME)
    base = home.rate if home.rate and home.currency == found.currency else found.rate
    return {
        "is_cost_data_ready": True,
        "cost_in_pounds": float(found.amount),
        "cost_details": _parts(found, base) if row.channel == "sms" else {},
        "cost_currency": found.currency,
    }


def _parts(found: price.Price, base: Decimal) -> dict[str, Any]:
    assert found.rate is not None
    return {
        "billable_sms_fragments": found.parts,
        "international_rate_multiplier": float(round(found.rate / base, 4)) if base else 1.0,
        "sms_rate": float(base),
    }
