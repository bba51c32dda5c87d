"""From a provider's push to the timeline of a transaction, or to somebody who reads it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from gateway import audit
from gateway.app import create_app
from gateway.cli import main
from gateway.delivery import receipts
from gateway.delivery.attempt import run_lane
from gateway.demo.city import Person
from gateway.notifications.asks import Asks
from gateway.notifications.inbound import forget_old, inbound
from gateway.ops.inbox import SHOWN
from gateway.providers import Callback, Inbound
from gateway.transactions import answers, engine
from gateway.transactions.store import transactions
from tests.flows.citizen import Browser
from tests.flows.operator import NAME, Operator, employ
from tests.world import World

RATING = Asks("rating", (("1", "满意"), ("2", "基本满意"), ("3", "不满意")))
WROTE = "我妈的卡丢了怎么办 <b>急</b>"


def push(world: World, *texts: str, number: int = 0) -> None:
    """Somebody's texts come in by the provider's push."""
    mobile = f"+86{world.people[number].mobile}"
    count = len(entries(world))
    world.provider.said = [
        Inbound(f"m{count + place}", mobile, "106", text, world.clock()) for place, text in enumerate(texts)
    ]
    with world.runtime.db.write() as tx:
        receipts.keep(
            tx, world.runtime, "scripted", Callback("sms-report", f"/{count}", {}, b"", "127.0.0.1")
        )
    receipts.apply_due(world.runtime)
    world.clock.advance(minutes=1)


def entries(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(tx.execute(select(inbound).order_by(inbound.c.received_at)))


def records(world: World) -> list[tuple[str, str]]:
    with world.runtime.db.read() as tx:
        assert audit.broken(tx, world.runtime.vault) is None
        rows = tx.execute(select(audit.audit).order_by(audit.audit.c.number)).all()
    return [(row.action, row.subject) for row in rows if row.action.startswith("reply.")]


@pytest.fixture
def world(sqlite_world: World) -> World:
    employ(sqlite_world)
    sqlite_world.settle(3)
    return sqlite_world


@pytest.fixture
def operator(world: World) -> Operator:
    someone = Operator(create_app(world.runtime))
    someone.sign_in()
    return someone


def test_an_answer_by_text_message_stands_on_the_timeline(
    browser: Browser, person: Person, sqlite_world: World
) -> None:
    """Its kind and digit, with the words an operator reads; nobody else has to look at it."""
    world = sqlite_world
    employ(world)
    browser.confirm(person)
    reference = browser.reference()
    with world.runtime.db.read() as tx:
        about = tx.execute(select(transactions.c.id)).scalar_one()
    world.people = [person]
    world.take(1, asks=RATING, transaction_id=about)
    run_lane(world.runtime, "sms.normal")
    world.wakes.lanes.clear()
    push(world, "回复１ 满意。")
    assert engine.LANE in world.wakes.lanes
    assert answers.run_due(world.runtime) == 1
    someone = Operator(create_app(world.runtime))
    someone.sign_in()
    someone.get("/ops/look-up")
    text = someone.post("/ops/look-up", what=reference)
    assert "市民答复了 answered by the citizen rating 1" in text
    assert "没有人在等答复" in someone.get("/ops/replies")


def test_a_reply_is_read_on_record_and_marked_as_handled(operator: Operator, world: World) -> None:
    """The list keeps the text back; the page with it shows it as it was written."""
    world.take(1)
    run_lane(world.runtime, "sms.normal")
    push(world, WROTE)
    assert "等人看的市民回复：1条" in operator.get("/ops")
    listed = operator.get("/ops/replies")
    mobile = world.people[0].mobile
    assert f"{mobile[:3]}****{mobile[-4:]}" in listed
    assert "短信结果通知" in listed
    assert "card_loss/failed 11-21 16:05" in listed
    assert "我妈" not in operator.page.text
    assert records(world) == []
    key = str(entries(world)[0].id)
    assert WROTE in operator.post("/ops/replies/read", tab="waiting")
    assert "没有人在等答复" in operator.post("/ops/replies/handled", id=key)
    assert "等人看的市民回复" not in operator.get("/ops")
    assert records(world) == [("reply.read", key), ("reply.handled", key)]
    assert f"已处理 handled {NAME} 11-21 16:06" in operator.get("/ops/replies/all")
    operator.post("/ops/replies/handled", id=key)  # twice is once
    assert len(records(world)) == 2
    assert mobile not in "".join(operator.seen)


def test_wishes_are_heeded_and_shown_among_all(operator: Operator, world: World) -> None:
    """Nobody has to do anything about them."""
    push(world, "退订")
    assert "没有人在等答复" in operator.get("/ops/replies")
    assert "不再接收通知" in operator.get("/ops/replies/all")


def test_many_replies_come_page_by_page_the_newest_first(operator: Operator, world: World) -> None:
    """No reply twice, none left out, though a provider's clock counts seconds; a page is handled at once."""
    push(world, *(f"问题{number}。" for number in range(SHOWN + 2)))
    operator.get("/ops/replies")
    first = operator.post("/ops/replies/read", tab="waiting")
    assert f"问题{SHOWN + 1}。" in first
    assert "问题1。" not in first
    older = operator.page.text.split("?after=")[1].split('"')[0]
    rest = operator.post("/ops/replies/read", tab="waiting", after=older)
    assert [f"问题{number}。" in rest for number in range(3)] == [True, True, False]
    newest = [str(row.id) for row in entries(world)[2:]]
    operator.client.post("/ops/replies/handled", data={"token": operator.token(), "id": newest})
    assert "等人看的市民回复：2条" in operator.get("/ops")


