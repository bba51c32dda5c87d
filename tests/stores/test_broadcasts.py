"""Broadcasts on both databases: nobody twice, a window, pause and cancel, the follow-up, lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from gateway import retirement
from gateway.audit import audit, broken
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import expand, progress, recipients, rehearsal, store
from gateway.broadcasts.audience import Audience, count
from gateway.broadcasts.definition import Definition, DefinitionError
from gateway.broadcasts.expand import run_due
from gateway.broadcasts.progress import Progress
from gateway.broadcasts.step import Limits
from gateway.broadcasts.store import CANCEL, DRAFT_LIFE, PAUSE, RESUME, START, Action, NotNow, State
from gateway.cities import shipped
from gateway.citizens import register
from gateway.delivery import ledger, receipts
from gateway.delivery.attempt import run_lane
from gateway.errors import UnknownNameError
from gateway.notifications import inbound, pauses, suppression
from gateway.notifications.pauses import Kind
from gateway.notifications.request import Class
from gateway.notifications.store import personalisation
from gateway.providers import Accepted, Cause, Delivery, Inbound, Rejected, Unknown
from tests.world import Scripted, World

LANE = "sms.bulk"
SMALL = Limits(page=3, window=9, scan=4)
TEMPLATE = "policy/retirement_age"


@pytest.fixture
def city(world: World) -> World:
    """Twenty citizens, and a provider of calls beside that of text messages."""
    calls = Scripted(batch=1)
    calls.name, calls.channel = "calls", "voice"
    weights = {"sms": {"scripted": 1}, "voice": {"calls": 1}, "email": {}}
    world.runtime = replace(
        world.runtime,
        providers={**world.runtime.providers, "calls": calls},
        settings=replace(world.runtime.settings, providers=weights),
    )
    world.settle(20)
    return world


def _definition(world: World, **keys: Any) -> Definition:
    now = world.clock.now
    return definitions.read({"template": TEMPLATE, **keys}, shipped()["changde"].rules_now(now), now)


def _draft(world: World, **keys: Any) -> UUID:
    definition = _definition(world, **{"audience": {}, **keys})
    with world.runtime.db.read() as tx:
        counted = rehearsal.rehearse(tx, world.runtime, definition).people
    with world.runtime.db.write() as tx:
        return store.create(tx, world.runtime, definition, "test", counted=counted)


def _act(world: World, key: UUID, action: Action) -> NotNow | None:
    with world.runtime.db.write() as tx:
        return store.act(tx, world.runtime, key, action, "test")


def _started(world: World, **keys: Any) -> UUID:
    key = _draft(world, **keys)
    assert _act(world, key, START) is None
    return key


def _row(world: World) -> Any:
    """The broadcast, under our lease."""
    due = expand._claimed(world.runtime)
    assert due
    return due.row


def _progress(world: World, key: UUID) -> Progress:
    with world.runtime.db.read() as tx:
        return progress.of(tx, store.find(tx, key), world.clock.now)


def _balanced(world: World) -> bool:
    with world.runtime.db.read() as tx:
        return ledger.balanced(tx)


def _writes(world: World) -> Counter[tuple[UUID, str]]:
    """How often each citizen was written to, by channel."""
    return Counter((row.citizen_id, row.channel) for row in world.rows())


def _to_the_end(world: World, key: UUID, limits: Limits = SMALL) -> Progress:
    """Let the clock and both kinds of worker run until the broadcast is finished."""
    for turn in range(60):
        run_due(world.runtime, limits)
        for lane in (LANE, "voice.bulk"):
            run_lane(world.runtime, lane)
        if _progress(world, key).finished_at:
            return _progress(world, key)
        world.clock.advance(seconds=5 if turn < 20 else 30)  # receipts of calls are waited for
    raise AssertionError(f"still {_progress(world, key)}")


def _report(world: World, number: int, delivery: Delivery = Delivery.DELIVERED) -> None:
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(number, delivery))
    receipts.apply_due(world.runtime)


# --- the main line ---------------------------------------------------------------------------


def test_everybody_of_the_audience_is_written_to_once(city: World) -> None:
    """Counted, taken and handed over are the same people, by their masked names."""
    key = _started(city)
    done = _to_the_end(city, key)
    assert (done.state, done.audience, done.taken, done.awaiting_receipts) == ("finished", 20, 20, 20)
    assert set(_writes(city).values()) == {1}
    assert {row.klass for row in city.rows()} == {Class.NOTICE}
    masked = {personalisation(city.runtime, row.id, row.personalisation)["name"][1:2] for row in city.rows()}
    assert masked == {"*"}
    assert _balanced(city)


def test_an_audience_is_the_people_its_filters_name(city: World) -> None:
    """Women from 48 to 62: counted and taken as the register says."""
    key = _started(city, audience={"sex": "female", "age_from": 30, "age_to": 62})
    wanted = sum(person.sex == "female" and 30 <= _age(city, person) <= 62 for person in city.people)
    assert wanted > 0
    done = _to_the_end(city, key)
    assert (done.audience, done.taken) == (wanted, wanted)


def test_an_audience_by_retirement_is_who_retires_in_those_months(city: World) -> None:
    """Men by their sex, women by what the register says of them; whom it does not say it of is left out."""
    first, last = date(2027, 1, 1), date(2059, 12, 1)
    months = [retirement.retires(one.birth_date, one.retires_at or 60) for one in city.people]
    wanted = [one for one, month in zip(city.people, months, strict=True) if first <= month <= last]
    untold = next(one for one in wanted if one.retires_at)
    index = city.runtime.vault.index("id_number", untold.id_number)
    chosen = Audience(city.clock.now.date(), retires_from=first, retires_to=last)
    for left_out in (0, 1):
        with city.runtime.db.write() as tx:
            assert sum(group.people for group in count(tx, chosen)) == len(wanted) - left_out
            without = update(register.citizens).values(retires_at=None)
            tx.execute(without.where(register.citizens.c.id_index == index))


def _age(world: World, person: Any) -> int:
    day, born = world.clock.now.date(), person.birth_date
    return int(day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def test_the_rehearsal_counts_by_district_and_age_and_names_who_will_not_get_it(city: World) -> None:
    """Its groups add up to the audience; an opt-out is counted before anything goes."""
    _opt_out(city, 0)
    definition = _definition(city, audience={}, pace=10)
    with city.runtime.db.read() as tx:
        counted = rehearsal.rehearse(tx, city.runtime, definition)
    assert sum(group.people for group in counted.groups) == counted.people == 20
    assert (counted.opted_out, counted.no_address, counted.parts, counted.seconds) == (1, 0, 38, 120)
    expected = Counter((person.district, _age(city, person) // 10) for person in city.people)
    found: Counter[tuple[str, int]] = Counter()
    for group in counted.groups:
        found[group.district, int(group.band[:2]) // 10] += group.people
    assert found == expected


def test_only_a_window_of_messages_waits_ahead(city: World) -> None:
    """The rest stays in the register until there is room; then it goes on a second later."""
    key = _started(city)
    assert run_due(city.runtime, SMALL) == 9
    assert run_due(city.runtime, SMALL) == 0
    city.clock.advance(seconds=1)
    assert run_due(city.runtime, SMALL) == 0
    run_lane(city.runtime, LANE)
    city.clock.advance(seconds=1)
    assert run_due(city.runtime, SMALL) == 9
    assert _progress(city, key).taken == 18


def test_a_pace_is_kept_however_often_the_worker_looks(city: World) -> None:
    """24 a minute are two in five seconds, and a late worker makes good ten seconds at most."""
    key = _started(city, pace=24)
    taken = []
    for _ in range(20):
        run_due(city.runtime)
        run_lane(city.runtime, LANE)
        taken.append(_progress(city, key).taken)
        city.clock.advance(seconds=1)
    assert taken[::5] == [2, 4, 6, 8]
    city.clock.advance(minutes=5)
    run_due(city.runtime)
    assert _progress(city, key).taken <= 8 + 6


# --- whoever dies when -------------------------------------------------------------------------


def test_a_worker_that_dies_after_its_claim_leaves_the_page_to_the_next(city: World) -> None:
    """The lease ends and the same page is taken, once."""
    key = _started(city)
    assert expand._claimed(city.runtime) is not None
    assert run_due(city.runtime, SMALL) == 0
    city.clock.advance(seconds=31)
    assert run_due(city.runtime, SMALL) == 9
    _to_the_end(city, key)
    assert sorted(_writes(city).values()) == [1] * 20


def test_a_commit_that_fails_takes_nothing_and_leaves_its_page(city: World) -> None:
    """Messages and the end of their page are one commit: what dies within it never was."""
    key = _started(city)
    run_due(city.runtime, replace(SMALL, seconds=0.0))
    before = _progress(city, key).taken

    row = _row(city)
    step = expand.plan(city.runtime, row, SMALL)
    bad = step.requests[-1]._replace(template="policy/nowhere")
    page = expand.keep(city.runtime, row, step)
    assert page
    with pytest.raises(UnknownNameError, match="There is no sms text"):
        expand.make(city.runtime, row, page, [*step.requests, bad])
    assert _progress(city, key).taken == before
    city.clock.advance(seconds=31)
    _to_the_end(city, key)
    assert sorted(_writes(city).values()) == [1] * 20
    assert _balanced(city)


def test_a_worker_that_wakes_up_late_takes_nothing(city: World) -> None:
    """Its lease went to another, who took the page: the late one's commit is empty."""
    _started(city)
    late = _row(city)
    step = expand.plan(city.runtime, late, SMALL)
    city.clock.advance(seconds=31)
    assert run_due(city.runtime, SMALL) == 9
    assert expand.keep(city.runtime, late, step) is None
    assert max(_writes(city).values()) == 1
    assert _balanced(city)


