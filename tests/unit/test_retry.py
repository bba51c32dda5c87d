"""The retry policy, by its rules and by properties over every outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels import voice
from gateway.delivery.number_caps import Sent, free_at
from gateway.delivery.retry import (
    ACCOUNT_PAUSE,
    LONGEST_INQUIRY,
    LONGEST_PAUSE,
    Missed,
    Next,
    Standing,
    Waits,
    after,
    after_inquiry,
    after_receipt,
    look_again,
    pause,
    without_inquiry,
)
from gateway.delivery.routing import choose
from gateway.messages import Cap
from gateway.notifications.request import Class
from gateway.notifications.status import MOVES, Status, may_move
from gateway.providers import (
    Absent,
    Accepted,
    CannotTell,
    Cause,
    Found,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
    Unreachable,
)

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
WAITS = Waits(receipt=timedelta(hours=72), inquiry=timedelta(seconds=10))
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.just(Accepted("ref")),
    st.builds(Throttled, st.just("limit"), st.none() | st.just(NOW + timedelta(minutes=1))),
    st.builds(Rejected, st.just("code"), st.sampled_from(Cause)),
    st.just(Unreachable("refused")),
    st.just(Unknown("timeout")),
)
STANDINGS = st.builds(
    Standing,
    klass=st.sampled_from(Class),
    tries=st.integers(1, 60),
    expires_at=st.integers(1, 300_000).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    others=st.booleans(),
)


def standing(klass: Class = Class.RESULT, tries: int = 1, *, others: bool = False) -> Standing:
    return Standing(klass, tries, NOW + timedelta(hours=72), others)


@given(OUTCOMES, STANDINGS)
def test_every_outcome_leads_somewhere_allowed(outcome: Outcome, held: Standing) -> None:
    """The next status may follow "sending", and a row that is not ended says when to look again."""
    then = after(outcome, held, NOW, WAITS)
    assert may_move(Status.SENDING, then.status)
    if then.status in (Status.WAITING, Status.UNKNOWN, Status.ACCEPTED):
        assert then.due_at is not None
        assert then.due_at >= NOW
    else:
        assert then.due_at is None
        assert then.reason


@given(OUTCOMES, STANDINGS)
def test_nothing_is_tried_again_after_its_time(outcome: Outcome, held: Standing) -> None:
    """A wait that would end after the message's time is not begun."""
    then = after(outcome, held, NOW, WAITS)
    if then.status is Status.WAITING:
        assert then.due_at is not None
        assert then.due_at < held.expires_at


@given(STANDINGS)
def test_only_codes_are_repeated_without_asking(held: Standing) -> None:
    """An unknown result is asked about; an unknown code goes out again."""
    then = after(Unknown("timeout"), held, NOW, WAITS)
    if held.klass is Class.CODE:
        assert then.status in (Status.WAITING, Status.EXPIRED)
    else:
        assert then.status is Status.UNKNOWN


@given(st.integers(0, 10_000))
def test_pauses_grow_and_end_at_five_minutes(tries: int) -> None:
    """1, 2, 4 … seconds, never longer than five minutes, never shorter than the one before."""
    assert timedelta(0) < pause(tries) <= pause(tries + 1) <= LONGEST_PAUSE


def test_a_second_failure_is_not_hurried() -> None:
    """With another provider the first retry is immediate; after that the pauses apply."""
    assert after(Unreachable("x"), standing(others=True), NOW, WAITS).due_at == NOW
    assert after(Unreachable("x"), standing(tries=3, others=True), NOW, WAITS).due_at == NOW + pause(3)


@pytest.mark.parametrize(
    ("cause", "others", "then"),
    [
        (Cause.RECIPIENT, True, Next(Status.FAILED, None, "code")),
        (Cause.CONTENT, True, Next(Status.WAITING, NOW, "code")),
        (Cause.CONTENT, False, Next(Status.FAILED, None, "code")),
        (Cause.ACCOUNT, False, Next(Status.WAITING, NOW + ACCOUNT_PAUSE, "code")),
        (Cause.OURS, False, Next(Status.FAILED, None, "code")),
        (Cause.UNSPECIFIED, False, Next(Status.FAILED, None, "code")),
    ],
)
def test_a_refusal_is_followed_by_what_can_help(cause: Cause, *, others: bool, then: Next) -> None:
    """A bad number helps nobody; another provider may take the text; people unblock an account."""
    assert after(Rejected("code", cause), standing(others=others), NOW, WAITS) == then


def test_what_an_inquiry_found_decides() -> None:
    """Found: accepted. Absent: sent again in its time. No answer: asked again later, at last left unknown."""
    since = NOW - timedelta(minutes=10)
    assert after_inquiry(Found("r"), standing(), since, NOW, WAITS).status is Status.ACCEPTED
    assert after_inquiry(Absent(), standing(), since, NOW, WAITS) == Next(Status.WAITING, NOW, "never_taken")
    late = Standing(Class.RESULT, 1, NOW, others=False)
    assert after_inquiry(Absent(), late, since, NOW, WAITS) == Next(Status.EXPIRED, None, "never_taken")
    again = Next(Status.UNKNOWN, NOW + timedelta(minutes=5), "down")
    assert after_inquiry(CannotTell("down"), standing(), since, NOW, WAITS) == again
    assert after_inquiry(CannotTell("down"), late, since, NOW, WAITS) == again
    over = after_inquiry(CannotTell("down"), standing(), NOW - WAITS.receipt, NOW, WAITS)
    assert over == Next(Status.UNKNOWN, None, "down")


