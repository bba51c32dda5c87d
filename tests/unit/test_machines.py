"""The machines of all types: each stage is led to, no end is left, and wherever it stands there are words."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.back_offices import (
    AlreadyDone,
    Done,
    Pending,
    Refused,
    Returned,
    Silent,
    StepOutcome,
    Unavailable,
)
from gateway.content.shipped import SHIPPED
from gateway.errors import UndeclaredMoveError
from gateway.phone import menus
from gateway.transactions import on_hold, registry
from gateway.transactions.following import GIVE_UP, after_step, check_move, stage_after
from gateway.transactions.headlines import headline
from gateway.transactions.model import (
    ENDS,
    OPEN,
    RAN_OUT,
    RETURNED,
    WITH_BACK_OFFICE,
    State,
    TransactionType,
    View,
    Words,
)

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
TYPES = list(registry.types().values())
MACHINES = [kind for kind in TYPES if kind.stages]
every_type = pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
every_machine = pytest.mark.parametrize("kind", MACHINES, ids=lambda kind: kind.name)


def _may(kind: TransactionType, before: str, after: str) -> bool:
    try:
        check_move(kind, before, after)
    except UndeclaredMoveError:
        return False
    return True


def _outcomes(kind: TransactionType) -> Iterator[StepOutcome]:
    """Everything a back office may answer, with every stage of the type."""
    for stage in kind.stages or ("",):
        yield from (Done(stage=stage), AlreadyDone(stage=stage), Pending(stage))
    yield from (Refused("other"), Returned("other"), Silent("timeout"), Unavailable("refused"))


def _after(kind: TransactionType, state: State, stage: str) -> set[tuple[State, str]]:
    """Where the engine goes from here: the citizen's steps, an answer however late, a later look."""
    if state in OPEN:
        again = "" if stage == RETURNED else stage
        return {(State.IDENTITY_PENDING, stage), (State.SUBMITTED, again), (State.CANCELLED, stage)}
    if state in ENDS:
        return {(state, to) for to in kind.stages if kind.follow or kind.actions if _may(kind, stage, to)}
    found = set()
    for outcome, since in product(_outcomes(kind), (NOW, NOW - GIVE_UP)):
        to = stage_after(outcome, stage)
        if _may(kind, stage, to):
            found.add((after_step(outcome, 1, since, NOW).state, to))
    return found


def reached(kind: TransactionType) -> set[tuple[State, str]]:
    """Every state and stage a transaction of the type can come to."""
    seen, ahead = set[tuple[State, str]](), [(State.DRAFT, "")]
    while ahead:
        here = ahead.pop()
        if here not in seen:
            seen.add(here)
            ahead += _after(kind, *here)
    return seen


# --- the machines ------------------------------------------------------------------------------


@every_machine
def test_a_machine_is_whole(kind: TransactionType) -> None:
    """It begins at the empty stage, leads to stages it declares, and each has a name that fits and words."""
    longest = 24  # characters of the column
    assert "" in kind.stages
    for name, stage in kind.stages.items():
        assert set(stage.then) <= set(kind.stages), name
        assert len(name) <= longest
        _worded(stage.words)


@every_machine
def test_no_stage_of_a_machine_is_unreachable(kind: TransactionType) -> None:
    """Each is come to from the beginning; one that is not would be told to nobody."""
    assert {stage for _, stage in reached(kind)} == set(kind.stages)


@every_type
def test_no_state_is_unreachable(kind: TransactionType) -> None:
    """Every state of the engine is one a transaction of any type can come to."""
    assert {state for state, _ in reached(kind)} == set(State)


@every_type
def test_nothing_leads_back_from_an_end(kind: TransactionType) -> None:
    """From an ended state there is another stage at most; from a stage that is an end there is nothing."""
    for state, stage in reached(kind):
        after = _after(kind, state, stage)
        if state in ENDS:
            assert {state} >= {to for to, _ in after}
        if kind.stages and not kind.stages[stage].then and state in ENDS:
            assert after <= {(state, stage)}


