"""Calls that speak a text: whom they reach, how long they are, how often they are tried.

A call reaches the same mobiles as a text message; landlines are refused until a
provider's number may call them.
"""

from __future__ import annotations

from datetime import timedelta

from gateway.channels import AddressError, sms

__all__ = ["ADDRESS", "CAPS", "LIMIT", "RECEIPT_WINDOW", "RETRIES", "SUFFIX", "normalise", "parts"]

SUFFIX = "voice"
ADDRESS = "mobile"
LIMIT = 238  # characters: what fits into the 250 of an Aliyun call with their JSON; about a minute
RECEIPT_WINDOW = timedelta(hours=24)
RETRIES = (timedelta(minutes=2), timedelta(minutes=30), timedelta(hours=2))
CAPS = ((1, timedelta(minutes=1)), (5, timedelta(hours=1)), (20, timedelta(hours=24)))  # Aliyun's, per callee

_WORDS = {
    "landline": (
        "这是固定电话，语音通知只能拨打手机。请填写手机号码。",
        "This is a landline; our calls go to mobiles only. Enter a mobile number.",
    ),
    "extension": (
        "这是带分机的电话，语音通知不能转接分机。请填写手机号码。",
        "This number has an extension; our calls cannot be put through to one. Enter a mobile number.",
    ),
    "hotline": (
        "这是服务号码，不能接听语音通知。请填写个人手机号码。",
        "This is a public service number and takes no calls of ours. Enter a personal mobile number.",
    ),
}


def normalise(text: str) -> str:
    """A mobile number in E.164, as for text messages; ``AddressError`` speaks of calls."""
    try:
        return sms.normalise(text)
    except AddressError as error:
        zh, en = _WORDS.get(error.reason, (error.zh, error.en))
        raise AddressError(error.reason, zh, en) from None


def parts(text: str, signature: str) -> int:
    """One call, however long it speaks."""
    return 1
