"""How PostgreSQL is to plan what workers ask: what it knows of a table may be old, or hardly anything."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

PLANNED_ANEW = "planned_anew"
"""An execution option for joins of arrays with a table that may have been empty when they were planned first.

Their plan would go on reading the table whole for each value, until somebody counts its rows.
"""
BY_INDEX = (
    "enable_seqscan = off",
    "enable_bitmapscan = off",  # to gather a list and sort it is to read it whole for each page
    "random_page_cost = 1.1",
    "jit = off",  # what is read whole after all counts as dear, and would be compiled each time
)


def look_up_by_index(engine: Engine) -> None:
    """For those who work on few rows of large tables, again and again."""

    def settle(connection: Any, _record: object) -> None:
        for setting in BY_INDEX:
            connection.execute(f"SET {setting}")
        connection.commit()

    event.listen(engine, "connect", settle)


def plan_anew(engine: Engine) -> None:
    """Plan a statement marked ``PLANNED_ANEW`` each time; the driver prepares any other that recurs."""

    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        if PLANNED_ANEW not in context.execution_options:
            return False
        cursor.execute(statement, parameters, prepare=False)
        return True

    event.listen(engine, "do_execute", execute)
