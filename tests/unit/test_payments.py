"""What is said of pension payments: the money first, sums where they may be, the next day a working day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import calendars, cities
from gateway.catalogue.pension_payment import TYPE, follow
from gateway.channels import sms
from gateway.content.rendering import compile_body
from gateway.content.shipped import SHIPPED
from gateway.payment_rules import PensionPayment
from gateway.pensions import paying, payments
from gateway.transactions.model import Case, State, View

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
RULES = cities.shipped()["changde"].versions[-1]
STRONG = replace(
    RULES,
    pension_payment=PensionPayment(amounts=True),
    identity=replace(RULES.identity, levels=MappingProxyType({"pension_payment": "strong"})),
)
REPORT = "12345678901230"


@dataclass(frozen=True, slots=True)
class Row:
    month: str
    state: str = "paid"
    paid_on: date | None = None
    reason: str | None = None
    serial: str | None = None
    amount: str | None = "3210.50"


def view(it: payments.Payments, rules: cities.Rules = RULES, now: datetime = NOW) -> View:
    facts = payments.facts(it)
    return View("1", TYPE.name, State.SUCCEEDED, it.stage, rules, facts, None, None, False, NOW, NOW, now)


rows = st.builds(
    Row,
    st.dates(date(2025, 11, 1), date(2026, 11, 30)).map(lambda day: f"{day:%Y-%m}"),
    st.sampled_from(["paid", "pending", "failed", "held", "planned"]),
    st.none() | st.dates(date(2025, 11, 1), date(2026, 12, 31)),
    st.none() | st.sampled_from(payments.CAUSES),
    st.none() | st.sampled_from([REPORT, "the bank's own 7"]),
)
lists = st.lists(rows, max_size=7, unique_by=lambda row: row.month)


@given(lists, st.sampled_from([RULES, STRONG]))
def test_payments_are_read_from_their_facts_as_they_were_written(
    found: list[Row], rules: cities.Rules
) -> None:
    """Nothing is lost between the registry's answer and the page, and no sum is in any message."""
    it = payments.found(found, rules, NOW, "彭春阳")
    assert payments.of(view(it, rules)) == it
    assert not any("3210" in value for value in paying.values(view(it, rules)).values())


@given(lists)
def test_sums_are_shown_only_where_two_proofs_are_asked_for_and_not_for_long(found: list[Row]) -> None:
    """Not where a city does not want it or asks for one proof; not half an hour later; not when followed."""
    weak = replace(STRONG, identity=RULES.identity)
    for rules, now in ((RULES, NOW), (weak, NOW), (STRONG, NOW + payments.SHOWN)):
        shown = view(payments.found(found, rules, NOW, "彭春阳"), rules, now)
        assert not any("3210" in words.zh + words.en for words in paying.explain(shown))
    it = payments.found(found, STRONG, NOW, "彭春阳")
    case = Case(None, "1", {"id_number": "1", "name": "彭春阳"}, STRONG, NOW)  # type: ignore[arg-type]

    class Registry:
        def payments(self, *_who: str) -> list[Row]:
            return found

    after = follow(Registry(), case, view(it, STRONG))
    assert "3210" not in str(after)


def test_sums_are_shown_where_they_may_be() -> None:
    """To whoever proved twice who they are, at once."""
    it = payments.found([Row("2026-11", paid_on=date(2026, 11, 13))], STRONG, NOW, "彭春阳")
    assert "11月3210.50元" in "".join(words.zh for words in paying.explain(view(it, STRONG)))


@given(lists)
def test_whatever_failed_is_said_before_what_came(found: list[Row]) -> None:
    """One month that failed counts more than the others; then what is held back, then what is on its way."""
    states = {row.state for row in found}
    it = payments.found(found, RULES, NOW, "彭春阳")
    first = next((state for state in ("failed", "held", "pending", "paid") if state in states), None)
    wanted = {"failed": "pay_failed", "held": "held_back", None: "none_yet"}
    assert it.stage == wanted.get(first, first)
    said = paying.explain(view(it))
    assert "没有丢" in said[0].zh or it.stage != "pay_failed"
    assert "12333" in said[-1].zh


@given(
    st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.integers(1, 28), st.sampled_from(["before", "after"])
)
def test_the_next_day_of_payment_is_a_working_day_soon(today: date, pay_day: int, on_holiday: str) -> None:
    """After today, within seven weeks, and nothing but holidays between it and the rule's own day."""
    rule = PensionPayment(pay_day=pay_day, on_holiday=on_holiday)  # type: ignore[arg-type]
    calendar = calendars.shipped()
    day = payments.next_day(replace(RULES, pension_payment=rule), today).date
    assert today < day <= today + timedelta(days=49)
    assert calendar.is_working_day(day)
    step = timedelta(days=1 if on_holiday == "before" else -1)
    while day.day != pay_day:
        day += step
        assert not calendar.is_working_day(day) or day.day == pay_day


@pytest.mark.parametrize(
    ("today", "on_holiday", "expected"),
    [
        (date(2026, 11, 21), "before", date(2026, 12, 15)),
        (date(2026, 2, 1), "before", date(2026, 2, 14)),  # the 15th begins the holidays; the 14th is worked
        (date(2026, 2, 1), "after", date(2026, 2, 24)),
        (date(2026, 2, 14), "before", date(2026, 3, 13)),
    ],
)
def test_pay_days_of_2026(today: date, on_holiday: str, expected: date) -> None:
    """The fifteenth, moved by the State Council's holidays."""
    rule = PensionPayment(on_holiday=on_holiday)  # type: ignore[arg-type]
    assert payments.next_day(replace(RULES, pension_payment=rule), today).date == expected


def test_every_text_is_short_with_every_cause() -> None:
    """At most two parts as a text message in Chinese, and no sum."""
    paths = sorted((SHIPPED / TYPE.name).glob("*.sms.zh-CN.txt"))
    reasons = (*payments.CAUSES, None)
    for path, reason, serial in product(paths, reasons, (REPORT, None)):
        it = payments.found([Row("2025-12", "failed", None, reason, serial)], RULES, NOW, "欧阳冬桃桃")
        values = {"code": "482913", "reference": "1" * 14, **paying.values(view(it))}
        text = compile_body(path.read_text("utf-8").strip()).render(values)
        assert sms.parts(text, RULES.signature) <= 2, text


def test_each_cause_leads_somewhere() -> None:
    """A blocked card to its release, what is closed or differs to a counter, a pause to the coach."""
    leads = {
        ("failed", "account_blocked"): {"release", "visit"},
        ("failed", "account_closed"): {"visit"},
        ("failed", "data_mismatch"): {"correct"},
        ("failed", None): {"visit"},
        ("held", None): {"authenticate"},
        ("paid", None): set(),
    }
    for (state, reason), wanted in leads.items():
        shown = view(payments.found([Row("2026-11", state, None, reason)], RULES, NOW, "王芳"))
        assert {name for name, action in TYPE.actions.items() if not action.refusal(shown, NOW)} == wanted


@pytest.mark.parametrize(("serial", "ours"), [(REPORT, True), ("the bank's own 7", False), (None, False)])
def test_a_block_is_ours_only_by_the_number_of_our_report(serial: str | None, ours: bool) -> None:
    """Nobody is told that their own report stopped the account where the bank froze it."""
    it = payments.found([Row("2026-11", "failed", None, "account_blocked", serial)], RULES, NOW, "王芳")
    assert ("您在这里给社保卡办了挂失" in "".join(words.zh for words in paying.explain(view(it)))) == ours
