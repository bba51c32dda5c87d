"""``books`` and ``tidy``: what the nightly jobs found and forgot, told and done again at a terminal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from gateway import audit, config, runtime
from gateway.delivery import books
from gateway.delivery.attempt import run_lane
from gateway.notifications import store
from gateway.notifications.request import Class, Request
from gateway.notifications.store import notifications
from gateway.runtime import Runtime
from tests.flows.shell import Shell


@pytest.fixture(autouse=True)
def console(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its messages go to the console."""
    monkeypatch.setenv("SMS_PROVIDERS", "console")
    monkeypatch.setenv("CONSOLE_OUTPUT", str(run.state.parent / "sent"))


@pytest.fixture
def here(run: Shell, console: None) -> Runtime:
    """Three messages went out, and one row vanished since."""
    here = runtime.build(config.load(state=run.state), wake=lambda _lane: None)
    asked = Request(None, "sms", Class.NOTICE, "card_loss/failed", "zh-CN", {}, address="+8613800138000")
    with here.db.write() as tx:
        store.take(tx, here, [asked] * 3)
    run_lane(here, "sms.bulk")
    with here.db.write() as tx:
        key = tx.execute(select(notifications.c.id).limit(1)).scalar_one()
        tx.execute(delete(notifications).where(notifications.c.id == key))
    return here


def _actions(here: Runtime) -> list[str]:
    with here.db.read() as tx:
        return list(tx.execute(select(audit.audit.c.action).order_by(audit.audit.c.number)).scalars())


def test_nothing_was_matched_yet(run: Shell) -> None:
    """And that is said."""
    assert run.json("books") == {"day": None, "books": []}
    assert "done at night" in run("books").stdout
    assert "Say which day" in run("books", "--run").stderr


def test_the_differences_of_a_day_are_told_in_words_and_as_json(run: Shell, here: Runtime) -> None:
    """Matching anew is on record, reading is not."""
    row = run.json("books", "--day", "2026-11-27", "--run")["books"][0]
    assert (row["provider"], row["zone"], row["difference"]) == (books.LEDGER, "UTC", 1)
    [told] = row["differences"]
    assert (told["kind"], told["number"], len(told["some"])) == ("ours_only", 1, 1)
    assert told["some"][0].startswith("sms.bulk ")
    assert row["words"] == ["1 they took, as they said, and do not have"]
    said = run("books").stdout
    assert "2026-11-27 UTC    ledger         1 differ\n" in said
    assert f"do not have: {told['some'][0]}" in said
    assert _actions(here)[-1] == "books.run"
    assert _actions(here).count("books.run") == 1


def test_what_is_due_is_counted_and_then_forgotten(run: Shell, here: Runtime) -> None:
    """A dry run forgets nothing; forgetting is on record."""
    with here.db.write() as tx:
        long_ago = here.clock() - timedelta(days=31)
        tx.execute(update(notifications).values(created_at=long_ago, expires_at=long_ago))
    dry = {one["walk"]: one for one in run.json("tidy", "--dry-run")["tidied"]}
    assert (dry["notice"]["due"], dry["notice"]["forgotten_now"], dry["result"]["due"]) == (2, 0, 0)
    done = {one["walk"]: one for one in run.json("tidy")["tidied"]}
    assert (done["notice"]["due"], done["notice"]["forgotten_now"], done["notice"]["forgotten"]) == (0, 2, 2)
    assert "what notices said" in run("tidy", "--dry-run").stdout
    assert _actions(here).count("tidy") == 1
