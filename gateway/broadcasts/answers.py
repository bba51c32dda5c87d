"""What a broadcast asks, and what people answer: whether its texts say how, the counts, who chose what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from gateway import channels
from gateway.broadcasts.definition import Definition, DefinitionError
from gateway.citizens import register
from gateway.content import store as content
from gateway.errors import TamperedError
from gateway.notifications.asks import Asks
from gateway.notifications.questions import ANSWERED_FROM, questions
from gateway.notifications.store import notifications, personalisation
from gateway.runtime import Runtime
from gateway.security import mask_mobile

LANGUAGES = (content.FALLBACK_LANGUAGE, "en")
PAGE = 500  # rows opened at once


# --- its texts ---------------------------------------------------------------------------------


def check_texts(tx: Connection, definition: Definition) -> None:
    """Raise ``DefinitionError`` where nobody could answer, or a text leaves out a choice's digit.

    That the texts are there was checked (``definition.check_texts``).
    """
    asks = definition.asks
    if asks is None:
        return
    able = [one for one in definition.channels if channels.load(one).ADDRESS == ANSWERED_FROM]
    if not able:
        words = "nobody can answer an e-mail; let a rung go by sms or voice"
        raise DefinitionError([("asks", words)])
    problems: dict[str, None] = {}
    for channel in able:
        for language in LANGUAGES:
            version = content.to_send(tx, definition.template, channel, language, ())
            for digit in _unnamed(asks, version.body):
                words = f"the text {definition.template}.{channel}.{version.language} must say {digit}"
                problems[f"{words}, on its own between other signs"] = None
    if problems:
        raise DefinitionError([("asks.choices", words) for words in problems])


def _unnamed(asks: Asks, text: str) -> Iterator[str]:
    """The digits a text leaves out; one within a longer number, as in 12333, does not count."""
    named = set(re.findall(r"(?<!\d)\d(?!\d)", unicodedata.normalize("NFKC", text)))
    return (digit for digit, _ in asks.choices if digit not in named)


def question_as_json(asks: Asks | None) -> dict[str, Any] | None:
    return {"kind": asks.kind, "choices": [list(choice) for choice in asks.choices]} if asks else None


# --- how many ------------------------------------------------------------------------------------


def counted(tx: Connection, keys: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """The answers to each of these broadcasts by the choice's digit; one query, of those answered alone.

    Each message counts once: who answers the text and the call that followed it counts twice.
    """
    columns = questions.c
    query = select(columns.broadcast_id, columns.answer, func.count())
    query = query.where(columns.broadcast_id.in_(keys), columns.answer.is_not(None))
    found: dict[UUID, dict[str, int]] = {}
    for key, answer, n in tx.execute(query.group_by(columns.broadcast_id, columns.answer)) if keys else ():
        found.setdefault(key, {})[answer] = n
    return found


# --- who -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody's answer. ``citizen`` is None for a list's recipient whom the register does not know."""

    notification: UUID
    citizen: UUID | None
    name: str
    mobile: str
    choice: str
    at: datetime


def each(runtime: Runtime, key: UUID, choice: str, *, numbers: bool = False) -> Iterator[Answered]:
    """Who made this choice, in the order of the questions; the mobile is masked unless ``numbers``.

    Whoever asks for numbers records it in the audit chain first.
    """
    after: UUID | None = None
    while True:
        with runtime.db.read() as tx:
            rows = _rows(tx, key, choice, after)
            known = register.addresses(tx, runtime.vault, "mobile", _citizens(rows))
        for row in rows:
            one = _answered(runtime, row, known)
            yield one if numbers else replace(one, mobile=mask_mobile(one.mobile))
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _rows(tx: Connection, key: UUID, choice: str, after: UUID | None) -> Sequence[Any]:
    columns, message = questions.c, notifications.c
    query = select(columns.id, columns.answer, columns.answered_at)
    query = query.add_columns(message.citizen_id, message.address, message.personalisation)
    wanted = [columns.broadcast_id == key, columns.answer == choice]
    if after is not None:
        wanted.append(columns.id > after)
    joined = query.join(notifications, message.id == columns.id).where(*wanted)
    return tx.execute(joined.order_by(columns.id).limit(PAGE)).all()


def _citizens(rows: Sequence[Any]) -> list[UUID]:
    return [row.citizen_id for row in rows if row.citizen_id]


def _answered(runtime: Runtime, row: Any, known: Mapping[UUID, str]) -> Answered:
    """By the masked name the message used; a cell that cannot be opened shows nothing."""
    try:
        name = personalisation(runtime, row.id, row.personalisation).get("name", "*")
        given = row.address and runtime.vault.open("notifications.address", row.id, row.address)
    except TamperedError:
        name, given = "*", None
    number = given or known.get(row.citizen_id, "")
    return Answered(row.id, row.citizen_id, name, number, row.answer, row.answered_at)
