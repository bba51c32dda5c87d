"""What a message may ask, and how a reply to it is read. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

LEADS = ("回复", "选择", "选")  # people repeat what they were told to do: 回复1
KIND, WORD = 24, 20  # characters at most


@dataclass(frozen=True, slots=True)
class Asks:
    """A question with its choices: one digit and a word each, as in ``(("1", "满意"), …)``.

    ``kind`` is our name for it, part of no text. ``ValueError`` where two choices would be
    answered by the same words.
    """

    kind: str
    choices: tuple[tuple[str, str], ...]
    _spelt: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spelt: dict[str, str] = {}
        for digit, word in self.choices:
            if not (len(digit) == 1 and digit.isascii() and digit.isdigit() and _plain(word)):
                raise ValueError("a choice is one digit and a word")
            for answer in _spellings(digit, word):
                if spelt.setdefault(answer, digit) != digit:
                    raise ValueError(f"{answer} would mean two things")
        digits = {digit for digit, _ in self.choices}
        if not digits or len(digits) < len(self.choices):
            raise ValueError("a question has choices, each with a digit of its own")
        if not 0 < len(self.kind) <= KIND or any(len(word) > WORD for _, word in self.choices):
            raise ValueError("its name and the words of its choices are short")
        object.__setattr__(self, "_spelt", spelt)

    def answer(self, text: str) -> str | None:
        """The digit of the choice a reply makes: 1, １。, 回复1, 1满意 or 满意; None for anything else."""
        said = _plain(text)
        shorter = (said.removeprefix(lead) for lead in LEADS if said.startswith(lead))
        return next((self._spelt[one] for one in (said, *shorter) if one in self._spelt), None)


def _spellings(digit: str, word: str) -> Iterator[str]:
    plain = _plain(word)
    yield from (digit, plain, digit + plain)


def _plain(text: str) -> str:
    """Its letters and digits in their plain form, without blanks and marks."""
    return "".join(one for one in unicodedata.normalize("NFKC", text).casefold() if one.isalnum())
