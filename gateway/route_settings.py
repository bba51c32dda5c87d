"""What the settings say of those who carry: weights by channel and destination, what each may be given.

``SMS_PROVIDERS`` names a channel's providers with their weights; ``SMS_PROVIDERS_86`` has other
weights for numbers with that calling code. ``ALIYUN_SMS_PER_SECOND``, ``…_PER_DAY`` and
``…_CONCURRENT`` bound what all workers together hand to one provider. ``ALIYUN_SMS_PRICE`` is what
it charges, ``TWILIO_SMS_PRICE_44`` what for numbers with that calling code.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.errors import SettingError

Weights = Mapping[str, int]
_CODE = re.compile(r"[1-9][0-9]{0,2}")
_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one provider may be given, by all workers together; 0: as much as it takes.

    ``per_second`` and ``per_day`` are messages, ``concurrent`` is calls at the same time.
    """

    per_second: int = 0
    per_day: int = 0
    concurrent: int = 0


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a provider charges for a part of a text message, a begun minute of a call, or an e-mail.

    ``rate`` None: nobody said. ``towards`` has other rates by calling code.
    """

    rate: Decimal | None = None
    currency: str = ""
    towards: Mapping[str, Tariff] = field(default_factory=dict, hash=False)

    def for_address(self, address: str) -> Tariff:
        """That for numbers of its calling code, else the general one."""
        for code, there in self.towards.items():
            if address.startswith(f"+{code}"):
                return there
        return self


def weights(environment: Mapping[str, str], key: str, default: str) -> dict[str, int]:
    """The providers a setting names, each with its weight; ``SettingError`` for what is none."""
    found: dict[str, int] = {}
    given = environment.get(key, default)
    for item in filter(None, (part.strip() for part in given.split(","))):
        name, _, weight = item.partition("=")
        if not name.isidentifier() or not (weight or "1").isdigit():
            raise SettingError(f"{key} has {item!r}; write names with weights, like aliyun_sms=3,other=1.")
        found[name] = int(weight or "1")
    return found


def destinations(environment: Mapping[str, str], key: str, known: Weights) -> dict[str, Weights]:
    """The weights by calling code, of the settings ``<key>_<code>``; each names known providers only."""
    found: dict[str, Weights] = {}
    for name in environment:
        prefix, _, code = name.rpartition("_")
        if prefix != key or not environment[name]:
            continue
        if not _CODE.fullmatch(code):
            raise SettingError(f"{name}: put a calling code after {key}_, like {key}_86.")
        found[code] = weights(environment, name, "")
        if strange := sorted(set(found[code]) - set(known)):
            raise SettingError(f"{name} names {strange[0]}, which {key} does not; add {strange[0]}=0 there.")
        if not any(found[code].values()):
            raise SettingError(f"{name} names no provider with a weight above 0; leave it out or name one.")
    return found


def allowances(environment: Mapping[str, str], names: Collection[str]) -> dict[str, Allowance]:
    """What each provider may be given, where a setting says so."""
    found = {}
    for name in names:
        one = Allowance(
            *(
                _whole(environment, f"{name.upper()}_{what}")
                for what in ("PER_SECOND", "PER_DAY", "CONCURRENT")
            )
        )
        if one != Allowance():
            found[name] = one
    return found


_PRICE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,6})?) ([A-Z]{3})")


def tariffs(environment: Mapping[str, str], names: Collection[str]) -> dict[str, Tariff]:
    """What each provider charges, where a setting says so."""
    found = {}
    for name in names:
        key = f"{name.upper()}_PRICE"
        codes = {one.removeprefix(f"{key}_"): one for one in environment if one.startswith(f"{key}_")}
        if strange := [one for code, one in codes.items() if not _CODE.fullmatch(code)]:
            raise SettingError(f"{strange[0]}: put a calling code after {key}_, like {key}_86.")
        towards = {code: _tariff(environment, one) for code, one in codes.items() if environment[one]}
        general = _tariff(environment, key)
        if general.rate is not None or towards:
            found[name] = Tariff(general.rate, general.currency, towards)
    return found


def _tariff(environment: Mapping[str, str], key: str) -> Tariff:
    given = environment.get(key)
    if not given:
        return Tariff()
    price = _PRICE.fullmatch(given)
    if price is None:
        raise SettingError(f"{key} must be an amount and a currency, like 0.045 CNY, not {given!r}.")
    return Tariff(Decimal(price[1]), price[2])


def _whole(environment: Mapping[str, str], key: str) -> int:
    given = environment.get(key)
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and 0 < int(given) <= _MOST):
        raise SettingError(f"{key} must be a whole number above 0, not {given!r}. Without it: no bound.")
    return int(given)
