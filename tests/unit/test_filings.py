"""Filings: what is asked, how answers are read, and what a register's rows mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from gateway import cities, referral_rules
from gateway.back_offices import Done, Pending, Refused, Returned
from gateway.filings import asking, fields, kinds, standing, told, words
from gateway.filings.kinds import KINDS
from gateway.filings.standing import OPEN, OVER, STAGES
from gateway.transactions.form import applying, example
from gateway.transactions.model import Case, State, View
from integrations import filing_register
from tests.world import START

RULES = cities.shipped()["changde"].versions[-1]
ANSWERS = {
    "id_number": "430726195207071266",
    "name": "王芳芳",
    "kind": "pensioner_elsewhere",
    "request": "file",
    "destination": "310115",
    "contact": "13800138000",
    "start": "2026-12-01",
    "lasting": "dated",
    "end": "2027-11-30",
    "reason": "children",
    "commitment": "1",
    "address": "世纪大道100号",
}
moments = st.integers(0, 10**8).map(lambda seconds: START + timedelta(seconds=seconds))


def case(submitted_at: datetime | None = None, **answers: str) -> Case:
    given = {**ANSWERS, **answers}
    return Case(UUID(int=1), "12345678901237", given, RULES, START, submitted_at=submitted_at)


def view(state: State, stage: str, reason: str | None = None, **facts: str) -> View:
    told_of = {**standing.facts_filed(case()), **facts}
    return View(
        "12345678901237", "filing", state, stage, RULES, told_of, reason, None, False, START, START, START
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A filing as a register tells it."""

    number: str = "9"
    kind: str = "pensioner_elsewhere"
    state: str = "active"
    since: datetime = START
    serial: str | None = "12345678901237"
    ended_by: str | None = None
    details: Mapping[str, str] = field(default_factory=lambda: standing.details(ANSWERS))
    cause: str | None = None
    note: str = ""


# --- what is asked ---------------------------------------------------------------------------


def test_each_kind_asks_for_what_it_needs_and_ending_one_for_nothing_more() -> None:
    """Who lives elsewhere names the place and may name an end; whoever ends a filing only says which."""
    asked = {kind: applying(asking.Form, {**ANSWERS, "kind": kind})[4:] for kind in KINDS}
    whole = ["reason", "lasting", "destination", "contact", "start", "end", "commitment", "address"]
    here = ["reason", "contact", "start", "commitment", "address"]
    assert asked == {kind: whole if KINDS[kind].elsewhere else here for kind in KINDS}
    assert applying(asking.Form, {**ANSWERS, "lasting": "open"})[4:] == [w for w in whole if w != "end"]
    assert applying(asking.Form, {**ANSWERS, "request": "cancel"})[4:] == []


def test_medical_filings_are_another_bureau_s_and_whoever_asks_is_told_whose() -> None:
    """It stands last among the choices and answers with the bureau's number and hours, in both languages."""
    offered = asking.CHOICES["kind"](None, case())
    assert [one.value for one in offered][-1] == kinds.MEDICAL
    said = asking.check(case(kind=kinds.MEDICAL))["kind"]
    assert "12393" in said.zh
    assert "12393" in said.en
    assert referral_rules.of(RULES.referrals, referral_rules.MEDICAL).hours in said.zh


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, set()),
        ({"destination": "430702"}, {"destination"}),
        ({"start": "2012-01-01"}, {"start", "end"}),
        ({"start": "2027-05-01", "end": "2027-06-01"}, {"start"}),
        ({"end": "2026-12-01"}, {"end"}),
        ({"start": "2026-10-01", "end": "2026-11-21"}, {"end"}),
        ({"end": "2029-12-01"}, {"end"}),
        ({"end": "2029-11-30"}, set()),
    ],
)
def test_what_does_not_go_together_is_said_at_the_answer_it_is_about(
    answers: dict[str, str], wrong: set[str]
) -> None:
    """A place in the own city, a first day too far off, an end too soon or too late."""
    said = asking.check(case(None, **answers))
    assert set(said) == wrong
    assert all(one.zh and one.en for one in said.values())


def test_the_commitment_s_version_is_the_answer_and_its_text_is_read_out() -> None:
    """There is one text to agree to; what is kept is which it was, and the check shows it whole."""
    [only] = asking.CHOICES["commitment"](None, case())
    assert only.value == RULES.filing.commitment_version
    assert only.note is not None
    assert RULES.filing.commitment.startswith(only.note.zh)
    assert RULES.filing.commitment in words.effect_of(case())[-1].zh