def test_what_is_no_page_or_no_reply_is_refused(operator: Operator) -> None:
    assert operator.client.get("/ops/replies/read").status_code == 404
    assert operator.client.get("/ops/replies?after=x").status_code == 200
    operator.get("/ops/replies")
    fields = {"token": operator.token()}
    assert operator.client.post("/ops/replies/read", data={**fields, "tab": "x"}).status_code == 404
    assert operator.client.post("/ops/replies/handled", data={**fields, "id": "x"}).status_code == 400


def test_a_reply_forgotten_or_damaged_stops_no_page(operator: Operator, world: World) -> None:
    """What is too old is gone from the list; what cannot be opened says so."""
    push(world, "早")
    world.clock.advance(days=91)
    push(world, "坏")
    with world.runtime.db.write() as tx:
        forget_old(tx, world.clock())
        tx.execute(update(inbound).where(inbound.c.text.is_not(None)).values(text=b"spoilt"))
    operator.sign_in()
    assert "等人看的市民回复：1条" in operator.text
    operator.get("/ops/replies")
    assert "打不开" in operator.post("/ops/replies/read", tab="waiting")


def test_replies_are_read_and_handled_at_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list tells no text; reading is on record, and nothing in a text steers the terminal."""
    here = world.runtime.settings
    monkeypatch.setenv("DATABASE_URL", here.database_url)
    monkeypatch.setenv("HUIYIN_MASTER_KEY", urlsafe_b64encode(here.master_key).decode())
    push(world, f"{WROTE}\x1b[2J")
    key = str(entries(world)[0].id)

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, ["replies", *words, "--state", str(here.state)])
        assert result.exit_code == 0, result.output
        return result.output

    [listed] = json.loads(run("--json"))["replies"]
    assert (listed["id"], listed["wish"], "text" in listed) == (key, None, False)
    assert WROTE not in run()
    assert f"    {WROTE} [2J\n1 wait for a person." in run("--read")
    assert json.loads(run("--handled", key, "--json")) == {"id": key, "handled": True}
    assert run() == "0 wait for a person.\n"
    assert "handled" in run("--all")
    assert records(world) == [("reply.read", key), ("reply.handled", key)]
    refused = CliRunner().invoke(main, ["replies", "--handled", key, "--state", str(here.state)])
    assert (refused.exit_code, "No reply with this id waits" in refused.output) == (1, True)
