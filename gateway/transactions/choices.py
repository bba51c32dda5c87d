"""Fields with choices: what may be chosen now, and what is reserved once all is chosen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from gateway.transactions import registry
from gateway.transactions.desk import Desk
from gateway.transactions.form import NOT_ASKED, NOT_OFFERED, Who, asks, fields_of
from gateway.transactions.model import Case, Option, Words
from gateway.transactions.store import Transaction

WHO = frozenset(Who().fields)
NOTHING = Words("现在没有可以选的。", "There is nothing to choose from just now.")


def options(
    desk: Desk, transaction: Transaction, field: str, given: str | None = None
) -> Sequence[Option] | None:
    """What a field may be answered with now; None for one that is filled in freely.

    ``given`` is an answer that was refused: a type may then put first what is nearest to it.
    """
    answers = {**transaction.answers, field: given} if given else None
    return offered(desk, transaction.row.type, transaction.case(desk.runtime.clock(), answers), field)


def offered(desk: Desk, type_name: str, case: Case, field: str) -> Sequence[Option] | None:
    """The same for answers that are no transaction yet."""
    choice = registry.get(type_name).choices.get(field)
    return None if choice is None else choice(desk, case)


def fitting(
    desk: Desk, transaction: Transaction, given: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, Words]]:
    """The answers with those given put in, and what is wrong with those given.

    A choice depends on the fields before it, but not on who asks: where one of them
    changes, a later choice that is not given anew is open again. The answer to a field
    that is no longer asked for is dropped.
    """
    kind = registry.get(transaction.row.type)
    answers, wrong, changed = dict(transaction.answers), dict[str, Words](), False
    before: dict[str, str] = {}
    in_doubt = _in_doubt(desk, transaction, given)
    for name, field in fields_of(kind.form).items():
        if not asks(field, before):
            answers.pop(name, None)
            wrong |= {name: NOT_ASKED} if name in given else {}
            continue
        if name in given:
            changed = changed or (name not in WHO and answers.get(name) != given[name])
            answers[name] = given[name]
        elif changed and name in kind.choices:
            answers.pop(name, None)
        if name in given and name in in_doubt:
            wrong |= _unfit(desk, transaction.row.type, transaction.case(desk.runtime.clock(), answers), name)
        before |= {name: answers[name]} if name in answers else {}
    return _together(kind.check(transaction.case(desk.runtime.clock(), answers)), answers, given, wrong)


def _in_doubt(desk: Desk, transaction: Transaction, given: Mapping[str, str]) -> Collection[str]:
    """The choices to look up one by one: none where one glance tells that all can be had."""
    kind = registry.get(transaction.row.type)
    if not kind.glance or kind.choices.keys().isdisjoint(given):
        return kind.choices
    case = transaction.case(desk.runtime.clock(), {**transaction.answers, **given})
    return () if kind.glance(desk, case) == {} else kind.choices


def _together(
    apart: Mapping[str, Words], answers: dict[str, str], given: Mapping[str, str], wrong: dict[str, Words]
) -> tuple[dict[str, str], dict[str, Words]]:
    """What does not go with the others is wrong where it is given now; given before, it is open again."""
    said = {name: words for name, words in apart.items() if name in given}
    kept = {name: value for name, value in answers.items() if name in given or name not in apart}
    return kept, {**said, **wrong}


def _unfit(desk: Desk, type_name: str, case: Case, name: str) -> dict[str, Words]:
    kind = registry.get(type_name)
    if case.answers[name] in {option.value for option in kind.choices[name](desk, case)}:
        return {}
    return {name: kind.gone(desk, case, name) or NOT_OFFERED}


def none_left(desk: Desk, transaction: Transaction, field: str) -> Words:
    """What to say where a field has nothing to choose from."""
    case = transaction.case(desk.runtime.clock())
    return registry.get(transaction.row.type).gone(desk, case, field) or NOTHING


def held(desk: Desk, transaction: Transaction) -> dict[str, Words]:
    """Reserve what is scarce for these answers; maps a field to what is wrong with its answer."""
    hold = registry.get(transaction.row.type).hold
    return {} if hold is None else dict(hold(desk, transaction.case(desk.runtime.clock())))


def held_until(desk: Desk, transaction: Transaction) -> datetime | None:
    """Until when that is reserved, a moment that has come where it has run out; None where nothing is."""
    until = registry.get(transaction.row.type).held_until
    return until(desk, transaction.case(desk.runtime.clock())) if until else None
