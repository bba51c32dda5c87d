"""Fixtures for whole flows through a door."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway import config, runtime
from gateway.app import create_app
from gateway.demo.city import Person
from gateway.runtime import Runtime
from tests.flows.citizen import Browser, Desk
from tests.flows.shell import Shell
from tests.world import World


@pytest.fixture
def desk(sqlite_world: World) -> Desk:
    """The card system of this world."""
    desk = Desk()
    sqlite_world.runtime._back_offices["card_core"] = desk
    return desk


@pytest.fixture
def open_browser(sqlite_world: World, desk: Desk) -> Callable[[], Browser]:
    """Browsers at one application; three people are registered."""
    sqlite_world.settle(3)
    app = create_app(sqlite_world.runtime)
    return lambda: Browser(sqlite_world, app)


@pytest.fixture
def browser(open_browser: Callable[[], Browser]) -> Browser:
    return open_browser()


@pytest.fixture
def person(sqlite_world: World, browser: Browser) -> Person:
    """徐冬桃, born 1953."""
    return sqlite_world.people[2]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The command where nothing is set and there is no database yet."""
    monkeypatch.chdir(tmp_path)
    for name in config.DEPLOYMENT:
        monkeypatch.delenv(name, raising=False)
    return Shell(tmp_path / "state")


@pytest.fixture
def run(shell: Shell, sqlite_template: Path) -> Shell:
    """The command on a migrated database of its own."""
    shell.state.mkdir(mode=0o700)
    shutil.copy(sqlite_template, shell.state / "huiyin.db")
    return shell


@pytest.fixture
def books(run: Shell) -> Iterator[Runtime]:
    """The same database, to look into."""
    here = runtime.build(config.load({}, run.state), wake=lambda _lane: None, sending=False)
    yield here
    here.db.close()
