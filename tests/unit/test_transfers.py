"""The legs of a transfer: their due dates, when they are looked at, what is told of each move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.back_offices import Done
from gateway.catalogue import relation_transfer
from gateway.rules.model import Rules
from gateway.transactions.following import check_move
from gateway.transactions.model import Case, Changed, State, View
from gateway.transfers import legs, orders, told, words
from integrations import transfer_platform
from integrations.transfer_platform import Transfer

RULES = cities.shipped()["changde"].versions[-1]
FIRST = date(2026, 2, 2)
WAY = ["applied", "accepted", "letter_sent", "old_place_processing", "info_form_received", "funds_received"]


def case(now: datetime, rules: Rules = RULES) -> Case:
    answers = {"id_number": "430726195207071266", "name": "王芳"}
    return Case(UUID(int=1), "12345678901237", answers, rules, now)


def noon(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), RULES.zone) + timedelta(hours=12)


def transfer(state: str, begun: date, number: str = "1") -> Transfer:
    """One whose leg began on that day; the earlier legs a week before each other."""
    leg = legs.LEG_OF.get(state, 3)
    on = [begun - timedelta(days=7 * (leg - nth)) for nth in (1, 2, 3)]
    letter_on, funds_on = on[1] if leg > 1 else None, on[2] if leg > 2 else None
    cause = "review_failed" if state in ("refused", "returned") else None
    return Transfer(number, "430100", "430700", state, noon(begun), on[0], letter_on, funds_on, cause, "")


@pytest.mark.parametrize("state", WAY)
@pytest.mark.parametrize(
    ("begun", "due"),
    [
        ("2026-01-05", "2026-01-26"),
        ("2026-02-13", "2026-03-12"),
        ("2026-04-30", "2026-05-25"),
        ("2026-09-18", "2026-10-15"),
        ("2026-09-30", "2026-10-27"),
    ],
)
def test_every_leg_has_fifteen_working_days_from_the_day_after_it_began(
    state: str, begun: str, due: str
) -> None:
    """It is late the day after that, and not before."""
    it, last = transfer(state, date.fromisoformat(begun)), date.fromisoformat(due)
    for today, late in ((last, False), (last + timedelta(days=1), True)):
        leg = legs.leg(it, RULES, today)
        assert leg is not None
        assert (leg.number, leg.due.date, leg.late) == (legs.LEG_OF[state], last, late)


@given(st.sampled_from(WAY), st.integers(0, 900), st.integers(0, 24 * 60), st.sampled_from([24, 72, 168]))
def test_a_late_leg_is_noticed_on_the_day_after_it_was_due(
    state: str, later: int, minutes: int, hours: int
) -> None:
    """However the looks fall and however seldom they usually are, that day has one."""
    rules = replace(RULES, relation_transfer=replace(RULES.relation_transfer, follow_hours=hours))
    begun = FIRST + timedelta(days=later)
    it, now = transfer(state, begun), noon(begun) + timedelta(minutes=minutes)
    for _ in range(200):
        facts = legs.facts_of(it, [it], case(now, rules))
        if facts["late"]:
            assert now.astimezone(RULES.zone).date() == date.fromisoformat(facts["due"]) + timedelta(days=1)
            return
        again_at = legs.look_again(facts, state, case(now, rules))
        assert again_at is not None
        assert now < again_at <= now + timedelta(hours=hours)
        now = again_at
    raise AssertionError("it never became late")


@dataclass
class Platform:
    """Says what it is told to."""

    now: Sequence[Transfer] = ()

    def transfers(self, id_number: str, name: str, city: str) -> Sequence[Transfer]:
        return self.now


@given(st.lists(st.tuples(st.sampled_from([*WAY, "returned"]), st.integers(0, 40)), min_size=1, max_size=12))
def test_each_leg_is_told_once_and_each_late_one_opens_one_order(walk: list[tuple[str, int]]) -> None:
    """Wherever people take it, back or forth: a leg anew only once sent back; no move is undeclared."""
    platform, today = Platform(), FIRST
    kind, moments = relation_transfer.TYPE, [noon(FIRST)] * 3
    view = View("1", "", State.SUCCEEDED, "", RULES, {}, None, None, False, *moments)
    legs_told, opened = Counter[str](), Counter[str]()
    begun: dict[int, date] = {}
    for state, days in walk:
        today += timedelta(days=days)
        number = legs.LEG_OF.get(state, 0)
        begun = {leg: day for leg, day in begun.items() if leg <= number} if number else {}
        platform.now = [transfer(state, begun.setdefault(number, today))]
        found: Done | Changed | object
        if not view.stage:
            found = kind.perform(platform, case(noon(today)))
        else:
            assert kind.follow is not None
            found = kind.follow(platform, case(noon(today)), view)
        assert isinstance(found, Done | Changed)
        check_move(kind, view.stage, found.stage)
        facts = dict(found.facts)
        if isinstance(found, Changed) and found.event == told.NEXT_LEG:
            legs_told[facts["leg"]] += 1
        if state == "returned":
            legs_told.clear()
        if found.opens:
            assert found.opens.fact not in facts
            assert found.opens.answers["kind"] == orders.KIND
            opened[found.opens.fact] += 1
            facts[found.opens.fact] = "20261121000123"
        view = replace(view, stage=found.stage, facts=facts, now=noon(today))
        assert kind.explain(view)
    assert set(legs_told.values()) <= {1}
    assert set(opened.values()) <= {1}


def test_the_newest_under_way_is_followed_and_the_others_are_named() -> None:
    """What is over gives way to what is not; of several the last applied for, and three others at most."""
    over = [transfer("completed", FIRST + timedelta(days=n), str(n)) for n in range(5)]
    old, new = (
        transfer("applied", FIRST - timedelta(days=99), "7"),
        transfer("letter_sent", FIRST + timedelta(days=9), "8"),
    )
    assert legs.followed([*over, old, new]) == new
    assert legs.followed(over) == over[-1]
    assert legs.followed([]) is None
    facts = legs.facts_of(new, [*over, old, new], case(noon(FIRST + timedelta(days=20))))
    assert [one[0] for one in legs.others(facts)] == ["applied", "completed", "completed"]


def test_a_transfer_the_platform_has_lost_is_looked_for_and_then_let_go() -> None:
    """A month of looks, nothing told, and it stays as it was."""
    platform, now = Platform([transfer("accepted", FIRST)]), noon(FIRST)
    done = relation_transfer.perform(platform, case(now))
    assert isinstance(done, Done)
    view = View("1", "", State.SUCCEEDED, done.stage, RULES, done.facts, None, None, False, now, now, now)
    platform.now, looks = (), 0
    while True:
        now += timedelta(hours=24)
        found = relation_transfer.follow(platform, case(now), view)
        assert isinstance(found, Changed)
        assert (found.stage, found.facts, found.event) == ("accepted", done.facts, None)
        if found.again_at is None:
            break
        looks += 1
    assert looks == 30


def test_every_cause_the_platform_tells_has_words_and_what_helps() -> None:
    """Also one nobody knows."""
    assert {*transfer_platform.CAUSES.values(), "other"} == set(words.CAUSES)


@pytest.mark.parametrize("state", ["refused", "letter_sent"])
def test_a_city_may_open_no_orders(state: str) -> None:
    """Then the citizen is told where to ask."""
    rule = replace(RULES, relation_transfer=replace(RULES.relation_transfer, orders=()))
    facts = legs.facts_of(transfer(state, FIRST), (), case(noon(FIRST + timedelta(days=60))))
    assert orders.needed(legs.stage(transfer(state, FIRST)), facts, RULES) is not None
    assert orders.needed(legs.stage(transfer(state, FIRST)), facts, rule) is None
    moments = [datetime(2026, 11, 21, tzinfo=UTC)] * 3
    view = View("1", "", State.SUCCEEDED, state, rule, facts, None, None, False, *moments)
    assert "0736-12333" in words.personalise(view)["help"]