def test_many_workers_at_once_write_to_nobody_twice(city: World) -> None:
    """Whoever claims the broadcast takes the next page; the others find nothing or go on after it."""
    key = _started(city)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: run_due(city.runtime, replace(SMALL, window=99)), range(8)))
    assert sum(taken) == 20
    _to_the_end(city, key)
    assert sorted(_writes(city).values()) == [1] * 20
    assert _balanced(city)


def test_a_page_read_before_a_pause_is_not_taken_after_it(city: World) -> None:
    """Pausing holds however far the worker was."""
    key = _started(city)
    row = _row(city)
    step = expand.plan(city.runtime, row, SMALL)
    _act(city, key, PAUSE)
    assert expand.keep(city.runtime, row, step) is None
    assert city.rows() == []


def _cut(city: World) -> tuple[Any, Any, Any]:
    """The first page, cut and not made: its broadcast, the page, its messages."""
    row = _row(city)
    step = expand.plan(city.runtime, row, SMALL)
    return row, expand.keep(city.runtime, row, step), step.requests


@pytest.mark.parametrize("kind", ["audience", "list"])
def test_a_page_whose_worker_died_is_made_by_another_once(city: World, kind: str) -> None:
    """The others go on meanwhile, and the broadcast is not over without it."""
    if kind == "audience":
        key = _started(city)
    else:
        key, _ = _list(city, "\n".join(["mobile", *(one.mobile for one in city.people)]).encode())
        _act(city, key, START)
    _cut(city)
    assert run_due(city.runtime, replace(SMALL, window=99)) == 20 - 3
    for _ in range(3):
        run_lane(city.runtime, LANE)
        city.clock.advance(seconds=5)
        run_due(city.runtime, SMALL)
    assert (city.statuses(), _progress(city, key).finished_at) == ({"accepted": 17}, None)
    city.clock.advance(seconds=31)
    assert run_due(city.runtime, SMALL) == 3
    assert _to_the_end(city, key).finished_at
    assert len(city.provider.took) == len({message.address for _, message in city.provider.took}) == 20
    assert _balanced(city)


