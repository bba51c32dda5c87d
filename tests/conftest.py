"""Fixtures: a migrated database of each kind, a Runtime on it, and the servers tests need."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest
import structlog
from flask import Flask
from hypothesis import settings as hypothesis
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from structlog.dev import ConsoleRenderer, plain_traceback
from werkzeug.routing import Rule

from gateway import migrations
from gateway.config import Settings
from gateway.content import shipped
from gateway.db import Db
from gateway.instance.leash import tie
from gateway.instance.postgres import Postgres
from gateway.instance.scratch import scratch
from gateway.instance.supervisor import StartError
from gateway.runtime import Runtime
from gateway.security import Vault
from tests.databases import TEMPLATE, Databases, named
from tests.valkey import Valkey
from tests.world import START, Clock, Scripted, Wakes, World

MASTER_KEY = bytes(range(32))
hypothesis.register_profile("untimed", deadline=None)  # a busy machine breaks no rule
hypothesis.load_profile("untimed")


class Compiled(BytecodeCache):
    """Every application of a test process has its pages from here: to compile them costs more than a test."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if known := self._known.get(f"{bucket.key} {bucket.checksum}"):
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[f"{bucket.key} {bucket.checksum}"] = bucket.bytecode_to_string()


class Written(Rule):
    """A route whose address is written by what was compiled for its like in another application."""

    _known: ClassVar[dict[tuple[object, ...], Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        like = (self.rule, self.subdomain, self.host, str(self.defaults), append_unknown)
        if like not in self._known:
            self._known[like] = super()._compile_builder(append_unknown)
        return self._known[like]


def pytest_configure(config: pytest.Config) -> None:
    """One of several processes ends with the one that shares out the tests, however that ends."""
    if hasattr(config, "workerinput"):
        tie(os.getppid())
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    Flask.url_rule_class = Written
    *before, _ = structlog.get_config()["processors"]
    plain = ConsoleRenderer(exception_formatter=plain_traceback)  # the other one takes seconds for a fault
    structlog.configure(processors=[*before, plain])


def pytest_collection_finish() -> None:
    """What was imported stays: nothing of it need be looked at each time rubbish is collected."""
    gc.collect()
    gc.freeze()


def lacking(what: str) -> None:
    """Skip for want of a program, with its reason; where CI promised to have it, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


# --- databases -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with the shipped texts, copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _prepare(f"sqlite:///{path}")
    return path


def _prepare(url: str) -> None:
    db = Db(url)
    migrations.upgrade(db)
    with db.write() as tx:
        shipped.import_shipped(tx, START)
    db.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL of this machine's binaries, on a free port, run by somebody who is not root."""
    with scratch("huiyin-postgres-") as folder:  # pytest's own folder is root's alone
        try:
            server = Postgres(folder, durable=False)
        except StartError as error:
            lacking(str(error))
        with server:
            yield server.url()


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """A server with a migrated database to make each test's from."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    _prepare(_by_psycopg(named(postgres, TEMPLATE)))
    return postgres


@pytest.fixture(scope="session")
def postgres_databases(postgres_template: str) -> Databases:
    return Databases(postgres_template)


def _by_psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "huiyin.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database: every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """A migrated database of PostgreSQL, as new."""
    url = postgres_databases.take()
    yield _by_psycopg(url)
    postgres_databases.give_back(url)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A broker of this test's own."""
    server = Valkey(tmp_path)
    yield server
    server.kill()


# --- a Runtime -----------------------------------------------------------------------------


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Build a World on a database; its connections are closed at the end."""
    opened: list[World] = []

    def make(url: str) -> World:
        opened.append(build_world(tmp_path, url))
        return opened[-1]

    yield make
    for world in opened:
        world.runtime.db.close()


def build_world(state: Path, url: str) -> World:
    clock, wakes, provider = Clock(), Wakes(), Scripted()
    runtime = Runtime(
        settings=settings(state, url),
        db=Db(url),
        vault=Vault(MASTER_KEY),
        providers={provider.name: provider},
        wake=wakes,
        clock=clock,
    )
    return World(runtime, clock, wakes, provider)


def settings(state: Path, url: str) -> Settings:
    return Settings(
        state=state,
        database_url=url,
        broker_url="",
        public_url="http://127.0.0.1:12333",
        city="changde",
        demo=True,
        providers={"sms": {"scripted": 1}, "voice": {}, "email": {}},
        sandbox_url="",
        trusted_proxies=0,
        lease=30.0,
        reconcile_after=10.0,
        master_key=MASTER_KEY,
        callback_secret="callback-secret",
        environment={},
        webhooks_private=(ip_network("127.0.0.0/8"),),
    )


@pytest.fixture
def world(database_url: str, make_world: Callable[[str], World]) -> World:
    """A World on each kind of database."""
    return make_world(database_url)


@pytest.fixture
def sqlite_world(sqlite_url: str, make_world: Callable[[str], World]) -> World:
    """A World on SQLite alone, for rules in which the database plays no part."""
    return make_world(sqlite_url)
