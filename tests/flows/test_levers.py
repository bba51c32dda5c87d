"""The levers of the command line: names are checked, everything is on record."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from gateway import audit
from gateway.cli.command import actor
from gateway.delivery.ledger import balanced
from gateway.delivery.store import attempts
from gateway.notifications.request import Class, Request
from gateway.notifications.status import Status
from gateway.notifications.store import move, moved, notifications, take
from gateway.runtime import Runtime
from tests.flows.shell import Shell

KEYS = tuple(
    f"ALIYUN_{name}" for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SMS_SIGN_NAME", "CALLBACK_NETWORKS")
)


@pytest.fixture(autouse=True)
def one_provider(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings name one."""
    for name in KEYS:
        monkeypatch.setenv(name, "127.0.0.1" if "NETWORKS" in name else "none")


def actions(books: Runtime) -> list[tuple[str, str, str]]:
    with books.db.read() as tx:
        rows = tx.execute(select(audit.audit).order_by(audit.audit.c.number)).all()
    return [(row.actor, row.action, row.subject) for row in rows]


def kill(books: Runtime, count: int) -> None:
    """Messages that failed for good."""
    with books.db.write() as tx:
        asked = Request(None, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {}, address="+8613900000001")
        take(tx, books, [asked] * count)
        now = books.clock()
        rows = tx.execute(select(notifications)).all()
        move(tx, [moved(row, Status.FAILED, None, "isv.BLACK_LIST") for row in rows], now)


@pytest.mark.parametrize(("kind", "name"), [("lane", "sms.bulk"), ("provider", "aliyun_sms")])
def test_a_lever_is_pulled_once_and_recorded(kind: str, name: str, run: Shell, books: Runtime) -> None:
    assert run.json("pause", kind, name)["changed"]
    assert not run.json("pause", kind, name)["changed"]
    assert f"The {kind} {name} is running." in run("resume", kind, name).output
    assert actions(books) == [(actor(), f"{kind}.pause", name), (actor(), f"{kind}.resume", name)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pause", "lane", "sms.fast"], "There are: sms.urgent, sms.normal, sms.bulk"),
        (["resume", "provider", "aliyun"], "There are: aliyun_sms"),
        (["pause", "broadcast", "spring"], "There is no broadcast called 'spring'. There are: none"),
        (["pause", "city", "x"], "'city' is not one of 'lane', 'provider', 'broadcast'"),
        (["dead", "--replay", "failed/result/sms/x"], "Say --dry-run to count first, then --yes"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(words: list[str], said: str, run: Shell) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_cause_that_is_none_is_said_so(run: Shell) -> None:
    assert "is no cause" in run("dead", "--replay", "isv.BLACK_LIST", "--dry-run").stderr


def test_dead_letters_are_listed_counted_and_replayed(run: Shell, books: Runtime) -> None:
    """The dry run changes nothing; what was replayed is not listed again."""
    assert "No dead letters." in run("dead").output
    kill(books, 3)
    [group] = run.json("dead")["dead"]
    cause = "failed/result/sms/isv.BLACK_LIST"
    assert (group["cause"], group["number"]) == (cause, 3)
    plan = run.json("dead", "--replay", cause, "--dry-run")
    assert (plan["fresh"], plan["again"], plan["late"], plan["would_get_a_second"]) == (3, 0, 0, [])
    assert run.json("dead")["dead"] == [group]
    assert "3 taken anew." in run("dead", "--replay", cause, "--yes").output
    assert run.json("dead")["dead"] == []
    assert actions(books) == [(actor(), "dead.replay", cause), (actor(), "dead.replayed", f"3 {cause}")]


def test_a_dry_run_says_who_would_get_a_second_message(run: Shell, books: Runtime) -> None:
    """Masked, with what it is about; the first twenty, and how many more."""
    kill(books, 22)
    with books.db.write() as tx:
        keys = tx.execute(select(notifications.c.id)).scalars().all()
        lost = {"provider": "aliyun_sms", "address_index": bytes(16), "lease": 1, "started_at": books.clock()}
        tx.execute(
            insert(attempts),
            [{"notification_id": key, "handover": str(n), **lost} for n, key in enumerate(keys)],
        )
    cause = "failed/result/sms/isv.BLACK_LIST"
    plan = run.json("dead", "--replay", cause, "--dry-run")
    assert (plan["again"], len(plan["would_get_a_second"])) == (22, 20)
    assert {one["address"] for one in plan["would_get_a_second"]} == {"139****0001"}
    said = run("dead", "--replay", cause, "--dry-run").output
    assert "139****0001" in said
    assert "13900000001" not in said
    assert "and 2 more" in said


def test_a_message_is_withdrawn_once_and_on_record(run: Shell, books: Runtime) -> None:
    """What waits goes out no more; what is over stays as it is."""
    with books.db.write() as tx:
        asked = Request(None, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {}, address="+8613900000001")
        take(tx, books, [asked])
        key = str(tx.execute(select(notifications.c.id)).scalar_one())
    assert run.json("cancel", "notification", key)["withdrawn"] == 1
    assert "1 are with a provider or ended" in run("cancel", "notification", key).output
    with books.db.read() as tx:
        row = tx.execute(select(notifications)).one()
        assert balanced(tx)
    assert (row.status, row.reason, row.due_at) == ("cancelled", "operator_cancelled", None)
    assert actions(books) == [(actor(), "notification.cancel", key)] * 2


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("notification", "spring", "There is no message of the notification 'spring'"),
        ("reference", "12345678901234", "There is no message of the reference '12345678901234'"),
        ("broadcast", "spring", "There is no broadcast called 'spring'"),
    ],
)
def test_what_there_is_not_cannot_be_cancelled(kind: str, name: str, said: str, run: Shell) -> None:
    result = run("cancel", kind, name)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
