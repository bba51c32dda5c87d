"""Conversations on the telephone as data: keys pressed, words heard, what came of it. On both databases."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway.back_offices import Unavailable
from gateway.phone import aloud, calls
from gateway.phone.calls import Reply
from gateway.phone.signals import (
    Answered,
    Collect,
    Digits,
    Event,
    HangUp,
    Hangup,
    NoInput,
    Say,
    Transfer,
)
from gateway.transactions import registry, steps
from gateway.transactions.references import is_reference
from gateway.transactions.store import transactions
from tests.stores.test_appointments import hold
from tests.stores.test_transactions import Desk, messages, sent_codes
from tests.transaction_vectors import Office
from tests.world import World

VECTORS = Path(__file__).parents[1] / "vectors" / "phone"
PEOPLE = 21


def _cases() -> list[Any]:
    documents = [(path.stem, json.loads(path.read_text())) for path in sorted(VECTORS.glob("*.json"))]
    return [
        pytest.param(document, case, id=f"{name}: {case['rule']}")
        for name, document in documents
        for case in document["cases"]
    ]


@dataclass(slots=True)
class Caller:
    """Someone with a telephone, and the switch between them and the dialogue."""

    world: World
    id_number: str
    line: str = "first"
    reply: Reply = field(default_factory=lambda: Reply(0, ()))
    last: tuple[Event, int] = field(default_factory=lambda: (Answered(), 0))
    others: list[UUID] = field(default_factory=list)  # transactions of other people
    number: str = ""  # what the call shows

    def do(self, event: Event, number: int | None = None) -> None:
        self.last = (event, self.reply.step if number is None else number)
        self.reply = calls.step(self.world.runtime, self.line, *self.last, caller=self.number)

    def press(self, keys: str) -> None:
        text, terminator = (keys[:-1], "#") if keys.endswith("#") else (keys, "")
        self.do(Digits(text, terminator))

    def again(self) -> None:
        """The same webhook once more: the same answer, and not a row more or other."""
        before = self._books()
        assert calls.step(self.world.runtime, self.line, *self.last) == self.reply
        assert self._books() == before

    def _books(self) -> list[Any]:
        with self.world.runtime.db.read() as tx:
            return [*tx.execute(select(transactions)), *tx.execute(select(calls.calls)), *self.world.rows()]

    # --- what is heard and what it is about ---

    def heard(self) -> list[Say]:
        lines: list[Say] = []
        for action in self.reply.actions:
            if isinstance(action, Collect):
                lines += action.prompt
            elif isinstance(action, Say):
                lines.append(action)
        return lines

    def transaction(self) -> Any:
        """The newest transaction that is not another person's."""
        query = select(transactions).where(transactions.c.id.not_in(self.others))
        with self.world.runtime.db.read() as tx:
            return tx.execute(query.order_by(transactions.c.created_at.desc())).first()

    def call(self) -> Any:
        index = self.world.runtime.vault.index("call", self.line)
        with self.world.runtime.db.read() as tx:
            return tx.execute(select(calls.calls).where(calls.calls.c.call_key == index)).one()

    def filled(self, text: str) -> str:
        """The text with what only the running call knows put in."""
        if "$" not in text:
            return text
        row, codes = self.transaction(), sent_codes(self.world)
        reference = row.reference if row else ""
        mobile = next((p.mobile for p in self.world.people if p.id_number == self.id_number), "")
        values = {
            "$id": self.id_number.replace("X", "*"),
            "$first_code": codes[0] if codes else "",
            "$code": codes[-1] if codes else "",
            "$wrong": "000000" if codes[-1:] != ["000000"] else "111111",
            "$spoken": aloud.reference(reference),
            "$reference": reference,
            "$mistyped": reference[:-1] + str((int(reference[-1:] or "0") + 1) % 10),
            "$tail": mobile[-4:],
        }
        for name, value in values.items():
            text = text.replace(name, value)
        return text


def _take(caller: Caller, step: dict[str, Any]) -> None:
    match step.get("do", "keys"):
        case "keys":
            caller.press(caller.filled(step["keys"]))
        case "call":
            caller.line = step.get("line", caller.line)
            caller.do(Answered(), 0)
        case "silence":
            caller.do(NoInput())
        case "hang_up":
            caller.do(Hangup("completed"))
        case "wait":
            caller.world.clock.advance(seconds=step["seconds"])
        case "work":
            steps.run_due(caller.world.runtime)
        case "again":
            caller.again()
        case "others_take":
            _others_take(caller, step)
        case other:
            raise AssertionError(f"no caller does {other!r}")


