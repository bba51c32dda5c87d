"""What one page has to tell on the next: an answer that was refused after its page had been left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flask import url_for

from gateway.transactions import registry
from gateway.transactions.model import Words
from gateway.transactions.store import Transaction
from gateway.web import visit

PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the answer given."""

    words: Words
    given: str


def ask_anew(transaction: Transaction, wrong: Mapping[str, Words], answers: Mapping[str, str]) -> str:
    """Keep the first problem for its own page; the address of that page.

    ``answers`` are those before the refused one was taken back. Only choices and passwords
    are refused this late: of a password nothing comes into the cookie, nor anything personal.
    """
    field, words = next(iter(wrong.items()))
    given = answers.get(field, "") if field in registry.get(transaction.row.type).choices else ""
    visit.put(PROBLEM, json.dumps([field, words.zh, words.en, given]))
    return url_for("web.ask", name=transaction.row.type, field=field)


def problem_with(field: str) -> Problem | None:
    """The problem kept for this page; told once."""
    kept = visit.take(PROBLEM)
    if kept is None:
        return None
    name, zh, en, given = json.loads(kept)
    return Problem(Words(zh, en), given) if name == field else None
