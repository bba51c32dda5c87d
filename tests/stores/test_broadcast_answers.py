"""A broadcast that asks: its texts say how to answer, a reply counts once, who answered is listed masked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from gateway.broadcasts import answers, progress, rehearsal, store
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import DefinitionError
from gateway.broadcasts.expand import run_due
from gateway.broadcasts.progress import Progress
from gateway.broadcasts.store import START
from gateway.cities import shipped
from gateway.content.store import template_versions
from gateway.delivery.attempt import run_lane
from gateway.levers import dead_letters
from gateway.notifications import inbound, questions
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.providers import Cause, Inbound, Rejected
from tests.world import Scripted, World

ASKS = {"kind": "auth_help", "choices": [["1", "能自己办"], ["2", "需要帮助"]]}
KEYS = {"template": "policy/auth_help", "audience": {}, "asks": ASKS}


def _open(world: World) -> World:
    """Five citizens; text messages, calls and e-mails all have a provider."""
    calls = Scripted(batch=1)
    calls.name, calls.channel = "calls", "voice"
    weights = {"sms": {"scripted": 1}, "voice": {"calls": 1}, "email": {"mails": 1}}
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, "calls": calls},
        settings=replace(world.runtime.settings, providers=weights),
    )
    world.settle(5)
    return world


@pytest.fixture
def city(world: World) -> World:
    return _open(world)


@pytest.fixture
def town(sqlite_world: World) -> World:
    return _open(sqlite_world)


def _draft(world: World, **keys: Any) -> UUID:
    rules = shipped()["changde"].rules_now(world.clock.now)
    definition = definitions.read({**KEYS, **keys}, rules, world.clock.now)
    with world.runtime.db.read() as tx:
        counted = rehearsal.rehearse(tx, world.runtime, definition)
    assert rehearsal.as_json(counted, rules)["asks"] == ASKS
    with world.runtime.db.write() as tx:
        return store.create(tx, world.runtime, definition, "test", counted=counted.people)


def _sent(world: World, **keys: Any) -> UUID:
    key = _draft(world, **keys)
    with world.runtime.db.write() as tx:
        assert store.act(tx, world.runtime, key, START, "test") is None
    run_due(world.runtime)
    run_lane(world.runtime, "sms.bulk")
    world.clock.advance(seconds=30)
    return key


def _say(world: World, number: int, text: str) -> None:
    message = Inbound(uuid4().hex, f"+86{world.people[number].mobile}", "106", text, world.clock())
    with world.runtime.db.write() as tx:
        inbound.receive(tx, world.runtime, [("scripted", message)])


def _progress(world: World, key: UUID) -> Progress:
    with world.runtime.db.read() as tx:
        return progress.of(tx, store.find(tx, key), world.clock.now)


def _rewrite(world: World, body: str) -> None:
    """Whatever text goes out says this."""
    with world.runtime.db.write() as tx:
        tx.execute(update(template_versions).values(body=body))


# --- counting ------------------------------------------------------------------------------------


def test_every_answer_is_counted_by_its_choice(city: World) -> None:
    """Once, whatever is said after it; another broadcast's answers are not among them."""
    other = _sent(city)
    _say(city, 4, "1")
    key = _sent(city)
    assert _progress(city, key).answers == {"1": 0, "2": 0}
    for number, text in ((0, "回复2"), (1, "2需要帮助"), (2, "１"), (0, "2"), (3, "谢谢")):
        _say(city, number, text)
    done = _progress(city, key)
    assert (done.answers, done.answered) == ({"1": 1, "2": 2}, 3)
    shown = progress.as_json(done)
    assert (shown["asks"], shown["answers"], shown["answered"]) == (ASKS, {"1": 1, "2": 2}, 3)
    assert _progress(city, other).answers == {"1": 1, "2": 0}


