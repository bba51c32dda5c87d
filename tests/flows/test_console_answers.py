"""What the console shows of a broadcast that asks."""

from __future__ import annotations

from gateway.app import create_app
from gateway.broadcasts import definition as definitions
from gateway.broadcasts import store
from gateway.broadcasts.expand import run_due
from gateway.cities import shipped
from gateway.notifications.questions import questions
from tests.flows.operator import Operator, employ
from tests.world import World

ASKS = {"kind": "auth_help", "choices": [["1", "能自己办"], ["2", "需要帮助"]]}


def test_the_console_counts_answers_and_says_how_to_list_them(sqlite_world: World) -> None:
    """Each choice with its word; the command names the broadcast."""
    world = sqlite_world
    world.settle(3)
    employ(world)
    keys = {"template": "policy/auth_help", "audience": {}, "asks": ASKS}
    definition = definitions.read(keys, shipped()["changde"].rules_now(world.clock()), world.clock())
    with world.runtime.db.write() as tx:
        key = store.create(tx, world.runtime, definition, "test", counted=3)
        store.act(tx, world.runtime, key, store.START, "test")
    run_due(world.runtime)
    operator = Operator(create_app(world.runtime))
    operator.sign_in()
    page = operator.get("/ops/broadcasts")
    assert "answered 0 · 1 能自己办 0 · 2 需要帮助 0" in page
    assert "broadcast answers" not in page
    with world.runtime.db.write() as tx:
        tx.execute(questions.update().values(answer="2", answered_at=world.clock()))
    page = operator.get("/ops/broadcasts")
    assert "answered 3 · 1 能自己办 0 · 2 需要帮助 3" in page
    assert f"python3 run.py broadcast answers {key}" in page
