"""A simulated year: what it finds whole, what it finds broken, and that a seed means the same year."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from uuid import uuid4

from click.testing import CliRunner

from gateway import cities
from gateway.cli import main
from gateway.pension_rules import PensionAuth
from gateway.simulate import checks, lives
from gateway.simulate.checks import Seen
from gateway.simulate.year import BEGINS

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def test_some_weeks_of_a_small_town_hold_and_are_plotted(tmp_path: Path) -> None:
    """Every rule is looked at on something and holds; the page stands alone and has its plots."""
    words = ["simulate", "--year", "--citizens", "120", "--days", "35", "--json", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, words)
    result = json.loads(done.stdout)
    assert {one["rule"]: one["wrong"] for one in result["checks"]} == dict.fromkeys(
        (one["rule"] for one in result["checks"]), 0
    )
    assert sum(result["reminders"]["told"]) > 20
    assert result["taken"] >= sum(result["reminders"]["told"])
    page = (tmp_path / "year.html").read_text("utf-8")
    assert (page.count("<svg"), "<script" in page, "http" in page.replace("http://www.w3.org", "")) == (
        2,
        False,
        False,
    )


def _seen(life: lives.Life, **row: object) -> Seen:
    citizen = uuid4()
    usual = {
        "citizen_id": citizen,
        "type": "pension_auth",
        "event": "remind_due",
        "channel": "sms",
        "occasion": "2026-03-31 T-30",
        "state": "told",
        "reason": None,
        "transaction_id": None,
        "settled_at": NOON,
        "planned_for": NOON,
    }
    rules = cities.shipped()["changde"].rules_at(BEGINS)
    first = SimpleNamespace(**{**usual, "occasion": "2026-01 first", "settled_at": NOON - timedelta(days=40)})
    rows = [first, SimpleNamespace(**{**usual, **row})]
    return Seen(rules, NOON + timedelta(days=20), {citizen: life}, [], rows)  # type: ignore[arg-type]


def _due_since(day: datetime, *later: tuple[datetime, str]) -> lives.Life:
    diary = [(day, "due_soon", frozenset[str]()), *((at, status, frozenset[str]()) for at, status in later)]
    return lives.Life(BEGINS, (), (datetime(2026, 3, 31, tzinfo=UTC).date(),), diary)


def test_a_reminder_after_its_reason_fell_away_is_found() -> None:
    """The diary decides, not the product's own word for it."""
    since = NOON - timedelta(days=60)
    due, matched = _due_since(since), _due_since(since, (NOON - timedelta(days=1), "done_silent"))
    assert [len(checks.reason_held(_seen(life)).wrong) for life in (due, matched)] == [0, 1]


def test_a_rung_that_was_due_and_not_told_is_found() -> None:
    """Whoever was still due on that day, and had heard of it before, ought to have been reminded."""
    since = NOON - timedelta(days=60)
    found = [
        [wrong for wrong in checks.due_rungs(_seen(life, **row)).wrong if "T-30" in wrong]
        for life, row in (
            (_due_since(since), {}),
            (_due_since(since), {"state": "dropped", "reason": "done_face"}),
            (_due_since(since, (NOON - timedelta(days=3), "done_face")), {"state": "dropped"}),
        )
    ]
    assert [len(wrong) for wrong in found] == [0, 1, 0]


def test_somebody_due_for_whom_nothing_was_ever_planned_is_found() -> None:
    """The first reminder is judged too: without it there is no ladder to look at."""
    seen, life = _seen(_due_since(NOON - timedelta(days=60))), _due_since(NOON - timedelta(days=60))
    forgotten = replace(seen, lives={**seen.lives, uuid4(): life})
    assert not checks.nobody_passed_over(seen).wrong
    assert checks.nobody_passed_over(seen).looked
    assert checks.nobody_passed_over(forgotten).wrong


def test_a_seed_draws_the_same_lives() -> None:
    """And each that is due within the year has an end, or a reason why there is none."""
    ends = BEGINS + timedelta(days=365)
    drawn = [[lives.draw(Random(seed), PensionAuth(), BEGINS, ends) for _ in range(50)] for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1], drawn[0] == drawn[2]) == (True, False)
    for life in drawn[0]:
        assert life.due
        assert [turn.day for turn in life.turns] == sorted(turn.day for turn in life.turns)
