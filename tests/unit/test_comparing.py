"""Two books of a day: what each difference is, by example and by properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.comparing import (
    LISTED,
    UNEXPLAINED,
    WORDS,
    Differences,
    Kind,
    Ours,
    Sums,
    Theirs,
    compare,
    compare_sums,
    each_once,
    in_words,
)
from gateway.provider_books import Totals
from gateway.providers import Delivery

BEGINS = datetime(2026, 11, 20, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=1)
NOON = BEGINS + timedelta(hours=12)
DELIVERED, UNDELIVERED, PENDING = Delivery.DELIVERED, Delivery.UNDELIVERED, Delivery.PENDING


def ours(
    reference: str = "SM1",
    outcome: str | None = "accepted",
    receipt: str | None = None,
    at: datetime = NOON,
    address: bytes = b"a",
) -> Ours:
    return Ours("h1", reference, address, at, outcome, receipt)


def theirs(delivery: Delivery = DELIVERED, address: bytes = b"a") -> Theirs:
    return Theirs(address, delivery)


@pytest.mark.parametrize(
    ("has", "have", "kinds"),
    [
        ({"SM1": theirs()}, [ours(receipt="delivered")], {}),
        ({"SM1": theirs(PENDING)}, [ours()], {Kind.TO_COME: 1}),
        ({"SM1": theirs()}, [ours()], {Kind.MISSED: 1}),
        ({"SM1": theirs()}, [ours(receipt="undelivered")], {Kind.CONTRADICTED: 1}),
        ({"SM1": theirs(PENDING)}, [ours(receipt="delivered")], {}),
        ({"SM1": theirs()}, [], {Kind.THEIRS_ONLY: 1}),
        ({}, [ours()], {Kind.OURS_ONLY: 1}),
        ({}, [ours(at=ENDS - timedelta(minutes=5))], {Kind.TURN_OF_DAY: 1}),
        ({}, [ours(at=BEGINS - timedelta(hours=3))], {}),
        ({"SM1": theirs()}, [ours(at=BEGINS - timedelta(hours=3), receipt="delivered")], {}),
        ({"SM1": theirs()}, [ours("", "unknown")], {Kind.LOST_ANSWER: 1}),
        ({"SM1": theirs()}, [ours("", None)], {Kind.LOST_ANSWER: 1}),
        ({"SM1": theirs(address=b"b")}, [ours("", "unknown")], {Kind.THEIRS_ONLY: 1}),
        ({"1": theirs(), "2": theirs()}, [ours("", "unknown")], {Kind.LOST_ANSWER: 1, Kind.THEIRS_ONLY: 1}),
        ({"SM1": theirs()}, [ours("", "rejected")], {Kind.THEIRS_ONLY: 1}),
        ({}, [ours("", "unknown"), ours("", "rejected")], {}),
    ],
)
def test_each_difference_is_what_it_is(
    has: dict[str, Theirs], have: list[Ours], kinds: dict[Kind, int]
) -> None:
    """Receipts still to come are told apart from messages that one of us does not have."""
    assert dict(compare(has, have, BEGINS, ENDS).numbers) == kinds


REFERENCES = st.sampled_from(["SM1", "SM2", "SM3", "SM4"])


@given(st.dictionaries(REFERENCES, st.builds(theirs, st.sampled_from(Delivery))), st.sets(REFERENCES))
def test_every_message_of_either_book_is_accounted_for(has: dict[str, Theirs], accepted: set[str]) -> None:
    """Theirs only and ours only are what sets say."""
    found = compare(has, [ours(one, receipt="delivered") for one in accepted], BEGINS, ENDS)
    assert found.numbers[Kind.THEIRS_ONLY] == len(has.keys() - accepted)
    assert found.numbers[Kind.OURS_ONLY] == len(accepted - has.keys())


@pytest.mark.parametrize(
    ("totals", "sums", "kinds"),
    [
        (Totals(5, 5, 0, 0), Sums(5, 0, 0), {}),
        (Totals(5, 3, 0, 2), Sums(5, 0, 2), {Kind.TO_COME: 2}),
        (Totals(5, 5, 0, 0), Sums(5, 0, 2), {Kind.MISSED: 2}),
        (Totals(5, 4, 0, 1), Sums(5, 0, 3), {Kind.TO_COME: 1, Kind.MISSED: 2}),
        (Totals(5, 3, 0, 2), Sums(5, 0, 1), {Kind.TO_COME: 2}),  # one message of two parts
        (Totals(7, 7, 0, 0), Sums(5, 0, 0), {Kind.THEIRS_ONLY: 2}),
        (Totals(3, 3, 0, 0), Sums(5, 0, 0), {Kind.OURS_ONLY: 2}),
        (Totals(6, 6, 0, 0), Sums(5, 3, 0), {Kind.LOST_ANSWER: 1}),
        (Totals(9, 9, 0, 0), Sums(5, 3, 0), {Kind.LOST_ANSWER: 3, Kind.THEIRS_ONLY: 1}),
    ],
)
def test_sums_tell_as_much_as_they_can(totals: Totals, sums: Sums, kinds: dict[Kind, int]) -> None:
    """What is unknown to us explains as much as it may, no more."""
    assert dict(compare_sums(totals, sums).numbers) == kinds


def test_what_explains_itself_is_nobody_s_work() -> None:
    """And of each kind some are named, all are counted, and there are words."""
    found = Differences()
    for number in range(LISTED + 5):
        found.add(Kind.OURS_ONLY, f"SM{number}")
    found.add(Kind.TO_COME, number=7)
    found.add(Kind.MISSED, number=0)
    assert (found.unexplained, len(found.listed[Kind.OURS_ONLY])) == (LISTED + 5, LISTED)
    assert [kind for kind, _ in in_words(found)] == [Kind.OURS_ONLY, Kind.TO_COME]
    assert set(WORDS) == set(Kind)
    assert set(Kind) > UNEXPLAINED


def test_a_message_that_told_several_is_one() -> None:
    """Its attempts share hand-over and address; another address, hand-over or moment is another message."""
    one = ours("SM1")
    others = [
        ours("SM2", address=b"b"),
        ours("SM3", at=NOON + timedelta(seconds=1)),
    ]
    assert list(each_once([one, ours("SM2", address=b"b"), one, *others])) == [one, *others]
