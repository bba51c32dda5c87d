"""One definition, three faces: every vector of every type comes to the same end at every door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copy

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.transactions import registry
from gateway.transactions.headlines import headline
from gateway.transactions.model import OPEN, Words
from gateway.transactions.store import Transaction
from tests.conftest import build_world
from tests.flows.faces import AskedAnew, Face, Phone, Submitted, System, Web
from tests.stores.test_transactions import messages
from tests.transaction_vectors import Vector, looked_at_later, newest, prepare, told_by, vectors, worked_off
from tests.world import World

UNFINISHED = "没有办完"  # of what is told to whoever hangs up where the telephone ends
FACES: Sequence[Callable[[World, Flask], Face]] = (Web, Phone, System)


@dataclass(frozen=True, slots=True)
class End:
    """What became of it, whichever door it came through."""

    state: str
    stage: str
    reason: str | None
    asked_anew: str | None
    messages: Sequence[str]
    sentences: Sequence[Words]


def play(world: World, vector: Vector, open_face: Callable[[], Face]) -> End:
    """The vector at one face, with the face's own words held against the type's."""
    office = prepare(world, vector)
    face, person = open_face(), world.people[0]
    asked = registry.get(vector.type).form().fields
    known = {"id_number": person.id_number, "name": person.name}
    who = {name: value for name, value in known.items() if name in asked}
    for answers in vector.earlier:
        assert face.confirm(vector.type, {**who, **answers}) == Submitted()
        world.clock.advance(seconds=61)  # another code
    before = len(messages(world))
    came = face.confirm(vector.type, {**who, **vector.answers})
    begun = newest(world)
    assert begun.row.face == face.name
    office.reference = begun.row.reference
    if isinstance(came, AskedAnew):
        anew = vector.case["asked_anew"]
        assert anew["says"] in came.said
        return _end(begun, came.field, messages(world)[before:], ())
    ended = worked_off(world, begun)
    assert office.script == []
    end = _end(ended, None, messages(world)[before:], _told(world, face, ended))
    looked_at_later(world, vector, office, ended, messages)
    return end


def _end(it: Transaction, asked: str | None, sent: Sequence[str], sentences: Sequence[Words]) -> End:
    kept = (text for text in sent if UNFINISHED not in text)
    texts = sorted(text.replace(it.row.reference, "$reference") for text in kept)
    return End(it.state, it.row.stage, it.row.reason, asked, texts, sentences)


def _told(world: World, face: Face, ended: Transaction) -> Sequence[Words]:
    """The type's sentences, once all of them were told by the face in their order."""
    kind, view = registry.get(ended.row.type), ended.view(world.clock())
    sentences = tuple(kind.explain(view))
    reference, said = face.told()
    assert reference == ended.row.reference
    wanted = [face.as_told(words) for words in (headline(kind, view).words, *sentences)]
    if face.name == "api":
        assert said == "\n".join(wanted)
    at = 0
    for sentence in wanted:
        assert sentence in said[at:], f"{face.name} does not tell {sentence!r} there: {said[at:]}"
        at = said.index(sentence, at) + len(sentence)
    return sentences


def _expected(vector: Vector, end: End) -> End:
    """What the vector says, the sentences aside: they are the type's own."""
    case = vector.case
    if "asked_anew" in case:
        return End(end.state, "", None, case["asked_anew"]["field"], [], ())
    stage = case.get("stage", end.stage)
    return End(case["state"], stage, case.get("reason"), None, told_by(case), end.sentences)


def _check(vector: Vector, end: End) -> None:
    assert end == _expected(vector, end)
    assert (end.state in OPEN) == ("asked_anew" in vector.case)
    told = "\n".join(words.zh for words in end.sentences)
    if "asked_anew" not in vector.case:
        assert [text for text in vector.case.get("explains", ()) if text not in told] == []


@dataclass(frozen=True, slots=True)
class House:
    """One application for all vectors, and a fresh database for each: what is dear is made once."""

    world: World
    app: Flask
    template: Path
    database: Path

    def clean(self) -> None:
        self.world.runtime.db.close()
        for path in self.database.parent.glob(f"{self.database.name}*"):
            path.unlink()
        copy(self.template, self.database)


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("faces")
    world = build_world(folder, f"sqlite:///{folder / 'huiyin.db'}")
    yield House(world, create_app(world.runtime), sqlite_template, folder / "huiyin.db")
    world.runtime.db.close()


@pytest.mark.parametrize("vector", vectors())
def test_web_phone_and_api_come_to_the_same_end_and_the_same_messages(house: House, vector: Vector) -> None:
    """State, stage, reason and messages are the vector's at each door, and each tells all its sentences."""
    ends = []
    for open_face in FACES:
        house.clean()
        ends.append(play(house.world, vector, partial(open_face, house.world, house.app)))
    _check(vector, ends[0])
    assert ends == [ends[0]] * len(FACES)


@pytest.mark.parametrize("open_face", FACES)
@pytest.mark.parametrize("vector", vectors(firsts=True))
def test_the_first_vector_of_each_type_holds_at_each_door_on_both_databases(
    world: World, vector: Vector, open_face: Callable[[World, Flask], Face]
) -> None:
    """The doors' own queries are the same on PostgreSQL."""
    app = create_app(world.runtime)
    _check(vector, play(world, vector, lambda: open_face(world, app)))