def _others_take(caller: Caller, step: dict[str, Any]) -> None:
    """So many other people hold a place in a slot, by telephone, and have proven who they are."""
    for person in caller.world.people[-step["count"] :]:
        caller.others.append(hold(caller.world, person, "phone", **step["slot"]).id)


def _check(caller: Caller, step: dict[str, Any]) -> None:
    said = "".join(line.text for line in caller.heard())
    at = 0
    for words in step.get("hear", ()):
        found = said.find(caller.filled(words), at)
        assert found >= 0, f"{caller.filled(words)} is not heard in: {said[at:]}"
        at = found + 1
    assert not any(words in said for words in step.get("not", ()))
    if "rate" in step:
        assert {line.rate for line in caller.heard()} == {step["rate"]}
    if "transfer" in step:
        assert caller.reply.actions[-1] == Transfer(step["transfer"])
    elif "ends" in step:
        assert caller.reply.actions[-1] == HangUp()
    elif step.get("do", "keys") in ("keys", "silence", "call"):
        assert isinstance(caller.reply.actions[-1], Collect), said


def _open_offices(world: World, case: dict[str, Any]) -> None:
    """A card system in memory, and for a pension what the case scripts."""
    desk = Desk()
    if case.get("cards") == "unavailable":
        desk.find = lambda _cards: Unavailable("no_answer")
    offices = {"card_core": desk, "pension_registry": Office(case.get("registry", ()))}
    world.runtime._back_offices.update(offices)


@pytest.mark.parametrize(("document", "case"), _cases())
def test_a_conversation_goes_as_its_vector_says(
    world: World, document: dict[str, Any], case: dict[str, Any]
) -> None:
    """What is heard at each step, where the call and its transaction end, and which messages go out."""
    play(world, document, case)


def play(world: World, document: dict[str, Any], case: dict[str, Any]) -> None:
    world.settle(PEOPLE)
    _open_offices(world, case)
    person = case.get("person", document["person"])
    caller = Caller(world, person, number=document.get("number", "") if case.get("shown", True) else "")
    for step in case["steps"]:
        _take(caller, step)
        _check(caller, step)
    outcome = case["outcome"]
    assert caller.call().state == outcome["call"]
    if "transaction" in outcome:
        assert caller.transaction().state == outcome["transaction"]
    if "codes" in outcome:
        assert len(sent_codes(world)) == outcome["codes"]
    if "messages" in outcome:
        texts = messages(world)
        assert len(texts) == len(outcome["messages"])
        assert all(
            caller.filled(words) in text for words, text in zip(outcome["messages"], texts, strict=True)
        )


def test_the_types_offered_by_phone_are_in_its_menu() -> None:
    """A type of the catalogue that no key leads to is forgotten."""
    from gateway.phone import prompts

    tops = prompts.top(tuple(registry.types()))
    led = {entry.type for entry in tops} | {
        entry.type for top in tops for entry in prompts.below(top.menu, tuple(registry.types()))
    }
    assert set(registry.types()) <= led


def test_a_call_is_kept_sealed_and_for_a_day(world: World) -> None:
    """Neither the switch's name of a call nor anything keyed stands in the clear; a day later it is gone."""
    world.settle(PEOPLE)
    caller = Caller(world, "43070219960918624X", line="CA0123456789")
    caller.do(Answered(), 0)
    caller.press("1")
    caller.press("43070219960918624*")
    row = caller.call()
    kept = b"".join(value for value in row if isinstance(value, bytes))
    for clear in (b"CA0123456789", b"430702", "身份证".encode()):
        assert clear not in kept
    for age, left in ((timedelta(hours=23), 1), (timedelta(hours=25), 0)):
        with world.runtime.db.write() as tx:
            calls.forget_old(tx, world.clock.now + age)
        with world.runtime.db.read() as tx:
            assert len(tx.execute(select(calls.calls)).all()) == left


def test_the_end_of_an_unknown_call_is_nothing(world: World) -> None:
    """A status callback for a call that was never answered makes no row."""
    assert calls.step(world.runtime, "unknown", Hangup("no-answer"), 0).actions == (HangUp(),)
    with world.runtime.db.read() as tx:
        assert tx.execute(select(calls.calls)).all() == []


def test_a_reference_in_the_vectors_is_a_real_one() -> None:
    assert is_reference("34270000000005")
