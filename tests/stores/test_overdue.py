"""When the time has passed: a helper with consent is told weekly, else the community; visits to homes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.audit import audit
from gateway.citizens import mandates, register
from gateway.citizens.mandates import Kind
from gateway.content import store as content
from gateway.errors import UnknownNameError
from gateway.levers import visits
from gateway.levers.visits import VisitError
from gateway.notifications import store as notifications
from gateway.pensions import overdue
from gateway.transactions import afterwards, call_backs, reminders, steps, store
from gateway.transactions.registry import types
from gateway.transactions.store import Transaction, transactions
from tests.stores.test_reminders import Registry, Standing, ask, noon, planned
from tests.stores.test_reminders import registry as registry
from tests.stores.test_transactions import messages
from tests.world import World

OVERDUE = Standing("paused", date(2025, 10, 10))  # due on 31 October, noticed on 2 November
WEEKLY = "养老待遇资格认证已于10月31日到期，还没有办，养老金已暂停"


def ids(world: World, *numbers: str) -> list[Any]:
    with world.runtime.db.read() as tx:
        known = register.ids(tx, world.runtime.vault, numbers)
    return [known[number] for number in numbers]


def mandate(world: World, *, may_be_told: bool, matters: tuple[str, ...] = ()) -> Any:
    """The second person may act for the first."""
    citizen, helper = ids(world, *(person.id_number for person in world.people[:2]))
    with world.runtime.db.write() as tx:
        return mandates.add(
            tx,
            world.runtime,
            citizen,
            helper,
            Kind.RELATIVE,
            "a test",
            matters=matters,
            may_be_told=may_be_told,
        )


def listed(world: World, reason: str = "") -> list[overdue.Overdue]:
    (district,) = {person.district for person in world.people[:1]}
    with world.runtime.db.write() as tx:
        return list(overdue.listed(tx, world.runtime, district, "a test", reason))


def told_weekly(world: World) -> list[tuple[Any, str]]:
    return [(row.citizen_id, row.channel) for row in world.rows() if row.klass == "reminder"]


def test_a_helper_with_consent_is_told_each_week_until_it_is_done(world: World, registry: Registry) -> None:
    """The helper and nobody else, once a week; silently matched, it ends, and the reason is kept."""
    registry.answer = OVERDUE
    mandate(world, may_be_told=True, matters=("pension_auth",))
    ask(world)
    _, helper = ids(world, *(person.id_number for person in world.people[:2]))
    for day in (23, 24, 30):
        noon(world, 11, day)
    assert told_weekly(world) == [(helper, "sms")] * 2
    with world.runtime.db.read() as tx:
        rows = [row for row in world.rows() if row.klass == "reminder"]
        version = content.versions(tx, [(row.template_id, row.template_version) for row in rows])
    for row in rows:
        values = notifications.personalisation(world.runtime, row.id, row.personalisation)
        text = version[row.template_id, row.template_version].compiled.render(values)
        assert WEEKLY in text
        assert world.people[0].name not in text
    assert listed(world) == []
    registry.answer = Standing("done_silent", date(2026, 12, 2))
    noon(world, 12, 7)
    noon(world, 12, 14)
    assert len(told_weekly(world)) == 2
    assert planned(world)[-1].reason == "done_silent"


@pytest.mark.parametrize("consent", ["none", "another matter", "revoked"])
def test_without_consent_nobody_is_told_and_the_community_sees_it(
    world: World, registry: Registry, consent: str
) -> None:
    """A mandate alone is no consent. The list is masked, or full with a reason; to read it is on record."""
    registry.answer = OVERDUE
    key = mandate(
        world,
        may_be_told=consent != "none",
        matters=("card_loss",) if consent == "another matter" else (),
    )
    if consent == "revoked":
        with world.runtime.db.write() as tx:
            mandates.revoke(tx, world.runtime, key, "a test")
    ask(world)
    noon(world, 11, 23)
    assert told_weekly(world) == []
    (masked,), person = listed(world), world.people[0]
    assert (masked.due, masked.district) == (date(2026, 10, 31), person.district)
    assert person.name not in repr(masked)
    assert person.id_number not in repr(masked)
    assert listed(world, "  ") == [masked]  # no reason either
    (full,) = listed(world, "上门看看")
    assert (full.name, full.id_number) == (person.name, person.id_number)
    with world.runtime.db.read() as tx:
        read = [row.subject for row in tx.execute(select(audit)) if row.action == "community_list.read"]
    assert [one.split()[2] for one in read] == ["masked", "masked", "上门看看"]


@pytest.mark.parametrize("flag", ["death", "dispute"])
def test_a_flag_ends_the_weekly_words_and_the_place_on_the_list(
    world: World, registry: Registry, flag: str
) -> None:
    """At this rung as at every other."""
    registry.answer = OVERDUE
    ask(world)
    noon(world, 11, 23)
    assert len(listed(world)) == 1
    registry.answer = replace(OVERDUE, flags=frozenset({flag}))
    noon(world, 11, 30)
    assert listed(world) == []
    assert {row.state for row in planned(world)} == {"dropped"}


def test_the_weekly_words_end_after_as_many_as_the_city_says(world: World, registry: Registry) -> None:
    """Twenty-six weeks; nobody is on the list for ever."""
    registry.answer = Standing("paused", date(2025, 4, 10))  # due on 30 April: the 26th week is over
    ask(world)
    noon(world, 11, 23)
    assert [row for row in planned(world) if row.state == "planned"] == []


# --- visits ------------------------------------------------------------------------------------------


def wish(world: World) -> Transaction:
    """Somebody whose scan failed asks for a visit."""
    it = ask(world)
    with world.runtime.db.write() as tx:
        afterwards.act(tx, world.runtime, it, "home_visit", "web", proven=True)
    return it


def now(world: World, it: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, it.id)


def step(world: World, it: Transaction, name: str, *words: Any) -> None:
    with world.runtime.db.write() as tx:
        getattr(visits, name)(tx, world.runtime, it.row.reference, *words, "a test")


def waiting(world: World) -> list[tuple[str, str]]:
    with world.runtime.db.read() as tx:
        return [(one["stage"], one["visit_on"]) for one in visits.waiting(tx, world.runtime)]


def test_a_visit_is_asked_for_arranged_moved_and_made(world: World, registry: Registry) -> None:
    """Each step is told with its day, the standing and the later looks stay, and then nobody waits."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="changed_face")
    it = wish(world)
    looks_at = now(world, it).row.due_at
    assert waiting(world) == [("requested", "")]
    with world.runtime.db.write() as tx:  # the call is made from the list of all calls
        (row,) = call_backs.open_ones(tx)
        assert call_backs.done(tx, world.runtime, row.id)
    assert waiting(world) == [("called", "")]
    step(world, it, "arrange", date(2026, 11, 25), "am")
    step(world, it, "arrange", date(2026, 11, 26), "pm")
    assert waiting(world) == [("arranged", "2026-11-26")]
    assert [text for text in messages(world) if "上门认证约好了" in text] == [
        f"上门认证约好了：11月{day}工作人员到您家，不收费，带工作证，不问密码和验证码。改时间请拨0736-12333"
        for day in ("25日上午", "26日下午")
    ]
    assert (now(world, it).row.stage, now(world, it).row.due_at) == ("failed", looks_at)
    step(world, it, "made")
    assert waiting(world) == []
    with pytest.raises(VisitError, match="visited"):
        step(world, it, "arrange", date(2026, 11, 27), "")
    with world.runtime.db.write() as tx:  # who was missed asks again
        assert (
            afterwards.act(tx, world.runtime, now(world, it), "home_visit", "web", proven=True).value is None
        )
    assert waiting(world) == [("requested", "")]


