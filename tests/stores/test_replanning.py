"""Reminders planned again when a rule or the calendar changes, on both databases."""

from __future__ import annotations

import ast
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from gateway import cities
from gateway.citizens import register
from gateway.levers import rulebook, years
from gateway.levers.accounts import Desk
from gateway.pensions import ladder, situation
from gateway.pensions.ladder import first
from gateway.rules import files
from gateway.transactions import explaining, promises, registry, reminders, replanning, store
from tests.stores.test_reminders import Registry, Standing, ask, channels, planned
from tests.world import World

ZONE = ZoneInfo("Asia/Shanghai")
NEXT = """
[[version]]
version = 3
in_force_from = 2026-11-22
source = "通知 a notice"
source_date = 2026-11-20
[version.pension_auth]
cycle = "calendar_month_13"
sms_days = [90, 20, 7]
voice_days = [7]
source = "通知 a notice"
source_date = 2026-11-20
"""


@pytest.fixture
def asked(world: World) -> World:
    """Somebody due on 31 December has asked, and the rungs before it are planned."""
    channels(world, voice={"telephone": 1})
    world.runtime._back_offices["pension_registry"] = Registry()
    world.settle(3)
    again(world)  # what holds now is what reminders are planned by
    ask(world)
    return world


def again(world: World) -> bool:
    """See whether anything changed and plan again, as the workers do; whether it had."""
    found = replanning.notice(world.runtime)
    world.clock.advance(seconds=10)
    replanning.run_due(world.runtime)
    return found


def _load_rules(world: World) -> None:
    document = files.read(files.shipped_text("changde") + NEXT, "changde", "changde.toml")
    with world.runtime.db.write() as tx:
        rulebook.load(Desk(tx, world.runtime.vault, world.clock(), "cli"), document)


def _load_notice(world: World, *spans: str, year: int = 2026) -> None:
    free = ", ".join(f"{{ from = {day}, to = {day} }}" for day in spans)
    text = f'[[notice]]\nyear = {year}\nsource = "amended"\nholidays = [{free}]\nworkdays = []\n'
    with world.runtime.db.write() as tx:
        years.load(Desk(tx, world.runtime.vault, world.clock(), "cli"), text, f"{year}.toml")


def rungs(world: World) -> dict[str, tuple[str, str]]:
    """Channel and occasion of each, with its state and its day."""
    return {
        f"{row.channel} {row.occasion[11:]}": (row.state, f"{row.planned_for.astimezone(ZONE):%m-%d}")
        for row in planned(world)
    }


def events(world: World) -> list[str]:
    with world.runtime.db.read() as tx:
        row = tx.execute(select(store.transactions.c.id)).scalar_one()
        return [one.event for one in store.events(tx, row)]


def test_a_new_version_moves_drops_and_adds_when_it_comes_into_force(asked: World) -> None:
    """Not when it is loaded; what it plans no more is dropped with that reason, and again changes nothing."""
    before = rungs(asked)
    _load_rules(asked)
    again(asked)
    assert rungs(asked) == before
    asked.clock.now = datetime(2026, 11, 22, 0, 1, tzinfo=ZONE)
    assert again(asked)
    assert rungs(asked) == {
        "sms T-30": ("dropped", "12-01"),
        "sms T-20": ("planned", "12-11"),
        "voice T-15": ("dropped", "12-16"),
        "sms T-7": ("planned", "12-24"),
        "voice T-7": ("planned", "12-24"),
        "sms T+1": ("planned", before["sms T+1"][1]),
    }
    assert {row.reason for row in planned(asked) if row.state == "dropped"} == {replanning.GONE}
    after = planned(asked)
    assert (again(asked), planned(asked), events(asked).count("reminder_dropped")) == (False, after, 2)


def test_a_notice_moves_what_falls_on_a_free_day_and_keeps_its_hour(asked: World) -> None:
    """T-30 is the first of December; with that day free, it is told the working day before."""
    hour = {row.occasion: row.planned_for.time() for row in planned(asked)}
    _load_notice(asked, "2026-12-01")
    assert again(asked)
    assert rungs(asked)["sms T-30"] == ("planned", "11-30")
    assert {row.occasion: row.planned_for.time() for row in planned(asked)} == hour
    assert events(asked).count("reminder_moved") == 1


