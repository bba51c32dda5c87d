"""The ladder: rungs in their order, each with its wait, and the call-backs in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.broadcasts import definition as definitions
from gateway.broadcasts.ladder import BEFORE, CALL_BACK, WORTH, Next, Rung, following, latest, overdue
from gateway.errors import UnknownNameError

START = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
WAITS = st.integers(0, 72 * 3600)
LADDERS = st.builds(
    lambda waits, last: (
        Rung("sms"),
        *(Rung(name, wait) for name, wait in zip(("voice", "email"), waits, strict=False)),
        Rung(CALL_BACK, last),
    ),
    st.lists(WAITS, max_size=2),
    WAITS,
)


def _minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


def _climbed(rungs: tuple[Rung, ...], within: int, takes: list[int]) -> list[tuple[Rung, datetime]]:
    """Every rung with the moment it began, where handing one over takes so many seconds."""
    by, now, stage = latest(START, within), START, 1
    found = [(rungs[0], START)]
    while stage < len(rungs):
        settled = now + timedelta(seconds=takes[stage - 1])
        if overdue(rungs, stage, by, settled):
            assert by is not None
            stage, now = len(rungs), max(now, by)
        else:
            then = following(rungs, stage, settled, by)
            assert then is not None
            stage, now = then.stage, max(settled, then.begins)
        found.append((rungs[stage - 1], now))
    return found


ODD = (Rung("sms"), Rung("voice", 42_960), Rung("email", 49_534), Rung(CALL_BACK, 484))


@example(rungs=ODD, within=812, takes=[0, 0, 0])  # shares that do not add up to a microsecond
@given(rungs=LADDERS, within=st.integers(600, 30 * 86_400), takes=st.lists(WAITS, min_size=3, max_size=3))
def test_whom_to_call_is_known_by_the_deadline(
    rungs: tuple[Rung, ...], within: int, takes: list[int]
) -> None:
    """Whatever the waits and however slowly messages go, the last rung begins minutes before it."""
    rung, began = _climbed(rungs, within, takes)[-1]
    assert rung.channel == CALL_BACK
    assert began <= START + timedelta(seconds=within) - BEFORE


@given(rungs=LADDERS, within=st.integers(600, 30 * 86_400), takes=st.lists(WAITS, min_size=3, max_size=3))
def test_rungs_keep_their_order_and_none_waits_longer_than_it_was_told(
    rungs: tuple[Rung, ...], within: int, takes: list[int]
) -> None:
    """A deadline shortens waits and leaves rungs out; it never turns them round."""
    climbed = _climbed(rungs, within, takes)
    places = [rungs.index(rung) for rung, _ in climbed]
    assert places == sorted(set(places))
    waits = sum((rung.wait for rung in rungs), timedelta())
    assert climbed[-1][1] <= START + waits + timedelta(seconds=sum(takes))
    for rung, began in climbed[1:-1]:
        assert began + WORTH <= START + timedelta(seconds=within) - BEFORE, rung


@given(rungs=LADDERS, within=st.integers(600, 30 * 86_400))
def test_a_deadline_far_enough_changes_nothing(rungs: tuple[Rung, ...], within: int) -> None:
    """Every rung is climbed, each after its own wait."""
    assume(sum(rung.wait_seconds for rung in rungs) + 1000 <= within)
    climbed = _climbed(rungs, within, [0, 0, 0])
    assert [rung for rung, _ in climbed] == list(rungs)
    for (_, before), (rung, began) in pairwise(climbed):
        assert abs(began - before - rung.wait) < timedelta(milliseconds=1)


TEXT, CALL, MAIL = Rung("sms"), Rung("voice", 3600), Rung("email", 3600)
PERSON = Rung(CALL_BACK, 7200)


@pytest.mark.parametrize(
    ("stage", "minutes", "expected"),
    [
        (1, None, Next(2, _minutes(60))),  # no deadline
        (1, 245, Next(2, _minutes(60))),  # time for all: 1 h, 1 h, 2 h, and 5 minutes
        (1, 125, Next(2, _minutes(30))),  # half the time, half the waits
        (3, 65, Next(4, _minutes(60))),
        (1, 14, Next(4, _minutes(9))),  # no time for a call to ring
        (1, 4, Next(4, START)),  # it is over already
        (4, None, None),
        (4, 4, None),
    ],
)
def test_what_follows(stage: int, minutes: float | None, expected: Next | None) -> None:
    within = None if minutes is None else int(minutes * 60)
    assert following((TEXT, CALL, MAIL, PERSON), stage, START, latest(START, within)) == expected


def test_a_closed_channel_is_passed_over_with_its_wait() -> None:
    assert following((TEXT, CALL, MAIL), 1, START, closed=["voice"]) == Next(3, _minutes(60))
    assert following((TEXT, CALL), 1, START, closed=["voice"]) is None


def test_every_kind_of_notice_has_a_ladder_that_can_be_climbed() -> None:
    """The house's own data: each is a definition, and what is none is told apart from what is."""
    for kind in ("inform", "act", "help", "money"):
        usual = definitions.usual_rungs(kind)
        rungs = [Rung(**one) for one in usual.get("then", ())]
        if within := usual.get("within_seconds"):
            assert [rung.channel for rung in rungs][-1] == CALL_BACK
            assert sum(rung.wait_seconds for rung in rungs) + BEFORE.total_seconds() <= within
    with pytest.raises(UnknownNameError, match="there are inform, act, help, money"):
        definitions.usual_rungs("urgent")
