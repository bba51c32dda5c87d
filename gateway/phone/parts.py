"""An explanation told in parts: what a listener can keep at once, the first thing to do among it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.phone import prompts
from gateway.transactions.model import Step, Words

LONGEST = 100  # characters of one part: some twenty-five seconds
_NUMERALS = "一二三四五六七八九十"


def parts(sentences: Sequence[Words]) -> tuple[tuple[Words, ...], ...]:
    """The sentences in order, part by part.

    The first part holds at least the first sentence and, where there are steps, all
    up to the first step, however long: nobody should have to ask for what helps.
    """
    first = next((place for place, sentence in enumerate(sentences) if isinstance(sentence, Step)), 0)
    told: list[list[Words]] = [[]]
    length = 0
    for place, (sentence, said) in enumerate(zip(sentences, _numbered(sentences), strict=True)):
        if told[-1] and place > first and length + len(sentence.zh) > LONGEST:
            told.append([])
            length = 0
        told[-1].append(said)
        length += len(sentence.zh)
    return tuple(tuple(part) for part in told)


def _numbered(sentences: Sequence[Words]) -> list[Words]:
    """Where there are several steps each is named by its number, as a page does in a list."""
    steps = [sentence for sentence in sentences if isinstance(sentence, Step)]
    if len(steps) < 2:
        return [plain(one) for one in sentences]
    numbers = iter(range(1, len(steps) + 1))
    return [_step(next(numbers), one) if isinstance(one, Step) else one for one in sentences]


def plain(words: Words) -> Words:
    """What is heard is a sentence, whether or not it was one of several steps."""
    return Words(words.zh, words.en)


def _step(number: int, step: Step) -> Words:
    zh = _NUMERALS[number - 1] if number <= len(_NUMERALS) else str(number)
    return prompts.words("step", number=Words(zh, str(number)), what=step)