def test_whoever_wakes_up_late_makes_no_page_of_another_s(city: World) -> None:
    """Neither while that one is at it, nor afterwards."""
    _started(city)
    row, late, requests = _cut(city)
    run_due(city.runtime, replace(SMALL, window=99))
    city.clock.advance(seconds=31)
    _row(city)
    due = expand._claimed(city.runtime)
    assert due
    assert due.page
    assert expand.make(city.runtime, row, late, requests) == 0
    assert expand.make(city.runtime, row, due.page, requests) == 3
    assert expand.make(city.runtime, row, late, requests) == 0
    assert sorted(_writes(city).values()) == [1] * 20


def test_a_page_cut_before_a_pause_is_made_after_it(city: World) -> None:
    """Nobody of it is taken while the broadcast is held, and nobody is left out when it goes on."""
    key = _started(city)
    row, page, requests = _cut(city)
    _act(city, key, PAUSE)
    assert expand.make(city.runtime, row, page, requests) == 0
    assert run_due(city.runtime, SMALL) == 0
    assert city.rows() == []
    _act(city, key, RESUME)
    assert _to_the_end(city, key).taken == 20
    assert sorted(_writes(city).values()) == [1] * 20


def test_a_page_cut_before_a_cancellation_is_never_made(city: World) -> None:
    """It is dropped before the broadcast is over, so nothing of it can come after that."""
    key = _started(city)
    row, page, requests = _cut(city)
    _act(city, key, CANCEL)
    run_due(city.runtime, SMALL)
    assert not _progress(city, key).finished_at
    city.clock.advance(seconds=31)
    run_due(city.runtime, SMALL)
    assert _progress(city, key).finished_at
    assert expand.make(city.runtime, row, page, requests) == 0
    assert city.rows() == []


