"""The books: the audit chain's last rows, and, when asked, whether chain and ledger hold to the last row."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from gateway import audit
from gateway.delivery import ledger
from gateway.delivery.ledger import Account
from gateway.ops import page
from gateway.runtime import Runtime

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """``broken`` is the first audit row that does not follow, if any; ``differences`` rows minus entries."""

    broken: int | None
    differences: int


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/audit``."""

    @routes.get("/audit")
    def audit_rows() -> ResponseReturnValue:
        with runtime.db.read() as tx:
            return _page(tx, runtime, None)

    @routes.post("/audit")
    def audit_check() -> ResponseReturnValue:
        """Read every row of both books; it takes as long as they are."""
        with runtime.db.read() as tx:
            wrong = sum(abs(number) for number in ledger.differences(tx).values())
            return _page(tx, runtime, Checked(audit.broken(tx, runtime.vault), wrong))


def _page(tx: Connection, runtime: Runtime, checked: Checked | None) -> ResponseReturnValue:
    columns, where = audit.audit.c, page.zone(runtime)
    rows = tx.execute(select(audit.audit).order_by(columns.number.desc()).limit(SHOWN)).all()
    accounts: list[Account] = ledger.accounts(tx)
    return render_template(
        "ops/audit.html",
        rows=[
            (row.number, page.date_time(row.at, where), row.actor, row.action, row.subject) for row in rows
        ],
        accounts=accounts,
        checked=checked,
        shown=SHOWN,
    )
