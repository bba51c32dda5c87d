"""What is said about a pension authentication: true, comforting, short enough, and ending with what helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product

import pytest

from gateway import calendars, cities
from gateway.catalogue.pension_auth import EVENTS, TYPE
from gateway.channels import sms
from gateway.cities import Hall
from gateway.content.rendering import compile_body
from gateway.content.shipped import SHIPPED
from gateway.pensions import coaching, letters, situation, ways
from gateway.pensions.ladder import HELPER_EVENT, ladder
from gateway.pensions.reminding import again, because
from gateway.pensions.situation import Situation
from gateway.transactions.model import State, Step, View

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
TODAY = date(2026, 11, 21)
ELDER, ADULT = "430726195207071266", "430781196605050179"
RULES = [city.versions[-1] for city in cities.shipped().values()]
TEXTS = sorted((SHIPPED / "pension_auth").glob("*.txt"))


@dataclass(frozen=True, slots=True)
class Standing:
    status: str
    last_done: date | None = None
    failed_on: date | None = None
    failure: str | None = None
    flags: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


def situations() -> Iterator[Situation]:
    """Every status with every cause, known and unknown dates, flagged or not, young and old."""
    days = (None, date(2024, 2, 29), date(2025, 11, 21), date(2025, 12, 31), TODAY)
    causes = (None, "a new one", *ways.CAUSES)
    flags = (frozenset[str](), frozenset({"dispute"}))
    for rules, status, done, cause, flag in product(RULES, sorted(situation.STATUSES), days, causes, flags):
        standing = Standing(status, done, TODAY if cause else None, cause, flag)
        for number in (ELDER, ADULT):
            yield situation.found(standing, rules, NOW, number, "欧阳冬桃桃")


@cache
def fillings() -> list[dict[str, str]]:
    """The values of messages that differ from each other, with the signature they are sent under."""
    found = {tuple(letters.values(s).items()): s.rules.signature for s in situations()}
    given = {"code": "482913", "reference": "1" * 14, "reason": "没有查到您的养老待遇登记", "reason_en": "-"}
    return [{**dict(values), **given, "signature": signature} for values, signature in found.items()]


def view(s: Situation) -> View:
    facts = situation.facts(s)
    at = (NOW, NOW, NOW)
    return View("1", "pension_auth", State.SUCCEEDED, s.status, s.rules, facts, None, None, False, *at)


def test_a_situation_is_read_from_its_facts_as_it_was_written() -> None:
    """Nothing is lost between the registry's answer and the page weeks later."""
    for s in situations():
        asked = replace(s, call_back=TODAY, home_visit=TODAY)
        assert situation.of(view(asked)) == asked


def test_every_value_fits_into_a_variable_and_stands_on_one_line() -> None:
    """A vendor takes 35 characters and no line break."""
    for s in situations():
        for name, value in letters.values(replace(s, call_back=date(2027, 1, 4))).items():
            assert 0 < len(value) <= 35, (name, value)
            assert "\n" not in value


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_text_can_be_filled_in_and_is_short(path: object) -> None:
    """At most two parts as a text message in Chinese; a call speaks at most a hundred characters."""
    name, channel, language, _ = path.name.split(".")  # type: ignore[attr-defined]
    compiled = compile_body(path.read_text("utf-8").strip())  # type: ignore[attr-defined]
    for given in fillings():
        text = compiled.render(given)
        if channel == "voice" and language == "zh-CN":
            assert len(text) <= 100, text
        elif language == "zh-CN":
            assert sms.parts(text, given["signature"]) <= 2, text
        assert name == "code" or "12333" in text


def test_every_event_has_its_texts_in_both_languages() -> None:
    """A standing without words would leave a citizen without an answer."""
    names = {path.name for path in TEXTS}
    assert set(EVENTS) == situation.STATUSES
    for event in (*TYPE.events, "unfinished", "remind_due", "remind_paused"):
        assert {f"{event}.sms.zh-CN.txt", f"{event}.sms.en.txt"} <= names
    assert {"remind_due.voice.zh-CN.txt", "remind_due.voice.en.txt"} <= names


