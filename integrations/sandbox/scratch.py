"""A private database on disk that goes with the process: exact counts over millions with flat memory."""

from __future__ import annotations

import sqlite3


def open_scratch() -> sqlite3.Connection:
    """An unnamed SQLite database in one transaction that never ends: nothing here needs to last."""
    scratch = sqlite3.connect("", isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32768", "locking_mode=EXCLUSIVE"):
        scratch.execute(f"PRAGMA {pragma}")
    scratch.execute("BEGIN")
    return scratch


def key_of(*parts: object) -> int:
    """A 60-bit key, half as large as 64 bits would be; two of a million meet once in a million runs."""
    return hash(parts) >> 4
