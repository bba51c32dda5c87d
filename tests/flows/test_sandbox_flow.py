"""The whole line through the real SDK and the sandbox: report, block, message, receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from shutil import copy

import pytest

from gateway import runtime as runtimes
from gateway.app import create_app
from gateway.config import Settings
from gateway.content import registered, shipped
from gateway.content import store as content
from gateway.delivery import books, ledger, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.comparing import Kind
from gateway.demo import city, seed
from gateway.messages import Message
from gateway.notifications.request import Class
from gateway.providers import Accepted
from gateway.transactions import steps
from gateway.transactions.model import State
from gateway.transactions.store import Transaction
from integrations.aliyun_rpc import CHINA
from tests.conftest import settings
from tests.contract.sandbox_process import ACCOUNT, Sandbox, running_sandbox, until
from tests.serving import serving
from tests.stores.test_transactions import begin, prove, sent_codes, state, submit
from tests.world import BORN_BY, Clock, Scripted, Wakes, World

_turns = count()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


def _outside(sandbox: Sandbox, folder: Path, database: Path) -> Settings:
    """The settings of a deployment whose outside is the sandbox."""
    environment = {
        "ALIYUN_ACCESS_KEY_ID": ACCOUNT["SANDBOX_ACCESS_KEY_ID"],
        "ALIYUN_ACCESS_KEY_SECRET": ACCOUNT["SANDBOX_ACCESS_KEY_SECRET"],
        "ALIYUN_SMS_SIGN_NAME": "常德人社",
        "ALIYUN_SMS_ENDPOINT": sandbox.url,
        "ALIYUN_CALLBACK_NETWORKS": "127.0.0.1/32",
        "ALIYUN_TIMEOUT_SECONDS": "0.5",
        "CARD_CORE_URL": sandbox.url,
        "CARD_CORE_APP_ID": ACCOUNT["SANDBOX_CARD_APP_ID"],
        "CARD_CORE_SECRET": ACCOUNT["SANDBOX_CARD_SECRET"],
        "CARD_CORE_TIMEOUT_SECONDS": "0.5",
    }
    return replace(
        settings(folder, f"sqlite:///{database}"),
        providers={"sms": {"aliyun_sms": 1}},
        sandbox_url=sandbox.url,
        environment=environment,
        reconcile_after=1.2,
    )


@pytest.fixture(scope="module")
def seeded(sandbox: Sandbox, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose people and texts the sandbox knows, copied for each test."""
    folder = tmp_path_factory.mktemp("seeded")
    database = Path(copy(sqlite_template, folder / "huiyin.db"))
    here = runtimes.build(_outside(sandbox, folder, database), wake=Wakes())
    seed.seed(here, 20)
    here.db.close()
    return database


@pytest.fixture
def real(sandbox: Sandbox, seeded: Path, tmp_path: Path) -> Iterator[World]:
    """A World whose providers are real SDKs and whose outside is the sandbox."""
    sandbox.call("POST", "reset")
    database = Path(copy(seeded, tmp_path / "huiyin.db"))
    wakes = Wakes()
    runtime = runtimes.build(_outside(sandbox, tmp_path, database), wake=wakes)
    world = World(runtime, Clock(), wakes, Scripted())
    adults = [person for person in city.people(20) if person.birth_date < BORN_BY]
    world.people = adults[next(_turns) :]  # another card for each test
    with serving(create_app(runtime)) as url:
        report_url = f"{url}/callbacks/aliyun_sms/callback-secret/sms-report"
        sandbox.call("POST", "settings", {"report_url": report_url, "receipt_delay": 0.05})
        yield world
    runtime.db.close()


def _work(world: World) -> None:
    run_lane(world.runtime, "sms.urgent")
    steps.run_due(world.runtime)
    receipts.apply_due(world.runtime)


def _until_delivered(world: World, count: int) -> None:
    def delivered() -> bool:
        _work(world)
        return world.statuses() == {"delivered": count}

    until(delivered, 10)


def _texts(sandbox: Sandbox, world: World) -> list[str]:
    messages = sandbox.call("GET", f"messages?number={world.people[0].mobile}")
    return [message["text"] for message in messages]


def _proven(world: World) -> Transaction:
    transaction = begin(world)
    _until_delivered(world, 1)  # a code still waiting would be withdrawn by the proof
    prove(world, transaction, sent_codes(world)[-1])
    assert submit(world, transaction)
    return transaction


def test_a_loss_report_ends_with_its_message_delivered(real: World, sandbox: Sandbox) -> None:
    """The code and the result reach the handset, signed, and both receipts come back."""
    transaction = begin(real)
    _until_delivered(real, 1)
    code = _texts(sandbox, real)[0].split("，")[0][-6:]
    prove(real, transaction, code)
    submit(real, transaction)
    _until_delivered(real, 2)
    assert state(real, transaction) is State.SUCCEEDED
    tail = real.people[0].card_number[-4:]
    assert _texts(sandbox, real)[1].startswith(f"【常德人社】您尾号{tail}的社保卡已临时挂失，")


