"""What is with people for days, comes back to be corrected, or is in force and acted on, at each door."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.back_offices import Done, Pending, Returned, StepOutcome
from gateway.ops import queues
from gateway.phone.signals import NoInput
from gateway.transactions import afterwards, engine, look_up, outcome, registry, steps, store
from gateway.transactions.model import State
from gateway.transactions.store import Transaction
from tests.flows.faces import Phone, Submitted, System, Web
from tests.stores.test_transactions import messages, sent_codes
from tests.transaction_vectors import newest
from tests.world import World

ANSWERS = {
    "kind": "flexible",
    "request": "file",
    "reason": "platform",
    "contact": "13800138000",
    "start": "20261120",
    "commitment": "1",
    "address": "朗州路1号",
}
BACK = Returned("address_unclear", ("address",), {"kind": "flexible", "note": "门牌号看不清"})


@pytest.fixture
def app(sqlite_world: World) -> Flask:
    sqlite_world.settle(1)
    return create_app(sqlite_world.runtime)


def _answers(world: World) -> dict[str, str]:
    person = world.people[0]
    return {"id_number": person.id_number, "name": person.name, **ANSWERS}


def _said(world: World, what: StepOutcome) -> Transaction:
    """What the register said of the newest transaction, and how that stands now."""
    with world.runtime.db.write() as tx:
        outcome.record(tx, world.runtime, newest(world), what)
    world.clock.advance(seconds=61)  # another code may be asked for
    return newest(world)


def _why(it: Transaction, world: World) -> list[str]:
    return [words.zh for words in registry.get("filing").explain(it.view(world.clock()))]


def test_the_web_says_why_and_asks_only_what_is_to_be_corrected(sqlite_world: World, app: Flask) -> None:
    """The page leads to the one question, tells why, and after a new proof confirms the same transaction."""
    world, web = sqlite_world, Web(sqlite_world, app)
    assert web.confirm("filing", _answers(world)) == Submitted()
    back = _said(world, BACK)
    assert (back.state, back.row.stage, back.row.proof) == (State.DRAFT, "returned", None)
    assert "退回" in messages(world)[-1]
    text = web.browser.get("/t/filing/done")
    assert web.browser.path == "/t/filing/address"
    assert [sentence for sentence in _why(back, world) if sentence not in text] == []
    assert web._through({"address": "朗州路1号2栋301室"}) == Submitted()
    now = newest(world)
    assert (now.id, now.state, now.row.stage, now.row.reason) == (back.id, State.SUBMITTED, "", None)
    assert now.answers == {**back.answers, "address": "朗州路1号2栋301室"}


def test_it_stays_the_persons_who_applied(sqlite_world: World, app: Flask) -> None:
    """The back office knows it as theirs: another ID number is refused with what to do instead."""
    world, web = sqlite_world, Web(sqlite_world, app)
    web.confirm("filing", _answers(world))
    back = _said(world, BACK)
    text = web.browser.post("/t/filing/id_number", id_number="310115195808292022")
    assert "另外申请" in text
    assert newest(world).answers == back.answers


def test_whoever_looks_it_up_reads_and_hears_why(sqlite_world: World, app: Flask) -> None:
    """By its reference, on the web and by telephone, before going on with it."""
    world, caller = sqlite_world, Phone(sqlite_world, app)
    Web(world, app).confirm("filing", _answers(world))
    back = _said(world, BACK)
    other = Web(world, app)
    other.browser.get("/progress")
    other.browser.post("/progress", reference=back.row.reference)
    other.browser.post("/progress/mobile", mobile=world.people[0].mobile[-4:])
    caller._dial(world.people[0].id_number)
    for keys in ("4", f"{back.row.reference}#", f"{world.people[0].mobile[-4:]}#"):
        caller.caller.press(keys)
    assert "继续办理请按1" in caller.heard
    for sentence in _why(back, world)[:2]:
        assert sentence in other.browser.text
        assert sentence in caller.heard


def test_whose_it_is_is_not_forgotten_over_who_helps(sqlite_world: World, app: Flask) -> None:
    """Who looked it up and says who helps has proven nothing: it is found as before, and told of."""
    world = sqlite_world
    Web(world, app).confirm("filing", _answers(world))
    back, other = _said(world, BACK), Web(world, app)
    looked_up = {"reference": back.row.reference, "mobile": world.people[0].mobile[-4:]}
    other.browser.get("/progress")
    other.browser.post("/progress", reference=looked_up["reference"])
    other.browser.post("/progress/mobile", mobile=looked_up["mobile"])
    other.browser.post("/progress/continue")
    other.browser.post("/t/filing/code/myself")
    assert newest(world).row.citizen_id == back.row.citizen_id
    with world.runtime.db.write() as tx:
        engine.act_for(tx, world.runtime, newest(world), helped=True)  # as a caller may
        helper = {"helper_id_number": "310115195808292022"}
        assert engine.answer(tx, world.runtime, newest(world), helper).value == {}
        found = look_up.find(tx, world.runtime, looked_up["reference"], looked_up["mobile"])
    assert found == back.id
    world.clock.advance(days=31)
    steps.run_due(world.runtime)
    assert "没有改好" in messages(world)[-1]


def test_a_system_sees_what_is_missing_and_goes_on(sqlite_world: World, app: Flask) -> None:
    """The state, the reason and the field; with the last answer a code goes out, and its proof submits."""
    world, system = sqlite_world, System(sqlite_world, app)
    assert system.confirm("filing", _answers(world)) == Submitted()
    _said(world, BACK)
    path = f"/v2/transactions/{system.reference}"
    shown = system.api.get(path).json
    assert (shown["state"], shown["stage"], shown["reason"]) == ("draft", "returned", "address_unclear")
    assert shown["missing"] == ["address"]
    assert "answers.address" in shown["next_step"]
    assert system.api.post(f"{path}/answers", {"answers": {"address": "朗州路1号2栋"}}).status_code == 200
    proven = system.api.post(f"{path}/proof", {"code": sent_codes(world)[-1]}).json
    assert (proven["reference"], proven["state"]) == (system.reference, "submitted")


def test_what_people_are_at_work_on_is_not_waited_for(sqlite_world: World, app: Flask) -> None:
    """No page reloads itself, and no queue counts it as owed an answer."""
    world, web = sqlite_world, Web(sqlite_world, app)
    web.confirm("filing", _answers(world))
    assert _refresh(web) > 0
    assert _depth(world) == (1, 0)
    review = Pending("reviewing", world.clock() + timedelta(hours=6), {"kind": "flexible"})
    it = _said(world, review)
    assert (it.state, it.row.stage) == (State.SUBMITTED, "reviewing")
    assert _refresh(web) == 0
    assert _depth(world) == (0, 1)


def test_no_caller_holds_the_line_for_people(sqlite_world: World, app: Flask) -> None:
    """Whoever has just confirmed is told to hold while an answer is due any moment, and no longer."""
    world, caller = sqlite_world, Phone(sqlite_world, app)
    assert caller.confirm("pension_auth", _answers(world)) == Submitted()
    assert "请稍候" in caller.heard
    caller.caller.do(NoInput())
    caller.caller.do(NoInput())
    assert "请稍候" in caller.heard
    _said(world, Pending("submitted_reviewing", world.clock() + timedelta(hours=6)))
    caller.caller.do(NoInput())
    assert "请稍候" not in caller.heard
    assert "您的编号是" in caller.heard


def _refresh(web: Web) -> int:
    page: Any = web.browser.client.get("/t/filing/done").text
    return int(page.partition('data-refresh="')[2].partition('"')[0])


def _depth(world: World) -> tuple[int, int]:
    """Transactions owed an answer, and those that are neither that nor over."""
    with world.runtime.db.read() as tx:
        lane = next(one for one in queues.standing(tx, world.clock()) if one.name == "transactions")
    assert lane.taken == lane.depth + lane.in_flight + lane.unknown + lane.dead + lane.delivered + lane.other
    return lane.depth, lane.other


def test_an_unfinished_correction_ends_after_thirty_days(sqlite_world: World, app: Flask) -> None:
    """Not after a day, as a draft does that nobody had confirmed."""
    world = sqlite_world
    Web(world, app).confirm("filing", _answers(world))
    back = _said(world, BACK)
    for days, state in ((29, State.DRAFT), (2, State.CANCELLED)):
        world.clock.advance(days=days)
        steps.run_due(world.runtime)
        with world.runtime.db.read() as tx:
            assert store.load(tx, world.runtime, back.id).state is state


# --- and once it is in force -----------------------------------------------------------------


IN_FORCE = Done({"kind": "flexible", "number": "9", "start": "2026-11-20", "end": ""}, "active")


def test_an_action_that_asks_nothing_more_is_done_at_once_by_a_system(
    sqlite_world: World, app: Flask
) -> None:
    """Ending a filing is a transaction of its own; the service answers for it, so it is submitted."""
    world, system = sqlite_world, System(sqlite_world, app)
    system.confirm("filing", _answers(world))
    filed = _said(world, IN_FORCE)
    kinds = system.api.get("/v2/transaction-types").json["transaction_types"]
    actions = {one["name"]: one for one in next(one for one in kinds if one["name"] == "filing")["actions"]}
    assert actions["end"]["opens"] == "filing"
    ended = system.api.post(f"/v2/transactions/{system.reference}/actions/end", {})
    assert (ended.status_code, ended.json["state"]) == (201, "submitted")
    now = newest(world)
    assert (now.row.replaces, now.answers["request"]) == (filed.id, "cancel")
    assert set(now.answers) == {"id_number", "name", "kind", "request"}  # what is asked when one is ended


def test_on_the_web_it_is_proven_and_confirmed_first(sqlite_world: World, app: Flask) -> None:
    """Whoever only looked it up gives a code, then reads what confirming does."""
    world, web = sqlite_world, Web(sqlite_world, app)
    web.confirm("filing", _answers(world))
    filed, web = _said(world, IN_FORCE), Web(world, app)
    web.browser.get("/progress")
    web.browser.post("/progress", reference=filed.row.reference)
    web.browser.post("/progress/mobile", mobile=world.people[0].mobile[-4:])
    web._press("/status/end")
    assert web.browser.path == "/t/filing/code"
    assert web._through({}) == Submitted()
    assert newest(world).row.replaces == filed.id


def test_what_is_not_offered_here_is_not_offered_afterwards(sqlite_world: World, app: Flask) -> None:
    """An action that opens another type is hidden, and refused, where that type cannot be begun."""
    world = sqlite_world
    Web(world, app).confirm("card_loss", _answers(world))
    _said(world, Done({"social": "temp_lost", "card_tail": "6266"}, "temp_lost"))
    view = newest(world).view(world.clock())
    assert {"found", "formal"} <= set(afterwards.offered(world.runtime, view))
    alone = replace(world.runtime.settings, transactions=("card_loss",))
    assert afterwards.offered(replace(world.runtime, settings=alone), view) == {}
