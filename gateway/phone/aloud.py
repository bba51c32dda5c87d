"""Written sentences made for the ear: digits one by one, clock times in words, no talk of pages. Pure."""

from __future__ import annotations

import re

from gateway.transactions.model import Words

_RANGE = re.compile(r"(\d{1,2}:\d\d)\s*[-–~]\s*(?=\d{1,2}:\d\d)")
_TIME = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?!\d)")
_NUMBER = re.compile(r"[A-Z]?\d{4,}X?(?!\d*年)|[A-Z]\d{2,}")
# What a sentence written for a page or a text message says where somebody is on the phone already.
_HERE = (("，可以离开本页", ""), ("请填写", "请按"))
_CALL_A_PERSON = re.compile(r"拨打?(?:\d{3,4}-)?\d{5}(?:转人工|按0)")


def spoken(words: Words) -> Words:
    """The sentence as it is said."""
    zh = words.zh
    for written, said in _HERE:
        zh = zh.replace(written, said)
    zh = _CALL_A_PERSON.sub("按0转人工", zh)
    zh = _RANGE.sub(r"\1到", zh)
    zh = _TIME.sub(lambda found: f"{int(found[1])}点" + (f"{found[2]}分" if found[2] != "00" else ""), zh)
    return Words(_NUMBER.sub(lambda found: digits(found[0]), zh), words.en)


def digits(text: str) -> str:
    """Read one by one: 1266 → 1 2 6 6."""
    return " ".join(text)


def reference(number: str) -> str:
    """A reference in its groups of 4, 5 and 5 digits."""
    return "，".join(digits(group) for group in (number[:4], number[4:9], number[9:]))


def masked(value: str) -> Words:
    """The end of something keyed, as it may be said in a room with others."""
    tail = value[-4:] if len(value) > 4 else value
    return Words(f"尾号{digits(tail)}" if len(value) > 4 else digits(tail), f"ending in {digits(tail)}")
