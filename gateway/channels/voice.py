"""Calls that speak a text: whom they reach, how long they are, how often they are tried.

A call reaches the same mobiles as a text message; landlines are refused until a
provider's number may call them.
"""

from __future__ import annotations

import re
from datetime import timedelta

from gateway.channels import AddressError, sms

__all__ = ["ADDRESS", "CAPS", "LIMIT", "RECEIPT_WINDOW", "RETRIES", "SUFFIX", "normalise", "parts", "seconds"]

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


def seconds(text: str) -> float:
    """About how long a text takes to be said once, at the usual pace.

    Ours: 4.5 syllables a second for a Chinese character or a digit, a little below the 5.2 measured
    in everyday Mandarin (Pellegrino, Coupé and Marsico, Language 87, 2011), 150 words a minute for
    what is written in letters, and a breath of a quarter of a second at each mark between words.
    """
    syllables = len(_SYLLABLE.findall(text))
    words = len(_WORD.findall(text))
    return syllables / _SYLLABLES + words / _SPOKEN_WORDS + len(_BREATH.findall(text)) * _PAUSE


_SYLLABLES, _SPOKEN_WORDS, _PAUSE = 4.5, 2.5, 0.25  # a second, a second, seconds
_SYLLABLE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff0-9]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’-][A-Za-z\u00c0-\u024f]+)*")
_BREATH = re.compile(r"[，。；：！？、,.;:!?]+(?=\s|$|[\u3400-\u9fff])")
