"""What a message costs, as far as the settings say what its provider charges. Pure.

Nobody's price is built in: a contract says it, and it changes. Where no setting does, the amount
is unknown, and only what is charged for is counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from gateway.channels import email, sms, voice
from gateway.config import Settings

PLAYS = 2  # how often a call says its text where the person may be an elder
MINUTE = 60  # seconds


@dataclass(frozen=True, slots=True)
class Price:
    """``parts`` of a text message, begun minutes of a call, or one e-mail, at ``rate`` each.

    ``rate`` and ``amount`` are None, and ``currency`` is empty, where no price is set.
    """

    parts: int
    rate: Decimal | None
    amount: Decimal | None
    currency: str
    provider: str


def estimate(
    settings: Settings, channel: str, address: str, body: str, signature: str, provider: str = ""
) -> Price:
    """What a message to this address would cost with a provider, or with the likeliest one.

    ``signature`` is without its 【】. A call is counted as said twice to the end.
    """
    name = provider or likeliest(settings, channel, address)
    parts = units(channel, body, signature)
    tariff = settings.tariffs.get(name)
    there = tariff.for_address(address) if tariff else None
    if there is None or there.rate is None:
        return Price(parts, None, None, "", name)
    return Price(parts, there.rate, there.rate * parts, there.currency, name)


def units(channel: str, body: str, signature: str) -> int:
    """How many times a provider charges for it."""
    if channel == sms.SUFFIX:
        return sms.parts(body, signature)
    if channel == voice.SUFFIX:
        return max(1, math.ceil(voice.seconds(body) * PLAYS / MINUTE))
    return email.parts(body, signature)


def likeliest(settings: Settings, channel: str, address: str) -> str:
    """The provider with the greatest weight for this address; "" where the channel is closed."""
    weights = settings.providers.get(channel, {})
    for code, others in settings.destinations.get(channel, {}).items():
        if address.startswith(f"+{code}"):
            weights = others
    return max((name for name, weight in weights.items() if weight), key=weights.__getitem__, default="")