def test_a_refused_visit_says_why_and_what_helps_instead(world: World, registry: Registry) -> None:
    """And nobody waits for it; a day that is over, a strange reason or reference changes nothing."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="changed_face")
    it = wish(world)
    with pytest.raises(VisitError, match="over"):
        step(world, it, "arrange", date(2026, 11, 1), "am")
    with pytest.raises(VisitError, match="reason is one of"):
        step(world, it, "refuse", "no time")
    with pytest.raises(UnknownNameError), world.runtime.db.write() as tx:
        visits.made(tx, world.runtime, "12345678901230", "a test")
    step(world, it, "refuse", "not_here")
    assert waiting(world) == []
    assert any("原因：您住在外地。请亲属用手机帮您认" in text for text in messages(world))
    with world.runtime.db.read() as tx:
        assert list(tx.execute(select(call_backs.call_backs.c.state)).scalars()) == ["withdrawn"]
        assert call_backs.open_ones(tx) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # of words, not of the database
def test_the_same_day_agreed_on_twice_is_told_once(world: World, registry: Registry) -> None:
    """A button pressed twice sends no second message; one whose day has passed is not said to come."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="changed_face")
    it = wish(world)
    for _ in range(2):
        step(world, it, "arrange", date(2026, 11, 25), "am")
    assert sum("上门认证约好了" in text for text in messages(world)) == 1
    noon(world, 11, 26)
    steps.run_due(world.runtime)
    view = now(world, it).view(world.clock())
    said = "".join(words.zh for words in types()["pension_auth"].explain(view))
    assert "约好了：11月25日" not in said
    assert "再申请一次" in said


def test_one_matter_that_cannot_be_opened_hides_no_other_visit(world: World, registry: Registry) -> None:
    """The list is shown without it."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="changed_face")
    damaged, _ = wish(world), world.clock.advance(minutes=2)
    with world.runtime.db.write() as tx:
        tx.execute(update(transactions).where(transactions.c.id == damaged.id).values(facts=b"damaged"))
    assert waiting(world) == []


# --- the newest alone ----------------------------------------------------------------------------------


def test_of_two_questions_the_newest_alone_is_looked_at_again(world: World, registry: Registry) -> None:
    """Whoever asks twice hears each news once."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="bad_light")
    first = ask(world)
    world.clock.advance(minutes=5)
    second = ask(world)
    with world.runtime.db.read() as tx:
        due = dict(tx.execute(select(transactions.c.id, transactions.c.due_at)).all())
    assert due[first.id] is None
    assert isinstance(due[second.id], datetime)
    assert reminders.run_due(world.runtime) == 0
