"""The start of a transaction and its questions, one on each page, made from the form's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow.fields import Field
from sqlalchemy import Connection

from gateway.runtime import Runtime
from gateway.security import mask_name
from gateway.transactions import choices, engine, helping, levels, proving
from gateway.transactions.desk import Desk
from gateway.transactions.engine import Result
from gateway.transactions.form import fields_of
from gateway.transactions.identity import Sent, TooSoon
from gateway.transactions.levels import Factor
from gateway.transactions.model import OPEN, Level, Option, State, TransactionType, Words
from gateway.transactions.store import Transaction
from gateway.web import device, inputs, steps, told, visit
from gateway.web.page import rules_of_today

FACE = "web"
AGAIN_AT = "again_at"  # epoch seconds from when a new code may be asked for
TYPED = "typed"  # the transaction whose answers were typed in this visit
NARROWING = 2  # choices offered to be changed where the next has nothing that suits
SAME, RELATIVE = "same", "relative"  # for whom a transaction is begun; else for anybody
NOT_CHOSEN = Words("请先选一项，再按下一步。", "Choose one first, then continue.")


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/t/<name>`` and ``/t/<name>/<field>``."""

    @routes.get("/t/<name>")
    def start(name: str) -> ResponseReturnValue:
        kind = steps.offered(runtime, name)
        with runtime.db.read() as tx:
            return _start(tx, runtime, kind)

    @routes.post("/t/<name>")
    def begin(name: str) -> ResponseReturnValue:
        steps.offered(runtime, name)
        with runtime.db.write() as tx:
            begun = _begun(tx, runtime, name, request.form.get("who", ""))
        runtime.wake_all(begun.lanes)
        visit.put(visit.OWN, str(begun.transaction.id))
        visit.put(TYPED, str(begun.transaction.id))
        return steps.go(steps.onward(begun.transaction))

    @routes.get("/t/<name>/<field>")
    def ask(name: str, field: str) -> ResponseReturnValue:
        kind = _with_field(name, field)
        with runtime.db.read() as tx:
            transaction = visit.transaction(tx, runtime, kind=name)
            if not _may_answer(transaction, field):
                return steps.go(steps.onward(transaction))
            problem = told.problem_with(field)
            value = problem.given if problem else _shown_again(kind, transaction, field)
            error = problem.words if problem else None
            return _question(tx, runtime, transaction, field, value, error)

    @routes.post("/t/<name>/<field>")
    def answer(name: str, field: str) -> ResponseReturnValue:
        asked = fields_of(_with_field(name, field).form).get(field)
        given = request.form.get(field, "")[: inputs.taken(asked) if asked else inputs.LONGEST]
        with runtime.db.write() as tx:
            transaction = visit.transaction(tx, runtime, kind=name, change=True)
            if not _may_answer(transaction, field):
                return steps.go(steps.onward(transaction))
            result = _keep(tx, runtime, transaction, field, given)
            if next(iter(result.value), None) == field:
                return _question(tx, runtime, result.transaction, field, given, result.value[field])
        runtime.wake_all(result.lanes)
        if result.value:
            return steps.go(told.ask_anew(result.transaction, result.value, transaction.answers))
        return steps.go(steps.onward(result.transaction))


def _start(tx: Connection, runtime: Runtime, kind: TransactionType) -> str:
    """What it does and what to have at hand, before anything is asked."""
    under_way, known = _under_way(tx, runtime, kind.name), visit.carried(tx, runtime)
    rules = rules_of_today(runtime)
    return render_template(
        "start.html",
        kind=kind,
        effect=kind.effect(rules),
        onward=steps.onward(under_way) if under_way and under_way.answers else None,
        me=_shown_as(known) if known and _helps(kind) else None,
        level=proving.level_of(kind.name, rules),
    )


def _begun(tx: Connection, runtime: Runtime, name: str, who: str) -> Result[Mapping[str, Words]]:
    """A fresh draft for whom it is meant; where that leaves nothing to ask, its code goes out."""
    draft = _under_way(tx, runtime, name)
    if draft is None or draft.answers or draft.row.helped:
        draft = engine.open_draft(tx, runtime, name, FACE)
    return send(tx, runtime, _for(tx, runtime, draft, who))


def _for(tx: Connection, runtime: Runtime, draft: Transaction, who: str) -> Transaction:
    """A draft for whom it is meant: whoever was proven a moment ago, a relative, or anybody."""
    if who == RELATIVE:
        return engine.act_for(tx, runtime, draft, helped=True)
    known = visit.carried(tx, runtime) if who == SAME else None
    if known is None:
        return draft
    draft = proving.carry(tx, runtime, draft, known, levels.read(known.row.factors))
    if draft.row.factors:
        visit.proved(draft)
    return draft


