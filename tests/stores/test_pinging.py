"""Connections that died while nobody used them, on PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from gateway import pinging
from gateway.db import Db


def test_a_connection_that_died_while_idle_is_replaced_before_it_is_used(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes next, after a restart of the database, notices nothing."""
    monkeypatch.setattr(pinging, "MOMENT", 0.0)
    db = Db(postgres_url)
    with db.write() as tx:
        old = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", (old,)).fetchone() == (True,)
    with db.write() as tx:
        assert tx.execute(text("SELECT pg_backend_pid()")).scalar_one() != old
    db.close()


def test_a_connection_used_a_moment_ago_is_not_asked(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that nobody used for longer is."""
    db, asked = Db(postgres_url), list[object]()
    monkeypatch.setattr(db.engine.dialect, "do_ping", asked.append)
    for moment, times in ((3_600.0, 0), (0.0, 1)):
        with db.write():
            pass
        monkeypatch.setattr(pinging, "MOMENT", moment)
        with db.write():
            pass
        monkeypatch.setattr(pinging, "MOMENT", 3_600.0)
        assert len(asked) == times
    db.close()
