"""Fixtures for whole flows through a door."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.app import create_app
from gateway.demo.city import Person
from tests.flows.citizen import Browser, Desk
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