def test_nobody_is_told_that_a_pension_is_paid_when_it_may_not_be() -> None:
    """Not when it is paused or ended, nor when the time has passed, nor when the record is disputed."""
    for s in situations():
        first = coaching.comfort(s).zh
        if s.pension != "paid":
            assert "没有停" not in first
            assert "照常" not in first
        if s.status in {"paused", "ended"} or s.held:
            assert s.pension != "paid"
        if s.status == "failed" and s.pause_from and s.pause_from <= TODAY:
            assert s.pension != "paid"


def test_whoever_must_act_is_given_steps_and_the_last_is_a_person() -> None:
    """And whoever need not, or whose record is with a person, is given none."""
    for s in situations():
        steps = [words for words in coaching.advice(s) if isinstance(words, Step)]
        must = s.status in situation.DUE | {"paused"} and not s.held
        assert bool(steps) == must
        assert not must or "拨12333" in steps[-1].zh
        assert all(words.en for words in coaching.advice(s))


@pytest.mark.parametrize(("number", "order"), [(ELDER, ("上门", "窗口")), (ADULT, ("窗口", "上门"))])
def test_who_is_old_is_offered_the_visit_before_the_way_to_the_counter(
    number: str, order: tuple[str, str]
) -> None:
    """From the age of the city's rule, which is 75: she is 74, so Changde's rule is lowered here."""
    rules = replace(RULES[0], pension_auth=replace(RULES[0].pension_auth, home_visit_age=74))
    s = situation.found(Standing("failed", failure="changed_face"), rules, NOW, number, "王芳")
    steps = [words.zh for words in coaching.advice(s) if isinstance(words, Step)]
    assert order[0] in steps[0]
    assert order[1] in steps[1]


def test_where_there_are_no_home_visits_none_is_offered() -> None:
    rules = replace(RULES[0], pension_auth=replace(RULES[0].pension_auth, home_visits=False))
    s = situation.found(Standing("failed"), rules, NOW, ELDER, "王芳")
    assert not [words for words in coaching.advice(s) if "上门" in words.zh]
    assert TYPE.actions["home_visit"].refusal(view(s), NOW)


def test_a_new_scan_is_not_advised_where_it_cannot_pass() -> None:
    """A changed face and records that disagree need a person, not another try."""
    for cause in ("changed_face", "data_mismatch"):
        s = situation.found(Standing("failed", failure=cause), RULES[0], NOW, ADULT, "王芳")
        assert not [words for words in coaching.advice(s) if isinstance(words, Step) and "再试" in words.zh]
        assert letters.values(s)["next_try"] == "到就近社保窗口"


def test_who_waits_for_a_visit_is_not_told_to_ask_for_it() -> None:
    s = situation.found(Standing("failed", failure="changed_face"), RULES[0], NOW, ELDER, "王芳")
    for waits in (replace(s, home_visit=TODAY), replace(s, visit_on=TODAY)):
        steps = [words.zh for words in coaching.advice(waits) if isinstance(words, Step)]
        assert steps
        assert not [words for words in steps if "申请上门" in words]


def test_reminders_keep_to_working_mornings_and_to_the_time_ahead() -> None:
    """Nine to half past eleven on working days, none in the past, each on an occasion of its own."""
    for s in situations():
        plans = ladder(s, NOW, spread=12_345_678)
        if s.status != "paused" or s.held or s.due is None:
            assert bool(plans) == (s.status in situation.DUE and not s.held)
        else:
            assert [plan.event for plan in plans] == [HELPER_EVENT] * len(plans)
        assert len({(plan.event, plan.channel, plan.occasion) for plan in plans}) == len(plans)
        for plan in plans:
            local = plan.due_at.astimezone(s.rules.zone)
            assert plan.due_at > NOW
            assert calendars.shipped().is_working_day(local.date())
            assert (
                timedelta(hours=9)
                <= timedelta(hours=local.hour, minutes=local.minute)
                <= timedelta(hours=11.5)
            )
            assert len(plan.occasion) <= 40
            assert again(plan, s.rules) == plan
            assert because(plan, s.rules).rule.removeprefix("pension_auth.") in s.rules.pension_auth.__slots__


def test_a_counter_without_english_is_named_in_chinese() -> None:
    """A city's file may leave a hall's English out: no sentence has a hole for it."""
    rules = replace(RULES[0], halls=(Hall("h", "城东窗口", "解放路1号", "9:00–17:00"),))
    s = replace(next(situations()), rules=rules)
    assert ways.counter(s).en.endswith("For one 城东窗口: 解放路1号, 9:00–17:00.")
