"""Aliyun's parameters, read as strictly as the vendor reads them, and its references."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from integrations.sandbox.dice import DICE
from integrations.sandbox.signature import Refused

Params = Mapping[str, str]
NUMBERS = 100_000  # five digits
MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})", re.ASCII)
_given: dict[int, set[int]] = {}  # the last millisecond, and its numbers


def needed(params: Params, name: str) -> str:
    """A parameter that has to be there."""
    value = params.get(name)
    if not value:
        raise Refused(f"Missing{name}", f"{name} is mandatory for this action.", 400)
    return value


def loaded(text: str, kind: type[Any]) -> Any:
    """A parameter in JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise Refused("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值")
    return value


def mobile(number: Any) -> str:
    """A mainland mobile, bare."""
    found = MOBILE.fullmatch(str(number))
    if not found:
        raise Refused("isv.MOBILE_NUMBER_ILLEGAL", f"{number}invalid mobile number")
    return found[1]


def reference(now: float) -> str:
    """A new BizId or CallId: none twice, however many in a millisecond."""
    moment = int(now * 1000)
    if moment not in _given:
        _given.clear()
    numbers = _given.setdefault(moment, set())
    number = DICE.of("aliyun").randrange(NUMBERS)
    while number in numbers:
        number = (number + 1) % NUMBERS
    numbers.add(number)
    return f"{moment:013d}{number:05d}^0"