def test_an_accepted_message_whose_answer_was_lost_is_found_not_repeated(
    real: World, sandbox: Sandbox
) -> None:
    """The vendor took it and fell silent: it is asked, and the sandbox counts the message once."""
    transaction = _proven(real)
    _work(real)
    steps.run_due(real.runtime)
    sandbox.fault("aliyun_sms", "silent", times=1)
    _until_delivered(real, 2)
    assert sandbox.call("GET", "counts")["repeated"] == 0
    assert state(real, transaction) is State.SUCCEEDED


def test_a_silent_card_system_is_asked_not_repeated(real: World, sandbox: Sandbox) -> None:
    """The block was made and the answer lost: the query finds it under our reference."""
    sandbox.fault("card_core", "silent", times=1)
    transaction = _proven(real)

    def done() -> bool:
        _work(real)
        return state(real, transaction) is State.SUCCEEDED

    until(done, 15)
    assert sandbox.call("GET", "counts")["calls"]["card/report-loss"] == 1


def test_no_template_of_the_house_is_refused_by_the_vendors_review(real: World) -> None:
    """Every shipped text passes the rules the vendor reviews by."""
    with real.runtime.db.read() as tx:
        known = registered.registrations(tx, "aliyun_sms")
    assert {registration.state for registration in known.values()} == {"approved"}
    assert len(known) == len(list(shipped.SHIPPED.glob("*/*.sms.*.txt")))


def test_the_ledger_balances_at_the_end(real: World, sandbox: Sandbox) -> None:
    """Taken equals delivered, and the rows say what the entries say."""
    _proven(real)
    _until_delivered(real, 2)
    with real.runtime.db.read() as tx:
        accounts = ledger.accounts(tx)
        assert ledger.differences(tx) == {}
    assert [(account.taken, dict(account.standing)) for account in accounts] == [(2, {"delivered": 2})]


def test_the_vendor_s_sums_of_the_day_are_ours_until_somebody_else_sends(
    real: World, sandbox: Sandbox
) -> None:
    """An answer that was lost explains one of them; what did not go through us is told."""
    _proven(real)
    _work(real)
    sandbox.fault("aliyun_sms", "silent", times=1)
    _until_delivered(real, 2)
    assert _differences(real) == {Kind.LOST_ANSWER: 1}
    sender = real.runtime.providers["aliyun_sms"]
    with real.runtime.db.read() as tx:
        codes = registered.registrations(tx, "aliyun_sms")
        text = content.to_send(tx, "card_loss/failed", "sms", "zh-CN", ["aliyun_sms"])
    elsewhere = Message("+8613800138000", "", "常德人社", codes[text.id, text.version].code)
    assert isinstance(sender.hand_over("elsewhere", [elsewhere])[0], Accepted)
    until(lambda: _differences(real) == {Kind.LOST_ANSWER: 1, Kind.THEIRS_ONLY: 1}, 10)


def test_three_notices_are_one_registered_text_on_the_handset(real: World, sandbox: Sandbox) -> None:
    """Though its answer was lost the receipt ends all three; the day's books miss one answer, not three."""
    text, name = "policy/retirement_age", {"name": "王*", "核验码": "000000"}
    for title in ("延迟退休", "认证帮办", "社保卡换发"):
        real.clock.advance(microseconds=1)
        real.take(klass=Class.NOTICE, template=text, personalisation=name, title=title, digest=True)
    sandbox.fault("aliyun_sms", "silent", times=1)

    def delivered() -> bool:
        run_lane(real.runtime, "sms.bulk")
        receipts.apply_due(real.runtime)
        real.clock.advance(seconds=0.5)
        return real.statuses() == {"delivered": 3}

    until(delivered, 10)
    assert _texts(sandbox, real) == [
        "【常德人社】您有3条人社通知：延迟退休、认证帮办、社保卡换发。详情请拨打12333咨询，拒收请回复R"
    ]
    assert sandbox.call("GET", "counts")["repeated"] == 0
    assert _differences(real) == {Kind.LOST_ANSWER: 1}
    with real.runtime.db.read() as tx:
        assert ledger.balanced(tx)


def _differences(world: World) -> dict[Kind, int]:
    today = world.runtime.clock().astimezone(CHINA).date()
    assert books.match(world.runtime, "aliyun_sms", today, anew=True)
    with world.runtime.db.read() as tx:
        (row,) = books.of_day(tx, today)
    return dict(books.differences(row).numbers)