def test_every_example_is_an_answer_its_field_takes() -> None:
    """Whoever plays the form with them, taking the first of each choice, has nothing to correct."""
    played = {name: example(field, START.date()) for name, field in asking.Form().fields.items()}
    typed = {name: read(name, text) for name, text in played.items() if text and name not in asking.CHOICES}
    assert set(typed) == {"destination", "contact", "start", "end", "address"}
    firsts = {"kind": "pensioner_elsewhere", "request": "file", "reason": "children", "lasting": "open"}
    asked = applying(asking.Form, {**typed, **firsts, "commitment": "1"})
    answers = {**firsts, **{name: typed[name] for name in asked if name in typed}}
    assert asking.check(replace(case(), answers=answers)) == {}


# --- how answers are read --------------------------------------------------------------------


def read(name: str, text: str) -> str:
    form: type[Schema] = asking.Form
    value: str = form(only=[name]).load({name: text})[name]
    return value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("start", "20261201", "2026-12-01"),
        ("start", " 2026-12-1 ", "2026-12-01"),
        ("start", "２０２６年１２月１日", "2026-12-01"),
        ("start", "2026/2/28", "2026-02-28"),
        ("contact", "138 0013 8000", "13800138000"),
        ("contact", "+86 138-0013-8000", "13800138000"),
        ("contact", "0736-7255555", "07367255555"),
        ("destination", "上海浦东", "310115"),
        ("destination", "310115", "310115"),
        ("address", " 世纪大道100号  3栋 ", "世纪大道100号 3栋"),
    ],
)
def test_answers_are_read_however_people_write_them(name: str, text: str, value: str) -> None:
    assert read(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("start", "20260229"),
        ("start", "2026121"),
        ("start", "0"),
        ("start", "٢٠٢٦١٢٠١"),
        ("contact", "12333"),
        ("contact", "7255555"),
        ("contact", "+1 202 555 0143"),
        ("contact", "0" * 300),
        ("destination", "朝阳"),
        ("destination", "火星"),
        ("destination", "430000"),
        ("address", "100"),
        ("address", "路"),
        ("address", "世" * 201),
        ("address", "世纪大道\u202e100号"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_to_write(name: str, text: str) -> None:
    """Both languages, and where a place may be several, which."""
    with pytest.raises(ValidationError) as refused:
        read(name, text)
    [said] = refused.value.normalized_messages()[name]  # type: ignore[no-untyped-call]
    assert said.zh
    assert said.en
    if text == "朝阳":
        assert "北京市朝阳区（110105）" in said.zh
        assert ["北京市朝阳区", "110105"] in [[one.words.zh, one.value] for one in fields.places(text)]


@settings(max_examples=60)
@given(st.sampled_from(["start", "contact", "destination", "address"]), st.text(max_size=250))
def test_any_text_is_an_answer_or_refused(name: str, text: str) -> None:
    """Nothing else happens, and what was read is read again as the same."""
    try:
        value = read(name, text)
    except ValidationError:
        return
    assert read(name, value) == value


# --- what a register's rows mean --------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(filing_register.STATES))
def test_every_state_of_a_register_has_its_meaning(state: str) -> None:
    """Under review it is pending, in force or over it is done; the stage is the register's word."""
    outcome = standing.outcome(Row(state=state, cause="other"), case())
    expected = {**dict.fromkeys(OPEN, Pending), "returned": Returned, "rejected": Refused}
    assert isinstance(outcome, expected.get(state, Done))
    if isinstance(outcome, Pending | Done):
        assert outcome.stage == state
        assert state in STAGES
        assert (outcome.again_at is None) == (state in OVER)


@pytest.mark.parametrize("cause", [*filing_register.CAUSES.values(), "other"])
def test_whatever_is_returned_opens_fields_of_the_form_and_has_words(cause: str) -> None:
    """The reason is one of ours, and at least one answer is open again."""
    outcome = standing.outcome(Row(state="returned", cause=cause, note="请写明门牌号"), case())
    assert isinstance(outcome, Returned)
    assert outcome.fields
    assert set(outcome.fields) <= set(asking.Form().fields)
    assert outcome.reason in words.REASONS
    assert cause in words.REASONS
    said = told.explain(view(State.DRAFT, "returned", outcome.reason, note="请写明门牌号"))
    assert words.REASONS[outcome.reason].zh in said[0].zh
    assert "请写明门牌号" in said[1].zh


def test_what_was_returned_waits_for_us_until_it_was_corrected() -> None:
    """Corrected is: other answers than the register has, or the same ones confirmed since."""
    row, later = Row(state="returned"), START + timedelta(minutes=5)
    assert standing.waits_for_us(row, case(submitted_at=START - timedelta(days=3))) is False
    assert standing.waits_for_us(row, case(address="人民路1号", submitted_at=START - timedelta(days=3)))
    assert standing.waits_for_us(row, case(submitted_at=later))
    assert not standing.waits_for_us(replace(row, state="submitted"), case(submitted_at=later))


@settings(max_examples=60)
@given(moments, moments)
def test_a_review_is_asked_about_soon_at_first_and_then_seldom(since: datetime, now: datetime) -> None:
    """Never in the past, never later than the city's hours, and sooner the younger it is."""
    again = standing.look_again(since, now, RULES)
    assert now + standing.SOONEST <= again <= now + timedelta(hours=RULES.filing.look_hours)
    assert standing.look_again(since - timedelta(hours=1), now, RULES) >= again


@settings(max_examples=60)
@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), moments)
def test_one_in_force_is_looked_at_after_its_end_or_every_so_many_days(end: date, now: datetime) -> None:
    """The day after its end at the latest, and not over and over once that has passed."""
    again = standing.look_later(end.isoformat(), now, RULES)
    assert (
        now + timedelta(hours=RULES.filing.look_hours)
        <= again
        <= now + timedelta(days=RULES.filing.follow_days)
    )
    over = standing.over_at(end.isoformat(), RULES)
    assert again > over or again == now + timedelta(days=RULES.filing.follow_days)
    assert standing.look_later("", now, RULES) == now + timedelta(days=RULES.filing.follow_days)