# --- pause, resume, cancel ------------------------------------------------------------------------


def test_a_pause_stops_at_once_and_loses_nothing(city: World) -> None:
    """Not one message more is handed over; after resuming all go out, once each."""
    key = _started(city)
    run_due(city.runtime, SMALL)
    _act(city, key, PAUSE)
    run_lane(city.runtime, LANE)
    city.clock.advance(hours=1)
    assert run_due(city.runtime, SMALL) == 0
    run_lane(city.runtime, LANE)
    assert city.provider.took == []
    assert _progress(city, key).state == "paused"
    _act(city, key, RESUME)
    done = _to_the_end(city, key)
    assert (done.taken, len(city.provider.took)) == (20, 20)
    assert sorted(_writes(city).values()) == [1] * 20
    assert done.rate > 0.1  # the hour it was held does not count
    assert _balanced(city)


def test_another_broadcast_goes_on_while_one_is_paused(city: World) -> None:
    """A pause holds one broadcast still, not its lane."""
    first = _started(city)
    run_due(city.runtime, SMALL)
    _act(city, first, PAUSE)
    second = _started(city, audience={"sex": "male"})
    done = _to_the_end(city, second)
    assert done.taken == len(city.provider.took) > 0


def test_a_cancelled_broadcast_withdraws_what_waits_and_takes_nobody_more(city: World) -> None:
    """What was handed over stays as it is; the rest is cancelled, and the ledger adds up."""
    key = _started(city)
    run_due(city.runtime, SMALL)
    run_lane(city.runtime, LANE)
    city.clock.advance(seconds=1)
    run_due(city.runtime, SMALL)
    _act(city, key, CANCEL)
    run_lane(city.runtime, LANE)
    for _ in range(3):
        run_due(city.runtime, SMALL)
        city.clock.advance(seconds=5)
    assert city.statuses() == {"accepted": 9, "cancelled": 9}
    shown = _progress(city, key)
    assert (shown.state, shown.taken, shown.by_status["cancelled"]) == ("cancelled", 18, 9)
    assert shown.finished_at
    assert _balanced(city)
    with city.runtime.db.read() as tx:
        assert not pauses.paused(tx, Kind.BROADCAST)


def test_a_cancelled_message_that_comes_back_to_wait_is_withdrawn_too(city: World) -> None:
    """One being found out when it was cancelled is not sent when the provider turns out not to have it."""
    city.provider.script = lambda _handover, _message: Unknown("timeout")
    key = _started(city)
    run_due(city.runtime, SMALL)
    run_lane(city.runtime, LANE)
    _act(city, key, CANCEL)
    run_due(city.runtime, SMALL)
    assert not _progress(city, key).finished_at
    for _ in range(20):
        city.clock.advance(seconds=10)
        run_lane(city.runtime, LANE)
        run_due(city.runtime, SMALL)
    assert city.statuses() == {"cancelled": 9}
    assert _progress(city, key).finished_at
    assert _balanced(city)


