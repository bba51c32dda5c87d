"""Many rows in one statement: the same on both databases, whatever stands in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from gateway.db import uuid7
from gateway.delivery.store import attempts
from gateway.rows import insert_many, one_of, update_each
from tests.world import START, World

KEYS = sorted((uuid7() for _ in range(3)), key=lambda key: key.int)
COLUMNS = ("outcome", "code", "provider_ref", "cause", "receipt", "finished_at")


def _insert(world: World, **more: Any) -> None:
    rows: dict[str, Any] = {
        "notification_id": KEYS,
        "handover": ["a", "b", "c"],
        "provider": ["scripted"] * 3,
        "address_index": [bytes([0, 34, 92, number] * 4) for number in range(3)],
        "lease": [1, 2, 2**61],
        "started_at": [START] * 3,
    }
    with world.runtime.db.write() as tx:
        insert_many(tx, attempts, rows | more)


def _rows(world: World) -> list[Any]:
    with world.runtime.db.read() as tx:
        return list(tx.execute(select(attempts).order_by(attempts.c.notification_id)).all())


def test_what_is_inserted_by_column_reads_back_by_row(world: World) -> None:
    """Bytes that mean something in SQL, large numbers, aware times, and columns that are alike."""
    _insert(world, code=["quote ' \" \\ {", None, "中文"])
    found = _rows(world)
    assert [row.notification_id for row in found] == KEYS
    assert [(row.lease, row.code) for row in found] == [(1, "quote ' \" \\ {"), (2, None), (2**61, "中文")]
    assert found[2].address_index == bytes([0, 34, 92, 2] * 4)
    assert {row.started_at for row in found} == {START}


def test_rows_that_are_alike_throughout_are_as_many_as_given(world: World) -> None:
    """A single row, whose every column is alike, is still one row."""
    row: dict[str, Any] = {
        "notification_id": KEYS[:1],
        "handover": ["a"],
        "provider": ["x"],
        "address_index": [b"i" * 16],
    }
    with world.runtime.db.write() as tx:
        insert_many(tx, attempts, row | {"lease": [1], "started_at": [START]})
    assert [found.provider for found in _rows(world)] == ["x"]


def test_each_row_gets_its_own_values(world: World) -> None:
    """A value of None is written, but not where the column is to be kept."""
    _insert(world, code=["old"] * 3, cause=["away"] * 3)
    later = START + timedelta(seconds=1, microseconds=1)
    values: dict[str, list[Any]] = {
        "outcome": ["accepted", "rejected", "accepted"],
        "code": [None, "E1", None],
        "cause": [None, "content", None],
        "provider_ref": ["r1", None, "r3"],
        "finished_at": [later] * 3,
    }
    with world.runtime.db.write() as tx:
        keys: dict[str, list[Any]] = {"notification_id": KEYS, "handover": ["a", "b", "other"]}
        assert update_each(tx, attempts, keys, values, keep=("cause",)) == 2
    found = [tuple(getattr(row, name) for name in COLUMNS) for row in _rows(world)]
    assert found == [
        ("accepted", None, "r1", "away", None, later),
        ("rejected", "E1", None, "content", None, later),
        (None, "old", None, "away", None, None),  # no such row: nothing changed
    ]


def test_a_column_that_is_set_already_keeps_its_row_as_it_is(world: World) -> None:
    """Who comes second sees by the number that somebody was first."""
    _insert(world, receipt=["delivered", None, None])
    keys: dict[str, list[Any]] = {"notification_id": KEYS, "handover": ["a", "b", "c"]}
    values: dict[str, list[Any]] = {"receipt": ["undelivered"] * 3, "receipt_code": [None] * 3}
    with world.runtime.db.write() as tx:
        assert update_each(tx, attempts, keys, values, keep=("receipt_code",), unset="receipt") == 2
    assert [row.receipt for row in _rows(world)] == ["delivered", "undelivered", "undelivered"]


def test_one_of_finds_those_named_and_no_other(world: World) -> None:
    """By ids, words and bytes; of none named, none."""
    _insert(world)
    with world.runtime.db.read() as tx:

        def found(column: Any, values: list[Any]) -> list[Any]:
            query = select(column).where(one_of(tx, column, values))
            return sorted(tx.execute(query.order_by(column)).scalars())

        assert found(attempts.c.notification_id, KEYS[:2]) == KEYS[:2]
        assert found(attempts.c.handover, ["c", "z"]) == ["c"]
        assert found(attempts.c.address_index, [bytes([0, 34, 92, 1] * 4)]) == [bytes([0, 34, 92, 1] * 4)]
        assert found(attempts.c.handover, []) == []
