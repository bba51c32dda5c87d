"""Fields with choices: what may be chosen now, and what is reserved once all is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.transactions import registry
from gateway.transactions.desk import Desk
from gateway.transactions.form import NOT_OFFERED
from gateway.transactions.model import Option, Words
from gateway.transactions.store import Transaction


def options(desk: Desk, transaction: Transaction, field: str) -> Sequence[Option] | None:
    """What a field may be answered with now; None for one that is filled in freely."""
    offered = registry.get(transaction.row.type).choices.get(field)
    return None if offered is None else offered(desk, transaction.case(desk.runtime.clock()))


def fitting(
    desk: Desk, transaction: Transaction, given: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Words]]:
    """The answers with those given put in, and what is wrong with those given.

    A choice depends on the fields before it: where one of them changes, a later
    choice that is not given anew is open again.
    """
    kind = registry.get(transaction.row.type)
    answers, wrong, changed = dict(transaction.answers), dict[str, Words](), False
    for name in kind.form().fields:
        if name in given:
            changed = changed or answers.get(name) != given[name]
            answers[name] = given[name]
        elif changed and name in kind.choices:
            answers.pop(name, None)
        offered = kind.choices.get(name) if name in given else None
        if offered is not None:
            values = {
                option.value for option in offered(desk, transaction.case(desk.runtime.clock(), answers))
            }
            if answers[name] not in values:
                case = transaction.case(desk.runtime.clock(), answers)
                wrong[name] = kind.gone(desk, case, name) or NOT_OFFERED
    return answers, wrong


def held(desk: Desk, transaction: Transaction) -> dict[str, Words]:
    """Reserve what is scarce for these answers; maps a field to what is wrong with its answer."""
    hold = registry.get(transaction.row.type).hold
    return {} if hold is None else dict(hold(desk, transaction.case(desk.runtime.clock())))