def test_who_answered_is_listed_masked(city: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By choice, page by page, each once."""
    monkeypatch.setattr(answers, "PAGE", 2)
    key = _sent(city)
    for number in range(5):
        _say(city, number, "2" if number else "1")
    listed = list(answers.each(city.runtime, key, "2"))
    assert len({one.citizen for one in listed}) == len(listed) == 4
    [able] = answers.each(city.runtime, key, "1")
    assert able.mobile == f"{city.people[0].mobile[:3]}****{city.people[0].mobile[-4:]}"
    assert able.name[1] == "*"


def test_a_replay_is_answered_to_its_broadcast(town: World) -> None:
    """The letter that takes a dead one's place asks for the same broadcast."""
    script = town.provider.script
    town.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
    key = _sent(town)
    town.provider.script = script
    why = dead_letters.Cause(Status.FAILED, Class.NOTICE, "sms", "isv.BLACK_LIST")
    assert sum(dead_letters.replay(town.runtime, why, town.clock())) == 5
    run_lane(town.runtime, "sms.bulk")
    _say(town, 0, "2")
    assert _progress(town, key).answers == {"1": 0, "2": 1}


def test_whoever_answered_is_not_called(town: World) -> None:
    """They were reached, though no receipt ever says so."""
    _rewrite(town, "((name))，能自己办回复1，需要帮助回复2。")
    key = _sent(town, template="policy/retirement_age", then={"channel": "voice", "wait_seconds": 60})
    _say(town, 0, "2")
    for _ in range(4):
        town.clock.advance(minutes=2)
        run_due(town.runtime)
    assert [one.taken for one in _progress(town, key).channels] == [5, 4]


def test_forgotten_answers_are_no_zero(town: World) -> None:
    """After 90 days the questions go, so no count is shown."""
    key = _sent(town)
    _say(town, 0, "2")
    town.clock.advance(days=90)
    with town.runtime.db.write() as tx:
        questions.forget_old(tx, town.clock())
    assert (_progress(town, key).answers, _progress(town, key).answered) == (None, None)


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("((name))，能自己办回复1，需要帮助请拨打12333。", 2),
        ("((name))，能自己办回复１，需要帮助回复２。", None),
        ("((name))，需要帮助回复2。2026年11月到期。", 1),
    ],
)
def test_a_text_names_each_choice(town: World, body: str, missing: int | None) -> None:
    """A digit within 12333 or a year is not named; a full-width one is."""
    _rewrite(town, body)
    if missing is None:
        _draft(town)
        return
    with pytest.raises(DefinitionError) as caught:
        _draft(town)
    assert [key for key, _ in caught.value.problems] == ["asks.choices"] * 2
    assert {text.partition(" must say ")[2][0] for _, text in caught.value.problems} == {str(missing)}


def test_an_email_asks_nothing(town: World) -> None:
    """By e-mail alone nobody can answer; as the follow-up its text need not say how."""
    _rewrite(town, "Subject: x\n\n((name)): 12333")
    with pytest.raises(DefinitionError, match="asks: nobody can answer an e-mail"):
        _draft(town, template="policy/retirement_age", channel="email")
    with pytest.raises(DefinitionError) as caught:
        _draft(town, template="policy/retirement_age", then={"channel": "email"})
    assert {"sms" in text for _, text in caught.value.problems} == {True}


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        ({"choices": [["1", "能"]]}, "asks.kind: is a required property"),
        ({"kind": "帮助", "choices": [["1", "能"]]}, "asks.kind: must have 1 to 24 of a-z, 0-9 and _"),
        ({"kind": "x"}, "asks.choices: is a required property"),
        ({"kind": "x", "choices": []}, "asks.choices: a question has choices"),
        ({"kind": "x", "choices": [["1"]]}, "asks.choices.0: must be a digit and a word"),
        ({"kind": "x", "choices": [[1, "能"]]}, "asks.choices.0.0: must be text"),
        ({"kind": "x", "choices": [["12", "能"]]}, "asks.choices: a choice is one digit and a word"),
        ({"kind": "x", "choices": [["1", "能"], ["2", "能"]]}, "asks.choices: 能 would mean two things"),
        ({"kind": "x", "choices": [["1", "能\x00"]]}, "asks.choices.0.1: must have 1 to 80 plain characters"),
        ({"kind": "x", "choices": [["1", "能"], ["2", "退订"]]}, "asks.choices.1: '退订' is heard as a wish"),
    ],
)
def test_a_wrong_question_is_refused_by_its_key(town: World, asks: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        _draft(town, asks=asks)
    assert said in str(caught.value)
