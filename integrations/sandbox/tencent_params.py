"""Tencent Cloud's parameters, read from a JSON body as strictly as the vendor reads them; its refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

Params = Mapping[str, Any]


class Refused(Exception):
    """The vendor's no: one of its codes, of a whole call or of one number. The HTTP status is 200 always."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or code


def read(body: bytes, known: Collection[str]) -> Params:
    """The parameters of an action that takes those in ``known``."""
    try:
        params = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        params = None
    if not isinstance(params, dict):
        raise Refused("InvalidParameter", "The request body is not a JSON object.")
    for name in params:
        if name not in known:
            raise Refused("UnknownParameter", f"The parameter `{name}` is not recognized.")
    return {name: value for name, value in params.items() if value is not None}


def text(params: Params, name: str, usual: str | None = None) -> str:
    """A text; one without ``usual`` has to be there."""
    value = _given(params, name, usual)
    if not isinstance(value, str):
        raise _wrong(name, "string")
    if usual is None and not value:
        raise _missing(name)
    return value


def number(params: Params, name: str, usual: int | None = None) -> int:
    """A whole number; one without ``usual`` has to be there."""
    value = _given(params, name, usual)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, "integer")
    return value


def several(params: Params, name: str, kind: type[Any]) -> list[Any]:
    """A list of texts or of numbers; empty where it is not there."""
    value = params.get(name, [])
    if not isinstance(value, list) or any(type(each) is not kind for each in value):
        raise _wrong(name, f"list of {kind.__name__}")
    return value


def mainland(given: str) -> str:
    """A mainland mobile, bare; "" for a number abroad. Raises ``Refused`` for one that is none."""
    found = re.fullmatch(r"(?:\+86|0086|86)?(1[3-9]\d{9})", given, re.ASCII)
    if found:
        return found[1]
    if given.startswith("+86") or not re.fullmatch(r"\+[1-9]\d{6,14}", given, re.ASCII):
        raise Refused("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number")
    return ""


def _given(params: Params, name: str, usual: object) -> Any:
    if name not in params and usual is None:
        raise _missing(name)
    return params.get(name, usual)


def _missing(name: str) -> Refused:
    return Refused("MissingParameter", f"The request is missing a required parameter `{name}`.")


def _wrong(name: str, kind: str) -> Refused:
    return Refused("InvalidParameter", f"The parameter `{name}` is not a valid {kind}.")
