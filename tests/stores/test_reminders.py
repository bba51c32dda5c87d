"""Reminders on both databases: judged again just before they go out, sent once, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, select, update

from gateway import cities
from gateway.back_offices import Unavailable
from gateway.citizens import register
from gateway.pensions.planning import paced, plan_pensioners
from gateway.pensions.situation import DUE
from gateway.transactions import afterwards, call_backs, reminders, steps, store
from gateway.transactions.identity import Proven
from gateway.transactions.model import Tell
from gateway.transactions.registry import types
from gateway.transactions.store import Transaction
from tests.stores.test_transactions import begin, messages, prove, sent_codes, submit
from tests.world import World

ZONE = ZoneInfo("Asia/Shanghai")
DUE_ON = "2026-12-31"


@dataclass(frozen=True, slots=True)
class Standing:
    status: str = "due_soon"
    last_done: date | None = date(2025, 12, 10)
    failed_on: date | None = None
    failure: str | None = None
    flags: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


@dataclass(slots=True)
class Registry:
    """A pension registry in memory; everybody stands alike but those first asked for."""

    answer: Any = field(default_factory=Standing)
    first: list[Any] = field(default_factory=list)
    asked: int = 0
    takes: Callable[[], object] = lambda: None

    def standing(self, id_number: str, name: str, city: str) -> Any:
        self.asked += 1
        self.takes()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.first.pop() if self.first else self.answer


def channels(world: World, **providers: dict[str, int]) -> None:
    """Open or close channels."""
    settings = world.runtime.settings
    settings = replace(settings, providers={**settings.providers, **providers})
    world.runtime = replace(world.runtime, settings=settings)


@pytest.fixture
def registry(world: World) -> Registry:
    registry = Registry()
    channels(world, voice={"telephone": 1})
    world.runtime._back_offices["pension_registry"] = registry
    world.settle(3)
    return registry


def ask(world: World) -> Transaction:
    """Somebody asks how their authentication stands, and is told."""
    transaction = begin(world, "pension_auth")
    assert prove(world, transaction, sent_codes(world)[-1]) == Proven()
    assert submit(world, transaction)
    steps.run_due(world.runtime)
    return transaction


def noon(world: World, month: int, day: int, year: int = 2026) -> None:
    """The clock at noon of that day, when its reminders are due, and the due ones judged."""
    world.clock.now = datetime(year, month, day, 12, tzinfo=ZONE).astimezone(UTC)
    reminders.run_due(world.runtime)


def sent(world: World) -> list[tuple[str, str]]:
    """Channel and day of each reminder that went out."""
    rows = [row for row in world.rows() if row.klass == "reminder"]
    return [(row.channel, f"{row.created_at.astimezone(ZONE):%m-%d}") for row in rows]


def planned(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(tx.execute(select(reminders.reminders).order_by(reminders.reminders.c.occasion)))


def states(world: World) -> dict[str, int]:
    columns = reminders.reminders.c
    with world.runtime.db.read() as tx:
        return {
            row[0]: row[1] for row in tx.execute(select(columns.state, func.count()).group_by(columns.state))
        }


# --- the ladder --------------------------------------------------------------------------------


def test_still_due_is_said_by_text_then_by_telephone_then_by_both(world: World, registry: Registry) -> None:
    """T−30 SMS, T−15 voice, T−7 both, and the notice of the pause on the first working day after."""
    ask(world)
    for day in (1, 2, 16, 17, 24, 25):
        noon(world, 12, day)
    assert sent(world) == [("sms", "12-01"), ("voice", "12-16"), ("sms", "12-24"), ("voice", "12-24")]
    registry.answer = Standing("paused")
    noon(world, 1, 4, 2027)
    assert sent(world)[4:] == [("sms", "01-04")]
    assert states(world) == {"told": 5, "planned": 1}  # the word to a helper, a week later


def test_whoever_is_done_meanwhile_hears_nothing(world: World, registry: Registry) -> None:
    """The standing is asked for again at each rung; the reason of the silence is kept."""
    ask(world)
    registry.answer = Standing("done_silent", date(2026, 11, 25))
    noon(world, 12, 1)
    noon(world, 1, 5, 2027)
    assert sent(world) == []
    assert {(row.state, row.reason) for row in planned(world)} == {("dropped", "done_silent")}


def test_asking_twice_plans_once(world: World, registry: Registry) -> None:
    """The same rung of the same due date is one reminder for a person, however often they ask."""
    ask(world)
    before = planned(world)
    world.clock.advance(minutes=5)
    ask(world)
    assert planned(world) == before
    noon(world, 12, 1)
    assert sent(world) == [("sms", "12-01")]


def test_a_registry_that_is_silent_is_asked_half_an_hour_later(world: World, registry: Registry) -> None:
    """Nothing is sent on an old standing, and nothing is forgotten."""
    ask(world)
    registry.answer = Unavailable("down")
    noon(world, 12, 1)
    assert sent(world) == []
    registry.answer = Standing()
    world.clock.advance(minutes=29)
    assert reminders.run_due(world.runtime) == 0
    world.clock.advance(minutes=1)
    assert reminders.run_due(world.runtime) == 1
    assert sent(world) == [("sms", "12-01")]


def test_after_an_outage_one_rung_is_climbed_not_all_that_were_missed(
    world: World, registry: Registry
) -> None:
    """What a later rung says as well is dropped; here the last one, on its two channels, is heard late."""
    ask(world)
    registry.answer = Unavailable("down")
    for day in (1, 16, 24):
        noon(world, 12, day)
    registry.answer = Standing()
    world.clock.advance(hours=12)
    reminders.run_due(world.runtime)
    assert sent(world) == [("sms", "12-25"), ("voice", "12-25")]
    assert [(row.occasion[11:], row.reason) for row in planned(world) if row.state == "dropped"] == [
        ("T-15", "missed"),
        ("T-30", "missed"),
    ]


def test_a_rung_a_day_late_is_dropped_and_the_next_word_is_sure_to_come(
    world: World, registry: Registry
) -> None:
    """Where no rung is left before the due date there is a call, and that one is never too late."""
    ask(world)
    registry.answer = Unavailable("down")
    noon(world, 12, 1)
    noon(world, 12, 24)
    registry.answer = Standing()
    noon(world, 12, 27)
    assert sent(world) == []
    registry.answer = Unavailable("down")
    noon(world, 12, 30)
    registry.answer = Standing("overdue_grace")
    noon(world, 1, 3, 2027)
    assert sent(world) == [("voice", "01-03")]


def test_a_claim_does_not_change_what_a_reminder_was_planned_for(world: World, registry: Registry) -> None:
    """The judge is told the planned moment, however often it was leased or put off."""
    ask(world)
    before = {row.id: row.planned_for for row in planned(world)}
    registry.answer = Unavailable("down")
    noon(world, 12, 1)
    rows = planned(world)
    assert {row.id: row.planned_for for row in rows} == before
    assert [row.planned_for for row in rows if row.due_at != row.planned_for] == [min(before.values())]


def test_a_closed_channel_is_replaced_by_a_text_message_once(world: World, registry: Registry) -> None:
    """T−15 comes by text; at T−7 there is a text already and no second one."""
    channels(world, voice={"telephone": 0})
    ask(world)
    for day in (1, 16, 24):
        noon(world, 12, day)
    assert sent(world) == [("sms", "12-01"), ("sms", "12-16"), ("sms", "12-24")]
    assert {row.reason for row in planned(world) if row.channel == "voice"} == {"channel_closed"}


def test_a_reminder_without_a_text_for_an_open_channel_is_dropped(world: World, registry: Registry) -> None:
    """Nothing waits for a channel that is closed; the registry is not even asked."""
    channels(world, voice={})
    ask(world)
    asked = registry.asked
    with world.runtime.db.write() as tx:
        tx.execute(delete(reminders.reminders).where(reminders.reminders.c.channel == "sms"))
        tx.execute(update(reminders.reminders).values(event="remind_aloud"))
    noon(world, 12, 24)
    assert (sent(world), registry.asked) == ([], asked)
    assert {(row.state, row.reason) for row in planned(world)} == {("dropped", "channel_closed")}


def test_a_message_lives_no_longer_than_what_it_says(
    world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``Tell.until`` ends it before its class's three days, and never prolongs them."""
    ask(world)
    kind = types()["pension_auth"]
    judge = kind.remind
    assert judge
    for day, hours, life in ((1, 5, 5), (24, 100, 72)):
        end = datetime(2026, 12, day, 12 + hours % 24, tzinfo=ZONE) + timedelta(days=hours // 24)
        told = replace(kind, remind=lambda *given, end=end: replace(judge(*given), until=end))
        monkeypatch.setitem(types(), "pension_auth", told)
        noon(world, 12, day)
        last = [row for row in world.rows() if row.klass == "reminder"][-1]
        assert last.expires_at - last.created_at == timedelta(hours=life)


@pytest.mark.parametrize("flag", ["death", "dispute"])
def test_a_flag_ends_all_reminders(world: World, registry: Registry, flag: str) -> None:
    """Nobody is reminded for the dead, nor while a record is disputed."""
    ask(world)
    registry.answer = Standing(flags=frozenset({flag, "abroad"}))
    noon(world, 1, 5, 2027)
    assert sent(world) == []
    assert {(row.state, row.reason) for row in planned(world)} == {("dropped", flag)}


def test_a_pause_before_its_time_is_said_at_once(world: World, registry: Registry) -> None:
    """The reminder that it is due would be wrong; the notice takes its place, once."""
    ask(world)
    registry.answer = Standing("paused", date(2025, 10, 10))
    noon(world, 12, 1)
    noon(world, 12, 16)
    noon(world, 12, 24)
    assert sent(world) == [("sms", "12-01")]


def test_too_late_for_the_ladder_there_is_still_a_call(world: World, registry: Registry) -> None:
    """Some days after the last word, where no rung is left before the due date."""
    world.clock.now = datetime(2026, 12, 26, 2, tzinfo=UTC)
    ask(world)
    noon(world, 12, 29)
    assert sent(world) == [("voice", "12-29")]


def test_who_is_fine_has_nothing_planned(world: World, registry: Registry) -> None:
    registry.answer = Standing("done_silent", date(2026, 8, 1))
    ask(world)
    assert planned(world) == []


# --- sent once -----------------------------------------------------------------------------------


def test_a_worker_that_died_is_replaced_and_cannot_send_again(world: World, registry: Registry) -> None:
    """Its lease runs out, another sends; should it come back, its own judgement counts no more."""
    ask(world)
    world.clock.now = datetime(2026, 12, 1, 4, tzinfo=UTC)
    dead = reminders._claimed(world.runtime)
    assert len(dead) == 1
    assert reminders.run_due(world.runtime) == 0
    world.clock.advance(seconds=world.runtime.settings.lease + 1)
    assert reminders.run_due(world.runtime) == 1
    reminders._keep(world.runtime, dead[0], Tell({}))
    assert sent(world) == [("sms", "12-01")]


def test_workers_at_the_same_moment_send_once(world: World, registry: Registry) -> None:
    ask(world)
    world.clock.now = datetime(2026, 12, 1, 4, tzinfo=UTC)
    with ThreadPoolExecutor(4) as pool:
        looked_at = sum(pool.map(lambda _: reminders.run_due(world.runtime), range(4)))
    assert looked_at == 1
    assert sent(world) == [("sms", "12-01")]


def test_a_bug_in_one_judgement_stops_no_other(
    world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be judged is looked at again later; a missing text does not stop the queue either."""
    ask(world)
    registry.answer = RuntimeError("a bug")
    noon(world, 12, 1)
    assert {row.reason for row in planned(world)} == {None, "bug"}
    registry.answer = Standing()
    monkeypatch.setattr(reminders, "_taken", lambda *_: (_ for _ in ()).throw(KeyError("no text")))
    world.clock.advance(minutes=10)
    assert reminders.run_due(world.runtime) == 1
    monkeypatch.undo()
    world.clock.advance(minutes=10)
    assert reminders.run_due(world.runtime) == 1
    assert sent(world) == [("sms", "12-01")]


def test_a_bug_is_not_tried_for_ever(world: World, registry: Registry) -> None:
    """Three days after its moment the reminder is dropped, and the reason says so."""
    ask(world)
    registry.answer = RuntimeError("a bug")
    noon(world, 12, 1)
    noon(world, 12, 4)
    assert [(row.state, row.reason) for row in planned(world) if row.reason] == [("dropped", "bug")]


def test_a_slow_registry_is_asked_once_for_each_and_never_late_in_a_lease(
    world: World, registry: Registry, crowd: list[Any]
) -> None:
    """Seven seconds each, a lease of thirty: after the third the rest is claimed anew, at once."""
    plan_pensioners(world.runtime, 5)
    world.clock.now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    registry.takes = lambda: world.clock.advance(seconds=7)
    assert reminders.run_due(world.runtime) == registry.asked == 5
    assert world.clock.now == datetime(2026, 11, 23, 8, 0, 35, tzinfo=UTC)
    assert len(sent(world)) == 5


def test_what_is_dropped_while_it_is_judged_is_not_sent(world: World, registry: Registry) -> None:
    """A citizen cancels while a worker asks the back office: the cancelling counts."""
    transaction = ask(world)
    world.clock.now = datetime(2026, 12, 1, 4, tzinfo=UTC)

    def cancel() -> None:
        with world.runtime.db.write() as tx:
            reminders.drop(tx, world.runtime, transaction.id, "cancelled")

    registry.takes = cancel
    assert reminders.run_due(world.runtime) == 1
    assert sent(world) == []
    assert states(world) == {"dropped": 5}


# --- for those who never asked -----------------------------------------------------------------


@pytest.fixture
def crowd(world: World, registry: Registry) -> list[Any]:
    return [person for person in world.settle(800) if person.pension_state in DUE]


def test_pensioners_who_never_asked_are_planned_once_a_month(
    world: World, registry: Registry, crowd: list[Any]
) -> None:
    """Everybody whose authentication is open, page by page; again it changes nothing until next month."""
    pages: list[int] = []
    assert len(crowd) > 3
    assert plan_pensioners(world.runtime, 3, pages.append) == 3
    assert plan_pensioners(world.runtime, 10_000, pages.append) == len(crowd) - 3
    assert plan_pensioners(world.runtime, 10_000) == 0
    assert sum(pages) == len(crowd) == len(planned(world))
    with world.runtime.db.read() as tx:
        known = {register.find(tx, world.runtime.vault, person.id_number).id for person in crowd}  # type: ignore[union-attr]
    assert {row.citizen_id for row in planned(world)} == known


def test_a_planned_first_reminder_is_judged_and_followed_by_the_ladder(
    world: World, registry: Registry, crowd: list[Any]
) -> None:
    """Whoever was done silently hears nothing; who is due hears it once and climbs on."""
    plan_pensioners(world.runtime, 2)
    registry.first = [Standing("done_silent")]
    noon(world, 11, 23)
    assert states(world) == {"dropped": 1, "told": 1, "planned": 5}
    assert {row.occasion[:10] for row in planned(world) if row.state == "planned"} == {DUE_ON}
    assert plan_pensioners(world.runtime, 10_000) == len(crowd) - 2


def test_they_are_spread_over_working_hours() -> None:
    """As many an hour as the city's rule says, on working days from nine to five."""
    rules = cities.shipped()["changde"].versions[-1]
    rules = replace(rules, pension_auth=replace(rules.pension_auth, reminders_per_hour=2))
    moments = paced(rules, datetime(2026, 11, 20, 8, 10, tzinfo=UTC))  # Friday 16:10
    shown = [f"{next(moments).astimezone(ZONE):%a %H:%M}" for _ in range(18)]
    assert shown[0] == "Fri 16:40"
    assert shown[1] == "Mon 09:00"
    assert shown[2:17] == [f"Mon {9 + n // 2:02}:{n % 2 * 30:02}" for n in range(1, 16)]
    assert shown[17] == "Tue 09:00"


# --- wishes ------------------------------------------------------------------------------------


def act(world: World, transaction: Transaction, name: str) -> Any:
    with world.runtime.db.write() as tx:
        current = store.load(tx, world.runtime, transaction.id)
        return afterwards.act(tx, world.runtime, current, name, "web", proven=True)


def test_a_call_back_is_asked_for_once_and_keeps_the_standing(world: World, registry: Registry) -> None:
    """One wish for a person, the standing stays, a text says until when we call: the next working day."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="bad_light")
    first = ask(world)
    result = act(world, first, "call_back")
    assert result.value is None
    assert (result.transaction.row.stage, result.transaction.facts["call_back"]) == ("failed", "2026-11-23")
    assert "最晚11月23日打您登记的手机" in messages(world)[-1]
    assert act(world, first, "call_back").value.zh.startswith("已经记下")
    world.clock.advance(minutes=5)
    act(world, ask(world), "call_back")
    with world.runtime.db.write() as tx:
        (wish,) = call_backs.open_ones(tx)
        assert (wish.kind, wish.transaction_id) == ("call_back", first.id)
        assert call_backs.done(tx, world.runtime, wish.id)
        assert not call_backs.done(tx, world.runtime, wish.id)
        assert call_backs.open_ones(tx) == []
        assert call_backs.ask(tx, world.runtime, first.id, wish.citizen_id, "call_back")
        assert not call_backs.ask(tx, world.runtime, first.id, wish.citizen_id, "call_back")


def test_a_promise_ends_when_staff_called(world: World, registry: Registry) -> None:
    """The page then says on which day, and another call may be asked for, which is promised anew."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="bad_light")
    transaction = ask(world)
    act(world, transaction, "call_back")
    world.clock.advance(days=2)
    with world.runtime.db.write() as tx:
        assert call_backs.done(tx, world.runtime, call_backs.open_ones(tx)[0].id)
    said = explained(world, transaction)
    assert "11月23日工作人员给您打过电话了" in said
    assert "最晚11月23日" not in said
    world.clock.advance(days=1)
    assert act(world, transaction, "call_back").value is None
    assert "最晚11月25日打您登记的手机" in explained(world, transaction)
    assert "打过电话" not in explained(world, transaction)


def test_what_staff_did_while_the_registry_was_asked_is_not_lost(world: World, registry: Registry) -> None:
    """A call is noted as made during a later look: the look's answer does not write over it."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="bad_light")
    transaction = ask(world)
    act(world, transaction, "call_back")
    world.clock.advance(days=2)

    def called() -> None:
        registry.takes = lambda: None
        with world.runtime.db.write() as tx:
            assert call_backs.done(tx, world.runtime, call_backs.open_ones(tx)[0].id)

    registry.takes = called
    assert steps.run_due(world.runtime) == 1
    assert "11月23日工作人员给您打过电话了" in explained(world, transaction)
    world.clock.advance(minutes=5)
    assert steps.run_due(world.runtime) == 1  # and it is looked at again


@pytest.mark.parametrize(("kind", "until"), [("call_back", "11月23日"), ("home_visit", "11月23日")])
def test_a_promise_we_missed_can_be_asked_for_again(
    world: World, registry: Registry, kind: str, until: str
) -> None:
    """What to do then is said with the promise; the wish stays the one that waits longest."""
    registry.answer = Standing("failed", failed_on=date(2026, 11, 20), failure="bad_light")
    transaction = ask(world)
    act(world, transaction, kind)
    assert f"最晚{until}" in explained(world, transaction)
    assert "过了这天没接到，请再申请一次，或拨12333按0。" in explained(world, transaction)
    world.clock.advance(days=2, hours=7, minutes=50)  # 23 November, just before midnight
    assert act(world, transaction, kind).value
    world.clock.advance(minutes=10)
    assert act(world, transaction, kind).value is None
    with world.runtime.db.read() as tx:
        assert len(call_backs.open_ones(tx)) == 1


def explained(world: World, transaction: Transaction) -> str:
    with world.runtime.db.read() as tx:
        view = store.load(tx, world.runtime, transaction.id).view(world.clock())
    return "".join(words.zh for words in types()["pension_auth"].explain(view))