def test_what_cannot_be_done_now_says_what_can(city: World) -> None:
    """Each action has its states; doing one again changes nothing and is not written down twice."""
    key = _draft(city)
    assert isinstance(_act(city, key, PAUSE), NotNow)
    assert _act(city, key, START) is None
    assert _act(city, key, START) is None
    assert _act(city, key, CANCEL) is None
    refused = _act(city, key, RESUME)
    assert refused == NotNow("A broadcast that is cancelled cannot resume", "Only one that is paused can.")
    with city.runtime.db.read() as tx:
        said = tx.execute(select(audit.c.action, audit.c.subject).order_by(audit.c.number)).all()
        assert broken(tx, city.runtime.vault) is None
    actions = [f"broadcast.{word}" for word in ("create", "start", "cancel")]
    assert [tuple(row) for row in said] == [(action, f"broadcast {key}") for action in actions]


def test_an_audience_of_nobody_does_not_start(city: World) -> None:
    """The draft says so before anything goes."""
    key = _draft(city, audience={"age_from": 130})
    refused = _act(city, key, START)
    assert refused is not None
    assert refused.message == "There is nobody in it"


# --- opt-outs -------------------------------------------------------------------------------------


def _opt_out(world: World, number: int) -> None:
    address = f"+86{world.people[number].mobile}"
    with world.runtime.db.write() as tx:
        inbound.receive(
            tx, world.runtime, [("scripted", Inbound(f"m{number}", address, "", "R", world.clock.now))]
        )


def test_who_said_stop_is_left_alone_and_counted(city: World) -> None:
    """Neither a text nor a call; the progress shows one suppressed."""
    _opt_out(city, 0)
    key = _started(city, then={"channel": "voice", "wait_seconds": 0})
    done = _to_the_end(city, key)
    assert done.suppressed == 1
    assert sorted(_writes(city).values()) == [1] * (20 + 19)
    assert _balanced(city)


# --- the follow-up ----------------------------------------------------------------------------------


def _born(world: World, citizen: UUID) -> Any:
    with world.runtime.db.read() as tx:
        columns = register.citizens.c
        return tx.execute(select(columns.birth_date).where(columns.id == citizen)).scalar_one()


def test_only_those_over_58_whom_the_text_did_not_reach_are_called(city: World) -> None:
    """After the wait; delivered, suppressed and younger people get no call, and nobody gets two."""
    dead = {f"+86{person.mobile}" for person in city.people[1::4]}
    city.provider.script = lambda handover, message: (
        Rejected("bad number", Cause.RECIPIENT) if message.address in dead else Accepted(f"ref-{handover}")
    )
    _opt_out(city, 0)
    key = _started(city, then={"channel": "voice", "older_than": 58, "wait_seconds": 60})
    for _ in range(4):
        run_due(city.runtime, SMALL)
        run_lane(city.runtime, LANE)
        city.clock.advance(seconds=2)
    for number in range(0, len(city.provider.took), 2):
        _report(city, number, Delivery.DELIVERED if number % 4 else Delivery.UNDELIVERED)
    first = {row.citizen_id: row.status for row in city.rows()}
    done = _to_the_end(city, key)
    called = {citizen for citizen, channel in _writes(city) if channel == "voice"}
    day = city.clock.now.date().replace(year=city.clock.now.year - 58)
    expected = {
        citizen
        for citizen, status in first.items()
        if status in ("undelivered", "failed", "accepted") and _born(city, citizen) < day
    }
    assert called == expected != set()
    assert {"undelivered", "failed", "accepted", "delivered", "suppressed"} <= set(first.values())
    assert max(_writes(city).values()) == 1
    assert (done.state, done.stage) == ("finished", 2)
    assert _balanced(city)


