"""Twilio's parameters, read as strictly as the vendor reads them, and its refusals and ids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from yarl import URL

from integrations.sandbox.dice import DICE

Params = Mapping[str, Sequence[str]]

STATUSES = {"20003": 401, "20404": 404, "20429": 429, "20500": 500, "20503": 503}
MAINLAND_MOBILE = r"\+861[3-9]\d{9}"
MAINLAND_LANDLINE = r"\+86(?:10|2\d|[3-9]\d\d)\d{7,8}"
ABROAD = r"\+(?!86)[1-9]\d{6,14}"


class Refusal(Exception):
    """The vendor's no: one of its error codes, and the HTTP status it comes with."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status or STATUSES.get(code, 400)

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "code": int(self.code) if self.code.isdecimal() else self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def several(text: str) -> Params:
    """The names of a query or a form, and the values of each."""
    values: dict[str, list[str]] = {}
    for name, value in URL.build(query_string=text, encoded=True).query.items():
        values.setdefault(name, []).append(value)
    return values


def one(params: Params, name: str) -> str:
    """A parameter; "" when it is not there."""
    return params.get(name, [""])[-1]


def needed(params: Params, name: str, code: str) -> str:
    """A parameter that has to be there."""
    value = one(params, name)
    if not value:
        raise Refusal(code, f"A '{name}' is required.")
    return value


def is_number(text: str) -> bool:
    """Whether it is written as a telephone number, E.164."""
    return bool(re.fullmatch(r"\+[1-9]\d{6,14}", text, re.ASCII))


def is_mobile(number: str) -> bool:
    """Whether it can take a text."""
    return bool(re.fullmatch(f"{MAINLAND_MOBILE}|{ABROAD}", number, re.ASCII))


def is_landline(number: str) -> bool:
    """Whether it is a mainland landline."""
    return bool(re.fullmatch(MAINLAND_LANDLINE, number, re.ASCII))


def e164(handset: str) -> str:
    """A handset's number as Twilio writes it."""
    mainland = re.fullmatch(r"1[3-9]\d{9}", handset, re.ASCII)
    return f"+86{handset}" if mainland else f"+{handset}"


def within(params: Params, name: str, least: int, most: int) -> None:
    """A number, if given, is in its range."""
    text = one(params, name)
    if text and not (re.fullmatch(r"\d{1,6}", text, re.ASCII) and least <= int(text) <= most):
        raise Refusal("20001", f"{name} is a number from {least} to {most}.")


def chosen(params: Params, name: str, *words: str) -> str:
    """A parameter that is one of these words, or "" when it is not there."""
    word = one(params, name)
    if word and word not in words:
        raise Refusal("20001", f"{name} is one of {', '.join(words)}.")
    return word


def callback_url(params: Params) -> str:
    """StatusCallback; "" when nobody wants to know."""
    url = one(params, "StatusCallback")
    if url and not is_absolute(url):
        raise Refusal("21609", "The StatusCallback URL is not a valid URL.")
    return url


def is_absolute(url: str) -> bool:
    """Whether it is a whole web address."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def new_sid(prefix: str) -> str:
    """An id: SM, CA …, and 32 digits."""
    return prefix + DICE.of("twilio").randbytes(16).hex()


def rfc2822(at: float) -> str | None:
    """Epoch seconds as the vendor writes them; None while it has not come to that."""
    return _second(int(at)) if at else None


@lru_cache(4096)
def _second(at: int) -> str:
    return formatdate(at).replace("-0000", "+0000")