def test_a_provisional_promise_is_counted_anew_with_the_notice_of_its_year(asked: World) -> None:
    """60 working days from 21 November run into a year nobody has announced; then it is, and they hold."""
    with asked.runtime.db.write() as tx:
        key = tx.execute(select(store.transactions.c.id)).scalar_one()
        promises.make(tx, asked.runtime, key, "leg", 60, "working_day", asked.clock())

    def promise() -> tuple[str, bool]:
        with asked.runtime.db.read() as tx:
            (row,) = promises.of(tx, key)
        return f"{row.due_on}", row.provisional

    before = promise()
    _load_notice(asked, "2027-02-01", year=2027)
    again(asked)
    with asked.runtime.db.read() as tx:
        counted = replanning.last(tx)
    rules = cities.of(asked.runtime).rules_now(asked.clock())
    after = rules.calendar.add_working_days(date(2026, 11, 21), 60).date
    assert (before[1], promise(), f"{after}" != before[0]) == (True, (f"{after}", False), True)
    assert counted is not None
    assert counted["promises"] == 1


def test_one_matter_that_cannot_be_opened_holds_no_page_of_reminders(asked: World) -> None:
    """What it would plan now is not known: its reminders go by their type's rule, and the page goes on."""
    with asked.runtime.db.write() as tx:
        tx.execute(update(store.transactions).values(facts=b"damaged"))
    _load_notice(asked, "2026-12-01")
    assert again(asked)
    assert rungs(asked)["sms T-30"] == ("planned", "11-30")
    with asked.runtime.db.read() as tx:
        assert (replanning.last(tx) or {})["ended_at"] is not None


def test_what_was_planned_without_a_transaction_moves_too(world: World) -> None:
    """Most pensioners never ask: their rungs are planned by the judgement of the first reminder."""
    channels(world, voice={"telephone": 1})
    world.runtime._back_offices["pension_registry"] = Registry()
    (person, *_) = world.settle(3)
    again(world)
    with world.runtime.db.write() as tx:
        citizen = register.find(tx, world.runtime.vault, person.id_number)
        assert citizen is not None
        reminders.plan(tx, world.runtime, "pension_auth", citizen.id, [first("2026-11", world.clock())])
    world.clock.now = datetime(2026, 11, 23, 12, tzinfo=ZONE)
    reminders.run_due(world.runtime)
    assert rungs(world)["sms T-30"] == ("planned", "12-01")
    _load_notice(world, "2026-12-01")
    again(world)
    assert rungs(world)["sms T-30"] == ("planned", "11-30")


def test_a_reminder_that_has_gone_out_is_never_planned_again(asked: World) -> None:
    """Whatever the rules become: each occasion is told once."""
    asked.clock.now = datetime(2026, 12, 1, 12, tzinfo=ZONE)
    reminders.run_due(asked.runtime)
    _load_notice(asked, "2026-12-01")
    again(asked)
    assert rungs(asked)["sms T-30"] == ("told", "12-01")
    assert len(planned(asked)) == 5


def _said(world: World, occasion: str) -> Any:
    rules = cities.of(world.runtime).rules_now(world.clock())
    (row,) = [one for one in planned(world) if one.occasion.endswith(occasion)][:1]
    return explaining.explained(registry.get(row.type), row, rules)


def test_each_reminder_says_what_goes_when_why_and_why_not(asked: World) -> None:
    """The rule with its value, what is looked at just before, and the reason of one that was dropped."""
    told = _said(asked, "T-30")
    assert (told.because.rule, told.because.value) == ("pension_auth.sms_days", "[90, 30, 7]")
    assert "planned for 2026-12-01 " in told.sentences["what"].en
    assert "30 days before" in told.sentences["why"].en
    assert "asked again just before" in told.sentences["checks"].en
    asked.runtime._back_offices["pension_registry"] = Registry(Standing("done_silent"))
    asked.clock.now = datetime(2026, 12, 2, 12, tzinfo=ZONE)
    reminders.run_due(asked.runtime)
    assert _said(asked, "T-30").sentences["dropped"].en == (
        "2026-12-02 12:00 Not sent: looked at just before: the authentication was done by then."
    )


def test_every_reason_a_type_drops_for_has_words() -> None:
    """Whoever asks why somebody was not reminded is not answered with a code; nor for a pension's status."""
    for name, kind in registry.types().items():
        if kind.remind is None:
            continue
        assert kind.reminding is not None, name
        tree = ast.parse((registry.CATALOGUE / f"{name}.py").read_text("utf-8"))
        calls = [
            node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Drop"
        ]
        reasons = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
        statuses = {*situation.STATUSES, *situation.STOPPING, ladder.LISTED} - situation.DUE
        reasons |= statuses if name == "pension_auth" else set()
        assert reasons - kind.reminding.drops.keys() - explaining.DROPS.keys() == set(), name