def test_the_follow_up_waits_for_receipts_as_long_as_it_was_told(city: World) -> None:
    """Not a call before the wait is over while receipts are out; at once when all have ended."""
    key = _started(city, then={"channel": "voice", "wait_seconds": 600})
    for _ in range(4):
        run_due(city.runtime)
        run_lane(city.runtime, LANE)
        city.clock.advance(seconds=2)
    city.clock.advance(minutes=9)
    run_due(city.runtime)
    assert _progress(city, key).stage == 1
    for number in range(20):
        _report(city, number, Delivery.UNDELIVERED)
    city.clock.advance(seconds=5)
    run_due(city.runtime)
    assert _progress(city, key).stage == 2
    assert [one.taken for one in _progress(city, key).channels] == [20, 20]


def test_who_cannot_be_reached_by_e_mail_is_texted(city: World) -> None:
    """Without an e-mail address, or with a dead one; whoever stopped notices there is left alone."""
    mails = Scripted(batch=1)
    mails.name, mails.channel = "mails", "email"
    weights = {**city.runtime.settings.providers, "email": {"mails": 1}}
    providers = {**city.runtime.providers, "mails": mails}
    settings = replace(city.runtime.settings, providers=weights)
    city.runtime = replace(city.runtime, providers=providers, settings=settings)
    vault, now = city.runtime.vault, city.clock.now
    with city.runtime.db.write() as tx:
        citizens = [city._citizen(tx, person) for person in city.people]
        known = register.addresses(tx, vault, "email", citizens)
        (dead, stopped, reached), others = sorted(known)[:3], sorted(known)[3:]
        index = {key: vault.index("email", known[key]) for key in known}
        suppression.suppress(tx, [(index[dead], "mails", now)], suppression.DEAD_ADDRESS, now + DRAFT_LIFE)
        suppression.suppress(tx, [(index[stopped], "mails", now)])
    key = _started(city, channel="email", then={"channel": "sms", "wait_seconds": 600})
    run_due(city.runtime)
    run_lane(city.runtime, "email.bulk")
    for number, (_, message) in enumerate(mails.took):
        arrived = message.address == known[reached]
        delivery = Delivery.DELIVERED if arrived else Delivery.UNDELIVERED
        with city.runtime.db.write() as tx:
            receipts.keep(tx, city.runtime, "mails", mails.report(number, delivery))
    receipts.apply_due(city.runtime)
    assert len(mails.took) == len(others) + 1
    assert _to_the_end(city, key).state == "finished"
    assert {one for one, channel in _writes(city) if channel == "sms"} == {*citizens} - {stopped, reached}


def test_a_dead_mobile_is_not_called_at_the_same_number(city: World) -> None:
    """Calls go where texts do: no address of another kind, no follow-up."""
    now = city.clock.now
    with city.runtime.db.write() as tx:
        index = city.runtime.vault.index("mobile", f"+86{city.people[0].mobile}")
        suppression.suppress(tx, [(index, "scripted", now)], suppression.DEAD_ADDRESS, now + DRAFT_LIFE)
    key = _started(city, then={"channel": "voice", "wait_seconds": 0})
    for _ in range(2):
        run_due(city.runtime)
        run_lane(city.runtime, LANE)
        city.clock.advance(seconds=3)
    assert [one.taken for one in _progress(city, key).channels] == [20, 19]


def test_a_closed_channel_follows_nobody_up(world: World) -> None:
    """Without a provider of calls the draft says so, and the broadcast ends with its first channel."""
    world.settle(3)
    definition = _definition(world, audience={}, then={"channel": "voice", "wait_seconds": 0})
    with world.runtime.db.read() as tx:
        assert rehearsal.rehearse(tx, world.runtime, definition).closed == ("voice",)
    done = _to_the_end(world, _started(world, then={"channel": "voice", "wait_seconds": 0}))
    assert (done.state, done.stage, done.taken) == ("finished", 1, 3)
    with pytest.raises(DefinitionError, match="channel: voice is closed here; VOICE_PROVIDERS names no"):
        _draft(world, channel="voice")


