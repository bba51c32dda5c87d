"""Sentences in both languages. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence for citizens, in Chinese with English beside it."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} {self.en}"


@dataclass(frozen=True, slots=True)
class Step(Words):
    """One thing to do, of several in this order: where a face can, it numbers them."""
