"""How satisfied people are with what was done: five grades, given once for each transaction.

On the web and by the API each grade is an action of its type, on the telephone three of them are, and a
text message asks for the same three. A bad grade is answered: somebody calls back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Column, Connection, Integer, String, Table, Uuid

from gateway.db import Utc, metadata, upsert
from gateway.notifications.asks import Asks
from gateway.runtime import Runtime
from gateway.transactions import call_backs, outcome, registry, store
from gateway.transactions.desk import Desk
from gateway.transactions.model import Action, Case, Changed, View, Words
from gateway.transactions.store import Transaction

GRADES: Mapping[int, Words] = {
    5: Words("非常满意", "Very satisfied"),
    4: Words("满意", "Satisfied"),
    3: Words("基本满意", "Satisfied on the whole"),
    2: Words("不满意", "Not satisfied"),
    1: Words("非常不满意", "Not satisfied at all"),
}
KEYED = {5: Words("满意", "Satisfied"), 3: GRADES[3], 1: Words("不满意", "Not satisfied")}
BY_DIGIT = {"1": 5, "2": 3, "3": 1}  # what people reply
SATISFIED = 3  # from here on
BAD = 2  # up to here somebody calls
FACT = "grade"
ASKS = Asks("evaluation", (("1", "满意"), ("2", "基本满意"), ("3", "不满意")))

evaluations = Table(
    "evaluations",
    metadata,
    Column("transaction_id", Uuid, primary_key=True),
    Column("grade", Integer, nullable=False),  # 5 (very satisfied) to 1
    Column("face", String(8), nullable=False),  # web, phone, api, sms
    Column("at", Utc, nullable=False, index=True),
)
May = Callable[[View, datetime], Words | None]


def actions(may: May) -> Mapping[str, Action]:
    """The grades as actions of a type; ``may`` tells why not now, beside having been given before."""
    return {_name(grade): _action(grade, may) for grade in GRADES}


def _name(grade: int) -> str:
    return f"grade_{grade}"


def _action(grade: int, may: May) -> Action:
    return Action(
        GRADES[grade],
        partial(_refusal, may),
        act=partial(_act, grade),
        done=lambda view: view.facts.get(FACT) == str(grade),
        grade=grade,
        keyed=grade in KEYED,
        aloud=KEYED.get(grade),
    )


GIVEN = Words("您已经评价过了，谢谢。", "You have told us already; thank you.")


def _refusal(may: May, view: View, now: datetime) -> Words | None:
    return GIVEN if view.facts.get(FACT) else may(view, now)


def _act(grade: int, desk: Desk, case: Case) -> Changed | Words:
    return give(desk, store.load(desk.tx, desk.runtime, case.id, hold=True), grade)


def give(desk: Desk, transaction: Transaction, grade: int) -> Changed | Words:
    """Keep a grade and ask for the call a bad one is owed; what to change of the transaction, or why not.

    The caller holds the row and makes the move. ``ValueError`` for what is no grade.
    """
    if grade not in GRADES:
        raise ValueError(f"{grade} is no grade: they are {min(GRADES)} to {max(GRADES)}")
    tx, runtime, row = desk.tx, desk.runtime, transaction.row
    given = {"transaction_id": row.id, "grade": grade, "face": desk.face, "at": runtime.clock()}
    statement = upsert(tx, evaluations).values(**given).on_conflict_do_nothing()
    if tx.execute(statement.returning(evaluations.c.grade)).first() is None:
        return GIVEN
    if grade <= BAD and row.citizen_id:
        call_backs.ask(tx, runtime, row.id, row.citizen_id, call_backs.RETURN_VISIT)
    looks = registry.get(row.type).follow is not None  # and carries the grade to the back office
    facts = {**transaction.facts, FACT: str(grade)}
    return Changed(row.stage, facts, again_at=runtime.clock() if looks else row.due_at)


def reply(tx: Connection, runtime: Runtime, key: UUID, digit: str) -> set[str]:
    """What somebody answered to ``ASKS``; given before, or no longer fitting, it changes nothing."""
    transaction = store.load(tx, runtime, key, hold=True)
    grade, now = BY_DIGIT[digit], runtime.clock()
    action = registry.get(transaction.row.type).actions.get(_name(grade))
    if action is None or action.refusal(transaction.view(now), now):
        return set()
    changed = give(Desk(tx, runtime, "sms"), transaction, grade)
    if isinstance(changed, Words):
        return set()
    return outcome.move(tx, runtime, transaction, changed, _name(grade))