def test_reached_counts_people_by_either_channel(city: World) -> None:
    """Those the text reached and those the call did add up."""
    key = _started(city, then={"channel": "voice", "wait_seconds": 0})
    for _ in range(3):
        run_due(city.runtime)
        run_lane(city.runtime, LANE)
        if _progress(city, key).stage == 1 and city.provider.took:
            for number in range(12):
                _report(city, number)
        city.clock.advance(seconds=3)
    done = _to_the_end(city, key)
    calls = city.runtime.providers["calls"]
    assert isinstance(calls, Scripted)
    with city.runtime.db.write() as tx:
        for number in range(3):
            receipts.keep(tx, city.runtime, "calls", calls.report(number))
    receipts.apply_due(city.runtime)
    done = _progress(city, key)
    assert (done.delivered, done.reached, done.awaiting_receipts) == (15, 15, 8 + 5)


def test_awaited_receipts_end_with_their_window(city: World) -> None:
    """After 72 hours nobody waits for a text's receipt any more."""
    key = _started(city)
    assert _to_the_end(city, key).awaiting_receipts == 20
    city.clock.advance(hours=72)
    assert _progress(city, key).awaiting_receipts == 0


# --- lists --------------------------------------------------------------------------------------------


def _list(world: World, raw: bytes, **keys: Any) -> tuple[UUID, recipients.Checked]:
    definition = _definition(world, **keys)
    kind, lines = recipients.read_csv(raw)
    definitions.check_list(definition, kind)
    with world.runtime.db.read() as tx:
        checked = recipients.check(tx, world.runtime, kind, definition.channel, lines)
    return rehearsal.store_list(world.runtime, definition, checked, "test"), checked


def _kept(world: World) -> Sequence[Any]:
    with world.runtime.db.read() as tx:
        return tx.execute(select(recipients.recipients)).all()


def test_a_list_goes_to_its_good_lines_once_each(city: World) -> None:
    """Bad lines are named by number and reason, repeated ones count once, addresses are sealed."""
    rows = ["mobile,name", "13800138000,王芳", "12333,", "+86 138-0013-8000,王芳", "13900139000,", "abc,x"]
    key, checked = _list(city, "\n".join(rows).encode())
    assert [line.line for line in checked.refused] == [3, 6]
    assert "public service number" in checked.refused[0].reason
    assert not any("12333" in line.reason or "abc" in line.reason for line in checked.refused)
    assert checked.duplicates == 1
    assert not any(b"138001" in row.address for row in _kept(city))
    _act(city, key, START)
    done = _to_the_end(city, key)
    assert (done.audience, done.taken) == (2, 2)
    texts = {message.address: message.text for _, message in city.provider.took}
    assert texts.keys() == {"+8613800138000", "+8613900139000"}
    assert texts["+8613800138000"].startswith("王*，您好")
    assert texts["+8613900139000"].startswith("居民朋友，您好")
    assert _kept(city) == []
    assert _balanced(city)


def test_a_list_of_id_numbers_finds_its_people_in_the_register(city: World) -> None:
    """Then ages are known; whoever is not registered is refused."""
    numbers = [person.id_number for person in city.people[:5]]
    raw = "\n".join(["id_number", *numbers, "430702196002290338", "1"]).encode()
    key, checked = _list(city, raw, then={"channel": "voice", "older_than": 58, "wait_seconds": 0})
    assert [(line.line, line.reason.partition(".")[0]) for line in checked.refused] == [
        (7, "Nobody in the register has this ID number"),
        (8, "This is no ID number"),
    ]
    _act(city, key, START)
    _to_the_end(city, key)
    over_58 = sum(_age(city, person) > 58 for person in city.people[:5])
    assert Counter(channel for _, channel in _writes(city)) == {"sms": 5, "voice": over_58}


def test_a_list_of_mobiles_is_followed_up_at_the_same_number(city: World) -> None:
    """The address goes on sealed from one message to the next."""
    key, _ = _list(city, b"mobile,name\n13800138000,Li\n", then={"channel": "voice", "wait_seconds": 0})
    _act(city, key, START)
    _to_the_end(city, key)
    calls = city.runtime.providers["calls"]
    assert isinstance(calls, Scripted)
    assert [message.address for _, message in calls.took] == ["+8613800138000"]


