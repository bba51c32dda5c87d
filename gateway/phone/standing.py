"""A transaction put into values the dialogue can speak: its questions, its confirmation, how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.citizens import id_number
from gateway.phone import aloud
from gateway.phone.parts import plain
from gateway.phone.results import Confirm, Nothing, Offer, Stands, Unfinished
from gateway.runtime import Runtime
from gateway.transactions import afterwards, anonymous, choices, engine, helping, registry
from gateway.transactions.desk import Desk
from gateway.transactions.form import fields_of
from gateway.transactions.headlines import headline
from gateway.transactions.model import OPEN, RETURNED, Keypad, Option, Words
from gateway.transactions.store import Transaction

KEYED = Words("已经按好", "keyed")  # of a password, which is not said aloud
ELDER = 65  # years (domain.md, "Entry")


def metadata(transaction: Transaction, name: str) -> Mapping[str, Any]:
    """How a field of its form is asked for."""
    known = {**fields_of(registry.get(transaction.row.type).form), **fields_of(helping.Helper)}
    described: Mapping[str, Any] = known[name].metadata
    return described


def keypad(transaction: Transaction, name: str) -> Keypad | None:
    """How a field is keyed; None for one that cannot be."""
    rule: Keypad | None = metadata(transaction, name)["keypad"]
    return rule


def asked(transaction: Transaction) -> list[str]:
    """The fields a caller is asked for, in order."""
    return [
        name
        for name, field in helping.fields(transaction).items()
        if field.metadata["keypad"] and not field.metadata.get("from_register")
    ]


def described(option: Option) -> Words:
    """A choice with what is said beside it."""
    if option.note is None:
        return option.words
    return Words(f"{option.words.zh}，{option.note.zh}，", f"{option.words.en} ({option.note.en})")


def confirm(desk: Desk, transaction: Transaction) -> Confirm:
    """What confirming does, and the keyed answers as they may be said aloud."""
    answers = []
    for name in asked(transaction):
        label: Words = metadata(transaction, name)["label"]
        answers.append((Offer(name, label), _aloud(desk, transaction, name)))
    return Confirm(tuple(engine.effect(desk.tx, desk.runtime, transaction)), tuple(answers))


def _aloud(desk: Desk, transaction: Transaction, name: str) -> Words:
    value = transaction.answers[name]
    if metadata(transaction, name).get("secret"):
        return KEYED
    offered = choices.options(desk, transaction, name)
    if offered is None:
        shown = metadata(transaction, name).get("shown")
        return shown(value) if shown else aloud.masked(value)
    return next((option.words for option in offered if option.value == value), Words(value, value))


def changed(
    before: Transaction, transaction: Transaction, runtime: Runtime, *, writes: bool
) -> Stands | Nothing:
    """How it stands after one of its actions, and what was not true before."""
    it = stands(transaction, runtime)
    if isinstance(it, Nothing):
        return it
    known = registry.get(before.row.type).explain(before.view(runtime.clock()))
    news = tuple(sentence for sentence in it.sentences if sentence not in known)
    return replace(it, news=news, writes=writes)


def stands(transaction: Transaction, runtime: Runtime, problem: Words | None = None) -> Stands | Nothing:
    """How it stands now, in its type's words, and what may be done with it."""
    if transaction.state in OPEN:
        return Nothing(gone=True)
    kind, view = registry.get(transaction.row.type), transaction.view(runtime.clock())
    actions = afterwards.offered(runtime, view).items()
    return Stands(
        reference=view.reference,
        title=kind.title,
        headline=headline(kind, view).words,
        sentences=tuple(kind.explain(view)),
        moving=transaction.is_asked,
        actions=tuple(Offer(name, it.aloud or it.name_of(view)) for name, it in actions if it.keyed),
        problem=problem,
        reaches=anonymous.can_reach(transaction),
    )


def unfinished(transaction: Transaction, runtime: Runtime) -> Unfinished:
    """That it can be gone on with, and why it came back, where it did."""
    kind, view = registry.get(transaction.row.type), transaction.view(runtime.clock())
    why = kind.explain(view) if view.stage == RETURNED else ()
    return Unfinished(kind.title, tuple(map(plain, why)))


def elder(transaction: Transaction, now: datetime) -> bool:
    """Whether its citizen is 65 or older today, by the city's date."""
    number = transaction.answers.get("id_number")
    if not number:
        return False
    born, today = id_number.birth_date(number), now.astimezone(transaction.rules.zone).date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) >= ELDER
