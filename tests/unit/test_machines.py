"""The machines of all types: every stage is reached and has words, and what is over stays over."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway import cities
from gateway.errors import UndeclaredMoveError
from gateway.pensions.situation import STATUSES
from gateway.transactions import registry
from gateway.transactions.following import check_move
from gateway.transactions.headlines import headline
from gateway.transactions.model import RETURNED, State, TransactionType, View

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
BEGUN, OVER = NOW.replace(day=20), "2026-12-05"
MACHINES = [kind for kind in registry.types().values() if kind.stages]
FACTS = {
    **dict.fromkeys(("starts_at", "ends_at", "waits_from", "waits_to"), "2026-11-25T01:00:00+00:00"),
    **dict.fromkeys(("offered_until", "off_until", "due_at", "counts_from"), "2026-11-25T01:00:00+00:00"),
    **dict.fromkeys(("hall", "hall_en", "closed", "number", "name", "value", "value_en"), "A1"),
    **dict.fromkeys(("start", "end"), OVER),
    "item": "postcode",
    "kind": "pensioner_elsewhere",
    "card_tail": "6266",
    "until": "2026-11-25T01:00:00+00:00",
}
each_type = pytest.mark.parametrize("kind", registry.types().values(), ids=lambda kind: kind.name)
each_machine = pytest.mark.parametrize("kind", MACHINES, ids=lambda kind: kind.name)


def _reached(kind: TransactionType, start: str) -> set[str]:
    """The stages to which moves lead from one, that one aside unless it comes back."""
    found: set[str] = set()
    ahead = list(kind.stages[start].then)
    while ahead:
        stage = ahead.pop()
        if stage not in found:
            found.add(stage)
            ahead += kind.stages[stage].then
    return found


@each_machine
def test_every_stage_is_declared_and_reached_from_the_beginning(kind: TransactionType) -> None:
    """No move leads to a stage nobody declared, and none is declared that nothing leads to."""
    assert {after for stage in kind.stages.values() for after in stage.then} <= set(kind.stages)
    back = {RETURNED} if RETURNED in kind.stages else set()  # the engine's own move: it is sent back from any
    assert _reached(kind, "") | {""} | back == set(kind.stages)


@each_machine
def test_every_stage_comes_to_an_end_or_to_a_standing_that_may_last(kind: TransactionType) -> None:
    """From each stage one leads on in which nothing more happens: no citizen is led round in a circle."""
    ends = {name for name, stage in kind.stages.items() if not stage.then}
    assert ends
    assert [name for name in kind.stages if name not in ends and not _reached(kind, name) & ends] == []


@each_machine
def test_nothing_that_has_begun_is_as_if_it_had_not(kind: TransactionType) -> None:
    """Only what was sent back to be corrected starts over."""
    assert {name for name, stage in kind.stages.items() if "" in stage.then} <= {RETURNED}


@each_machine
def test_only_declared_moves_are_made(kind: TransactionType) -> None:
    """Of all pairs of stages the engine takes those declared, and staying; out of an end it takes none."""
    for before, after in ((one, other) for one in [*kind.stages, "x"] for other in [*kind.stages, "x"]):
        declared = before in kind.stages and (after in kind.stages[before].then or before == after)
        if declared:
            check_move(kind, before, after)
            continue
        with pytest.raises(UndeclaredMoveError, match="do not declare"):
            check_move(kind, before, after)


def _views(kind: TransactionType) -> Iterator[View]:
    """Every state × stage × reason, knowing nothing and knowing all; in time and too late."""
    rules = cities.shipped()["changde"].versions[-1]
    reasons: Iterable[str] = getattr(sys.modules[kind.perform.__module__], "REASONS", {})
    known: list[Mapping[str, str]] = [{}, FACTS]
    for state in State:
        for stage in kind.stages or ("", *STATUSES):
            for reason in [None, "unheard_of", "not_finished", "on_hold", *reasons]:
                for facts in known:
                    for slow, at in ((False, NOW), (True, NOW.replace(month=12))):
                        trouble = "timeout" if slow else None
                        yield View(
                            "12345678901237",
                            kind.name,
                            state,
                            stage,
                            rules,
                            facts,
                            reason,
                            trouble,
                            slow,
                            BEGUN,
                            BEGUN,
                            at,
                        )


@each_type
def test_every_state_stage_and_reason_has_words_in_both_languages(kind: TransactionType) -> None:
    """However a transaction stands, a citizen hears a first word and a sentence, in Chinese and English."""
    for view in _views(kind):
        said = [headline(kind, view).words, *kind.explain(view)]
        assert len(said) > 1, view
        assert all(words.zh.strip() and words.en.strip() for words in said), view
        assert all("None" not in str(words) for words in said), view


@each_type
def test_every_state_stage_and_reason_has_a_message_of_a_known_name_and_a_tone(kind: TransactionType) -> None:
    """The message of a result is one that is written, whatever the result; a tone is one a page can show."""
    written = {*kind.events, *State, RETURNED}
    for view in _views(kind):
        assert kind.event(view) in written, view
        assert headline(kind, view).tone in {"good", "wait", "bad"}, view
        assert all(str(value).strip() != "None" for value in kind.personalise(view).values()), view


@each_type
def test_nothing_can_be_done_with_what_was_never_confirmed(kind: TransactionType) -> None:
    """A draft that ran out is nobody's and its answers are erased: no action of any type is offered on it."""
    draft = next(_views(kind))
    view = replace(draft, state=State.CANCELLED, reason="not_finished")
    assert [name for name, action in kind.actions.items() if action.refusal(view, NOW) is None] == []