def test_reminders_come_thirty_and_seven_days_before_the_end_at_nine() -> None:
    """Those whose moment has passed are not planned; without an end there are none."""
    facts = {"number": "9", "end": "2026-12-31"}
    plans = standing.reminders(facts, START, RULES)
    assert [plan.due_at.isoformat() for plan in plans] == [
        "2026-12-01T09:00:00+08:00",
        "2026-12-24T09:00:00+08:00",
    ]
    assert {standing.reminded_of(plan.occasion) for plan in plans} == {("9", "2026-12-31")}
    assert len({plan.occasion for plan in plans}) == 2
    assert len(standing.reminders(facts, datetime(2026, 12, 2, tzinfo=UTC), RULES)) == 1
    assert standing.reminders({**facts, "end": ""}, START, RULES) == ()


def test_the_facts_kept_to_be_told_hold_neither_address_nor_telephone() -> None:
    """They go into pages and messages."""
    kept = {**standing.facts_of(Row(), case()), **standing.facts_filed(case())}
    assert not {ANSWERS["address"], ANSWERS["contact"]} & set(kept.values())


@pytest.mark.parametrize("number", ["13800138000", "138 0013 8000", "138-0013-8000", "43072619520707126X"])
def test_a_reviewer_s_words_are_one_line_and_hold_nobody_s_number(number: str) -> None:
    """Whichever connector brings them, and however the number is written."""
    row = Row(note=f"请写明门牌号，\n打{number} 不通")
    assert standing.facts_of(row, case())["note"] == "请写明门牌号， 打****** 不通"
    assert standing.noted("第3栋201室") == "第3栋201室"
    assert len(standing.noted("长" * 300)) == standing.LONGEST_NOTE


@pytest.mark.parametrize("stage", ["cancelled", "expired"])
def test_what_is_over_before_we_looked_is_told_as_over(stage: str) -> None:
    """Its message is that of its stage; in force it is the state's, under review the number's, once."""
    assert told.event(view(State.SUCCEEDED, stage)) == stage
    assert told.event(view(State.SUCCEEDED, "active")) == "succeeded"
    assert told.event(view(State.SUBMITTED, "submitted")) == told.FILED
    assert told.event(view(State.SUBMITTED, "reviewing")) != told.FILED


# --- its machine -----------------------------------------------------------------------------


def test_the_machine_reaches_every_stage_and_leaves_no_end() -> None:
    """From nothing filed each can be come to; what is over stays over, and what is in force ends only so."""
    reached, ahead = set[str](), [""]
    while ahead:
        stage = ahead.pop()
        reached.add(stage)
        ahead += [one for one in STAGES[stage].then if one not in reached]
    assert reached == set(STAGES)
    assert {stage for stage in STAGES if not STAGES[stage].then} == set(OVER)
    assert set(STAGES["active"].then) == set(OVER)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("state", State)
def test_every_state_and_stage_has_words_in_both_languages(state: State, stage: str) -> None:
    """A headline or none, sentences always, the values of every message; nothing left open in them."""
    for kind in KINDS:
        it = view(state, stage, "other", kind=kind, number="9")
        said = [*told.explain(it), *filter(None, [told.headline(it)])]
        assert said
        assert all(one.zh and one.en for one in said)
        assert all(len(value) <= 35 for value in words.personalise(it).values())
    assert told.tone(view(state, stage)) in (None, "good", "wait", "bad")
