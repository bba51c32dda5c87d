"""A token to try the API with by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway import runtime
from gateway.cli import main
from gateway.services import auth, store
from gateway.services.auth import Caller
from tests.world import World


def token(state: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--state", str(state), "token", *words])


def test_a_token_lets_its_key_in(
    sqlite_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the key in the environment, else of the running instance's; never as an argument."""
    world, now = sqlite_world, runtime.system_clock()
    with world.runtime.db.write() as tx:
        service = store.ensure_service(tx, "counter", now)
        keys = [store.create_key(tx, world.runtime.vault, service, name, now) for name in ("a", "b")]
        account = store.account(tx, world.runtime.vault, service)
    (tmp_path / "ready.json").write_text(json.dumps({"api_key": keys[0]}))
    made = [token(tmp_path).output.strip()]
    monkeypatch.setenv("HUIYIN_API_KEY", keys[1])
    made.append(json.loads(token(tmp_path, "--json").output)["token"])
    callers = [auth.authenticate(lambda _: account, f"Bearer {one}", now) for one in made]
    assert all(isinstance(one, Caller) for one in callers), callers
    assert len({one.key.id for one in callers if isinstance(one, Caller)}) == 2


def test_without_a_key_it_says_what_to_do(tmp_path: Path) -> None:
    done = token(tmp_path / "state")
    assert (done.exit_code, "python3 run.py" in done.output) == (2, True)