def test_ages_cannot_be_asked_of_mobiles(city: World) -> None:
    """Nobody's birth date is known by a number."""
    with pytest.raises(DefinitionError, match="nobody's age is known"):
        _list(city, b"mobile\n13800138000\n", then={"channel": "voice", "older_than": 58})
    with pytest.raises(DefinitionError, match="a list of mobiles does not go by email"):
        _list(city, b"mobile\n13800138000\n", channel="email")


def test_a_list_longer_than_a_page_loses_nobody_at_the_edges(city: World) -> None:
    """Pages follow each other by line, and what was taken is dropped from the list."""
    rows = "\n".join(f"139{number:08}" for number in range(10))
    key, _ = _list(city, f"mobile\n{rows}".encode())
    _act(city, key, START)
    run_due(city.runtime, replace(SMALL, seconds=0.0))
    assert len(_kept(city)) == 7
    done = _to_the_end(city, key)
    assert (done.taken, len({message.address for _, message in city.provider.took})) == (10, 10)
    assert _kept(city) == []


def test_a_cancelled_list_is_dropped(city: World) -> None:
    """Addresses nobody will write to are not kept."""
    key, _ = _list(city, b"mobile\n13800138000\n13900139000\n")
    _act(city, key, CANCEL)
    run_due(city.runtime)
    assert _kept(city) == []


def test_a_list_that_was_not_read_to_the_end_does_not_start(city: World) -> None:
    """Half a list is no list."""
    definition = _definition(city)
    with city.runtime.db.write() as tx:
        key = store.create(tx, city.runtime, definition, "test", counted=None)
    refused = _act(city, key, START)
    assert refused is not None
    assert refused.message == "Its list was not read to the end"


def test_one_broken_name_stops_nobody(city: World) -> None:
    """Its owner is addressed without it."""
    with city.runtime.db.write() as tx:
        one = select(register.citizens.c.id).limit(1).scalar_subquery()
        tx.execute(register.citizens.update().where(register.citizens.c.id == one).values(name=b"broken"))
    done = _to_the_end(city, _started(city))
    assert done.taken == 20
    assert sum(message.text.startswith(("居民朋友", "Resident")) for _, message in city.provider.took) == 1


def test_a_broadcast_whose_text_is_gone_stops_no_other(city: World) -> None:
    """It pauses itself until people have mended it; the others go on meanwhile."""
    stuck = _started(city)
    with city.runtime.db.write() as tx:
        broken_one = store.broadcasts.c.id == stuck
        definition = store.broadcasts.c.definition
        text = tx.execute(select(definition).where(broken_one)).scalar_one().replace(TEMPLATE, "policy/gone")
        tx.execute(store.broadcasts.update().where(broken_one).values(definition=text))
    other = _started(city, audience={"sex": "male"})
    assert _to_the_end(city, other).taken > 0
    assert _progress(city, stuck).state == State.PAUSED


def test_a_list_cancelled_while_it_is_read_in_is_dropped(city: World) -> None:
    """The reader stops, and what it had kept goes."""
    lines = [recipients.Line(n, f"138{n:08d}", "") for n in range(1, 11)]
    with city.runtime.db.read() as tx:
        checked = recipients.check(tx, city.runtime, "mobile", "sms", lines)
    definition = _definition(city)
    with city.runtime.db.write() as tx:
        key = store.create(tx, city.runtime, definition, "test", counted=None)
        recipients.keep(tx, recipients.sealed(city.runtime, key, checked.good))
    _act(city, key, CANCEL)
    with city.runtime.db.write() as tx:
        assert not store.is_draft(tx, key)
    run_due(city.runtime)
    assert _kept(city) == []


def test_a_draft_nobody_starts_is_forgotten_with_its_list(city: World) -> None:
    """After thirty days nobody will."""
    _list(city, b"mobile\n13800138000\n")
    city.clock.advance(days=31)
    with city.runtime.db.write() as tx:
        store.forget_old(tx, city.clock())
    run_due(city.runtime)
    assert _kept(city) == []