@given(st.integers(0, 80 * 3600), st.integers(1, 7200))
def test_inquiries_grow_rare_with_the_age_of_the_question(seconds: int, grace: int) -> None:
    """Half the age later: never sooner than the grace period, nor later than half an hour after it."""
    now, least = NOW + timedelta(seconds=seconds), timedelta(seconds=grace)
    later = look_again(NOW, now, least)
    assert least <= later - now <= max(least, LONGEST_INQUIRY)
    assert later - now <= look_again(NOW, later, least) - later


def test_a_question_is_asked_some_hundred_times_in_its_window_and_not_thousands() -> None:
    """Three days of a silent provider: often at first, then twice an hour; the last look is at the end."""
    looks, now = [], NOW + WAITS.inquiry
    while True:
        looks.append(now)
        then = after_inquiry(CannotTell("down"), standing(), NOW, now, WAITS)
        if then.due_at is None:
            break
        now = then.due_at
    assert looks[-1] == NOW + WAITS.receipt
    assert sum(look < NOW + timedelta(minutes=2) for look in looks) >= 5
    assert 140 < len(looks) < 170


def test_who_cannot_be_asked_is_waited_for_and_looked_at_once_more() -> None:
    """To the end of the receipt window, then left unknown for good."""
    end = NOW + WAITS.receipt
    then = Next(Status.UNKNOWN, end, "provider_cannot_be_asked")
    assert without_inquiry(NOW, NOW + WAITS.inquiry, WAITS) == then
    assert without_inquiry(NOW, end, WAITS) == Next(Status.UNKNOWN, None, "provider_cannot_be_asked")


def test_no_status_leads_back_from_an_end() -> None:
    """Ends have no moves, and every status can be reached from "waiting"."""
    reached, frontier = {Status.WAITING}, {Status.WAITING}
    while frontier:
        frontier = {new for old in frontier for new in MOVES[old]} - reached
        reached |= frontier
    assert reached == set(Status)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5), min_size=1).filter(lambda w: any(w.values())),
    st.sampled_from("abcdx"),
    st.floats(0, 1, exclude_max=True),
)
def test_the_provider_just_tried_is_passed_over_where_there_is_another(
    weights: dict[str, int], tried: str, draw: float
) -> None:
    """A choice has weight, and is not the one that just failed unless it is alone."""
    chosen = choose(weights, tried, draw)
    assert weights[chosen] > 0
    if len([weight for weight in weights.values() if weight]) > 1:
        assert chosen != tried


@pytest.mark.parametrize(("klass", "soon"), [(Class.CODE, True), (Class.RESULT, True), (Class.NOTICE, False)])
def test_what_somebody_waits_for_goes_to_another_provider_when_one_has_no_room(
    klass: Class, soon: bool
) -> None:
    """A limit of one provider holds up a notice, but no code and no result."""
    crowded = Throttled("limit", NOW + timedelta(minutes=1))
    then = after(crowded, standing(klass, others=True), NOW, WAITS)
    assert (then.due_at == NOW) is soon


@given(
    st.builds(Missed, st.just("code"), st.none() | st.sampled_from(Cause), st.integers(0, 5)),
    st.integers(-10, 20_000).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.sampled_from([voice.RETRIES, ()]),
)
def test_a_missed_message_is_over_or_tried_again_in_time(
    missed: Missed, expires_at: datetime, retries: tuple[timedelta, ...]
) -> None:
    """Again only for who was away, as often as the channel says, and before the message's time ends."""
    missed = Missed(missed.code, missed.cause, max(missed.away, missed.cause is Cause.AWAY))
    then = after_receipt(missed, expires_at, NOW, retries)
    assert may_move(Status.ACCEPTED, then.status)
    if then.status is Status.WAITING:
        assert (missed.cause, missed.away <= len(retries)) == (Cause.AWAY, True)
        assert then.due_at == NOW + retries[missed.away - 1] < expires_at
    else:
        assert then == Next(Status.UNDELIVERED, None, "code")


SMALL = [Cap(most, timedelta(seconds=seconds)) for most, seconds in ((1, 3), (3, 10), (4, 30))]


@given(st.lists(st.integers(0, 40), max_size=9), st.integers(0, 10))
def test_the_next_call_comes_as_soon_as_every_cap_allows_it(calls: list[int], waited: int) -> None:
    """Against an oracle that tries each second in turn."""
    made = [NOW + timedelta(seconds=second) for second in calls]
    now = max(made, default=NOW) + timedelta(seconds=waited)
    moment = now
    while any(sum(moment - cap.within < call for call in made) >= cap.most for cap in SMALL):
        moment += timedelta(seconds=1)
    one = UUID(int=1)
    sent = [Sent(call, "notice", one) for call in made]
    assert free_at(sent, SMALL, Sent(now, "notice", one)) == (moment if moment > now else None)
