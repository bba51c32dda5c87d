"""How transactions and their types are shown to systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from gateway.notifications import store as notifications
from gateway.notifications.notify_words import stamp as stamp
from gateway.rules.model import Rules
from gateway.runtime import Runtime
from gateway.transactions import afterwards, engine, helping, proving, registry, store
from gateway.transactions.form import example, fields_of
from gateway.transactions.headlines import headline
from gateway.transactions.levels import Factor
from gateway.transactions.model import OPEN, Level, Option, State, TransactionType, Words
from gateway.transactions.store import Transaction


def both(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


# --- a transaction -------------------------------------------------------------------------


def transaction(tx: Connection, runtime: Runtime, it: Transaction) -> dict[str, Any]:
    """A transaction as it stands."""
    now = runtime.clock()
    view = it.view(now)
    kind = registry.get(view.type)
    sentences = kind.explain(view)
    missing = engine.unanswered(it) if it.state in OPEN else []
    proofs = sorted(proving.possible(tx, runtime, it)) if it.state in OPEN else []
    return {
        "reference": view.reference,
        "type": view.type,
        "state": view.state,
        "stage": view.stage,
        "reason": view.reason,
        "facts": dict(view.facts),
        "headline": both(headline(kind, view).words),
        "explanation": {"zh": [words.zh for words in sentences], "en": [words.en for words in sentences]},
        "missing": missing,
        "proof": it.row.proof,
        "proof_missing": proofs,
        "actions": list(afterwards.offered(runtime, view)),
        "next_step": _next_step(it, missing, proofs),
        "rules": {"city": view.rules.city, "version": view.rules.version},
        "created_at": stamp(view.created_at),
        "updated_at": stamp(view.updated_at),
        "messages": _messages(tx, it),
        "timeline": [
            {"at": stamp(row.at), "event": row.event, "detail": row.detail} for row in store.events(tx, it.id)
        ],
        "uri": f"{runtime.settings.public_url}/v2/transactions/{view.reference}",
    }


def _next_step(it: Transaction, missing: Sequence[str], proofs: Sequence[str]) -> str | None:
    if missing:
        return f"POST {', '.join(f'answers.{name}' for name in missing)} to …/answers."
    if it.state not in OPEN:
        return None
    if it.row.proof and not proofs:
        return "POST {} as answers to …/answers: it is submitted as it stands."
    if it.row.factors and proofs and proofs != [Factor.NEW]:
        ways = {Factor.PASSWORD: "the query password to …/proof", Factor.EMAIL: "…/code for one by e-mail"}
        return f"One more proof: POST {' or '.join(ways[one] for one in ways if one in proofs)}."
    if it.row.factors and not proofs and not it.row.proof:
        return "One proof is not enough here and the citizen has no other: a counter helps."
    if it.state is State.IDENTITY_PENDING:
        return "POST the code the citizen received to …/proof."
    return "POST …/code from code_again_at on, or the query password to …/proof where it is taken."


def _messages(tx: Connection, it: Transaction) -> Sequence[dict[str, Any]]:
    """Its messages; before the proof none, since a code's fate would tell who is registered."""
    if not it.row.proof:
        return []
    return [
        {
            "id": str(row.id),
            "channel": row.channel,
            "status": row.status,
            "reason": row.reason,
            "created_at": stamp(row.created_at),
            "completed_at": stamp(row.completed_at) if row.completed_at else None,
        }
        for row in notifications.of_transaction(tx, it.id)
    ]


# --- a type --------------------------------------------------------------------------------


def kind(it: TransactionType, today: date, rules: Rules) -> dict[str, Any]:
    """A type, its form, and what may be done with its transactions afterwards."""
    level = proving.level_of(it.name, rules)
    helper = {} if level is Level.ANONYMOUS else fields_of(helping.Helper)
    return {
        "name": it.name,
        "title": both(it.title),
        "summary": both(it.summary),
        "level": level,
        "fields": [
            {
                **field(it, name),
                "required": one.required,
                "conditional": one.metadata["when"] is not None,
                "keyable": one.metadata["keypad"] is not None,
                "example": example(one, today) or None,
            }
            for name, one in fields_of(it.form).items()
        ],
        "helper_fields": [_described(name, asked.metadata) for name, asked in helper.items()],
        "actions": [
            {
                "name": name,
                "label": both(action.words),
                "asks_again": list(action.asks_again),
                "opens": action.opens or (it.name if action.begins else None),
            }
            for name, action in it.actions.items()
        ],
    }


def field(it: TransactionType, name: str) -> dict[str, Any]:
    """How a field is asked for; ``choices`` when its values come from …/options."""
    return _described(name, fields_of(it.form)[name].metadata, choices=name in it.choices)


def _described(name: str, asked: Mapping[str, Any], *, choices: bool = False) -> dict[str, Any]:
    words = {part: both(asked[part]) for part in ("label", "prompt", "hint")}
    return {"name": name, **words, "choices": choices}


def option(it: Option) -> dict[str, Any]:
    return {"value": it.value, "label": both(it.words), "note": both(it.note) if it.note else None}