def _helps(kind: TransactionType) -> bool:
    """Whether to know who asks spares them a question: where nobody need be known, only their number does."""
    fields = fields_of(kind.form).values()
    return kind.level is not Level.ANONYMOUS or any(field.metadata.get("registered") for field in fields)


def _shown_as(known: Transaction) -> Words:
    """Whom this visit knows, as it may stand on a page others can see."""
    name, number = mask_name(known.answers["name"]), known.answers["id_number"]
    return Words(f"{name}（身份证尾号{number[-4:]}）", f"{name} (ID number ending in {number[-4:]})")


def _with_field(name: str, field: str) -> TransactionType:
    kind = steps.kind(name)
    if field not in fields_of(kind.form) and field not in helping.FIELDS:
        abort(404)
    return kind


def _under_way(tx: Connection, runtime: Runtime, name: str) -> Transaction | None:
    """This visit's unfinished transaction of the type."""
    try:
        transaction = visit.transaction(tx, runtime, kind=name)
    except visit.NothingHere:
        return None
    return transaction if transaction.state in OPEN else None


def _may_answer(transaction: Transaction, field: str) -> bool:
    """Questions are open until the transaction is confirmed, in their order."""
    missing, asked = engine.unanswered(transaction), helping.fields(transaction)
    return transaction.state in OPEN and field in asked and field not in missing[1:]


def _shown_again(kind: TransactionType, transaction: Transaction, field: str) -> str:
    """An answer given before. What was typed is shown to whoever typed it: nobody else reads it here.

    Of a discreet matter neither what was chosen: a reference and four digits open a draft from it.
    """
    if helping.fields(transaction)[field].metadata.get("secret"):
        return ""
    if (kind.discreet or field not in kind.choices) and visit.get(TYPED) != str(transaction.id):
        return ""
    return transaction.answers.get(field, "")


def _keep(
    tx: Connection, runtime: Runtime, transaction: Transaction, field: str, given: str
) -> Result[Mapping[str, Words]]:
    """Keep one answer; the value is what is wrong, by field. After the last one a code goes out."""
    if not given and field in steps.kind(transaction.row.type).choices:
        return Result({field: NOT_CHOSEN}, transaction)
    answered = engine.answer(tx, runtime, transaction, {field: given})
    return answered if answered.value else send(tx, runtime, answered.transaction)


def send(tx: Connection, runtime: Runtime, transaction: Transaction) -> Result[Mapping[str, Words]]:
    """Send the code that comes next once everything is answered, unless it was sent.

    Remembers from when another may be asked for. The one to an e-mail address is only sent when asked for.
    """
    fresh = transaction.state is State.DRAFT or transaction.row.factors
    due = steps.may_prove(transaction, Factor.CODE) and fresh
    if not due and not steps.may_prove(transaction, Factor.NEW):
        return Result({}, transaction)
    sent = engine.send_code(tx, runtime, transaction, device.here(runtime))
    if isinstance(sent.value, Sent | TooSoon):
        visit.put(AGAIN_AT, int(sent.value.again_at.timestamp()))
    return Result({}, sent.transaction, sent.lanes)


def _question(
    tx: Connection, runtime: Runtime, transaction: Transaction, name: str, value: str, error: Words | None
) -> ResponseReturnValue:
    kind, desk = steps.kind(transaction.row.type), Desk(tx, runtime)
    field = helping.fields(transaction)[name]
    options = choices.options(desk, transaction, name, value if error else None)
    nothing_now = options is not None and all(option.waits for option in options)
    stuck = nothing_now or (error is not None and error is not NOT_CHOSEN)
    return render_template(
        "question.html" if options is None else "choose.html",
        kind=kind,
        name=name,
        asked=helping.asked(transaction, name),
        attributes=inputs.attributes(field),
        options=options,
        none_left=choices.none_left(desk, transaction, name) if options == [] else None,
        others=_chosen_before(kind, name) if stuck else [],
        value=value,
        error=error,
        near=_near(field, value) if error else [],
        step=steps.question(transaction, name),
        returned=steps.sent_back(runtime, transaction),
        back=steps.before(transaction, name),
        myself=transaction.row.helped and name in helping.WHO and not helping.child(transaction),
    ), (422 if error else 200)


def _near(field: Field[object], given: str) -> Sequence[Option]:
    """What an answer that is none may mean, to be picked from."""
    near = field.metadata.get("near")
    return near(given) if near else []


def _chosen_before(kind: TransactionType, name: str) -> list[tuple[str, Words]]:
    """The choices that narrowed this one down, nearest first: changing one opens others."""
    fields = fields_of(kind.form)
    earlier = list(fields)[: list(fields).index(name)]
    others = [(name, fields[name].metadata["label"]) for name in reversed(earlier) if name in kind.choices]
    return others[:NARROWING]