@given(st.sampled_from(MACHINES), st.text(max_size=24), st.text(max_size=24))
def test_no_undeclared_move_is_made(kind: TransactionType, before: str, after: str) -> None:
    """From where it knows nothing to where it knows nothing a machine does not go."""
    known = after in kind.stages and before in kind.stages
    assert _may(kind, before, after) == (known and (before == after or after in kind.stages[before].then))


@every_machine
def test_who_may_be_sent_back_is_told_so(kind: TransactionType) -> None:
    """A type that sends back has a message for it, and one for whoever did not correct it in time."""
    if RETURNED in kind.stages:
        assert {RETURNED, RAN_OUT} <= set(kind.events)
        for event in (RETURNED, RAN_OUT):
            assert (SHIPPED / kind.name / f"{event}.sms.zh-CN.txt").exists()


@every_machine
def test_an_end_is_ahead_of_every_stage_and_none_is_as_if_it_had_not_begun(kind: TransactionType) -> None:
    """Nobody is led round in a circle for good, and only what was sent back starts over."""
    ends = {name for name, stage in kind.stages.items() if not stage.then}
    ahead = set(ends)
    while more := {name for name, stage in kind.stages.items() if ahead & set(stage.then)} - ahead:
        ahead |= more
    assert ahead == set(kind.stages)
    assert {name for name, stage in kind.stages.items() if "" in stage.then} <= {RETURNED}


@every_type
def test_nothing_can_be_done_with_what_was_never_confirmed(kind: TransactionType) -> None:
    """A draft that ran out is nobody's and its answers are erased: no type has an action for it."""
    (view,) = (
        one for one in _views(kind) if one.state is State.CANCELLED and one.stage == "" and not one.slow
    )
    assert [name for name, action in kind.actions.items() if action.refusal(view, NOW) is None] == []


# --- the words ---------------------------------------------------------------------------------


def _worded(words: Words) -> None:
    assert words.zh.strip()
    assert words.en.strip()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh)


def _reasons(kind: TransactionType) -> list[str | None]:
    module = sys.modules[kind.perform.__module__]
    known: Mapping[str, Words] = getattr(module, "REASONS", {})
    return [*known, *([on_hold.ON_HOLD] if kind.risky else []), None]


def _views(kind: TransactionType) -> Iterator[View]:
    """As it may stand: every state and stage that is come to, with every reason, trouble and delay."""
    rules = cities.shipped()["changde"].versions[-1]
    for state, stage in sorted(reached(kind)):
        reasons = _reasons(kind) if state is State.REJECTED or stage == RETURNED else [None]
        troubles = [None, "timeout"] if state in WITH_BACK_OFFICE else [None]
        for reason, trouble, slow in product(reasons, troubles, (False, True)):
            yield View(
                "12345678901237", kind.name, state, stage, rules, {}, reason, trouble, slow, NOW, NOW, NOW
            )


@every_type
def test_wherever_it_stands_there_are_words_in_both_languages(kind: TransactionType) -> None:
    """A headline with its tone, sentences, and values for its messages, also where no fact is known."""
    for view in _views(kind):
        first = headline(kind, view)
        _worded(first.words)
        assert first.tone in {"good", "wait", "bad"}
        sentences = kind.explain(view)
        assert sentences
        for sentence in sentences:
            _worded(sentence)
        assert all(isinstance(value, str) for value in kind.personalise(view).values())


@every_type
def test_whatever_may_be_done_by_telephone_has_a_key(kind: TransactionType) -> None:
    """Four actions at most at a time, whatever grade was given: 5 goes on with what is told."""
    for view, facts in product(_views(kind), ({}, {"grade": "1"}, {"grade": "5"})):
        stands = replace(view, facts=facts)
        keyed = [one for one in kind.actions.values() if one.keyed and not one.refusal(stands, NOW)]
        assert len(keyed) <= menus.AT_A_TIME, (view.state, view.stage)


@every_type
def test_every_message_it_may_tell_has_its_text(kind: TransactionType) -> None:
    """The event of whatever it comes to is one there is a text for."""
    told = {kind.event(view) for view in _views(kind) if view.state in ENDS - {State.CANCELLED}}
    texts = {path.name.partition(".")[0] for path in (SHIPPED / kind.name).glob("*.sms.zh-CN.txt")}
    assert told <= texts
