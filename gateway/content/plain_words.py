"""Words of offices, and what people say instead; how long a sentence may be. Ours, and short.

A notice is read once, on a small screen, by somebody who may be old. Such words are at home in a
document. The lists are ours, and made to grow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

LONGEST_SENTENCE = {"zh-CN": 60, "en": 25}  # characters; words

OFFICIALESE: Mapping[str, Mapping[str, str]] = {
    "zh-CN": {
        "予以": "直接说做什么",
        "届时": "到时候",
        "特此通知": "不写",
        "特此告知": "不写",
        "悉知": "知道",
        "知悉": "知道",
        "周知": "知道",
        "兹": "现在",
        "敬请": "请",
        "烦请": "请",
        "务请": "请",
        "如若": "如果",
        "倘若": "如果",
        "均须": "都要",
        "贵单位": "你单位",
        "按期": "写出日期",
        "酌情": "写出条件",
        "据悉": "不写",
        "鉴于": "因为",
        "之规定": "的规定",
    },
    "en": {
        "additional": "more",
        "aforementioned": "this",
        "approximately": "about",
        "assistance": "help",
        "commence": "start",
        "endeavour": "try",
        "facilitate": "help",
        "hereby": "leave it out",
        "herewith": "here",
        "in order to": "to",
        "in respect of": "about",
        "in the event that": "if",
        "notwithstanding": "even if",
        "prior to": "before",
        "pursuant to": "under",
        "subsequent to": "after",
        "terminate": "end",
        "utilise": "use",
        "utilize": "use",
    },
}
_ENDS = re.compile(r"[。！？；\n]|[.!?;](?=\s|$)")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def officialese(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Each such word in the text, and what to say instead."""
    for word, instead in OFFICIALESE.get(language, {}).items():
        found = re.search(rf"\b{word}\b", text, re.I) if language == "en" else word in text
        if found:
            yield word, instead


def long_sentences(text: str, language: str) -> Iterator[str]:
    """The sentences that are too long to be read at once."""
    most = LONGEST_SENTENCE.get(language, LONGEST_SENTENCE["en"])
    for sentence in _ENDS.split(text):
        size = len(_WORD.findall(sentence)) if language == "en" else len(sentence.strip())
        if size > most:
            yield sentence.strip()
