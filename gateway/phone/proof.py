"""The proof of who is calling: a code, the query password, and what a higher level lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.phone import acting
from gateway.phone.matter import Matter
from gateway.phone.results import AskCode, AskPassword, Code, Locked, NoProof, Result
from gateway.transactions import engine, helping, proving, tallies
from gateway.transactions.engine import NotOpen
from gateway.transactions.identity import Proven, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import State
from gateway.transactions.store import Transaction

MOBILE = (Factor.CODE, Factor.NEW)


def ask(matter: Matter, transaction: Transaction) -> Result | None:
    """What proves next; None where nothing does any more, or it went on elsewhere."""
    wanted = proving.possible(matter.tx, matter.runtime, transaction)
    if wanted & set(MOBILE):
        return send(matter, transaction)
    if Factor.PASSWORD in wanted:
        return password(transaction, wanted)
    if Factor.EMAIL in wanted:
        return send(matter, transaction)
    return NoProof() if proving.missing(transaction) else None


def send(matter: Matter, transaction: Transaction) -> Result | None:
    """Send the code that comes next, and ask for it."""
    result = engine.send_code(matter.tx, matter.runtime, transaction, matter.device)
    said, now = matter.keep(result)
    if isinstance(said, NotOpen):
        return None
    awaited = now.state is State.IDENTITY_PENDING
    asked = acting.asked(said, matter.runtime.clock(), awaited=awaited)
    return _with_ways(matter, now, asked) if isinstance(asked, AskCode) else asked


def _with_ways(matter: Matter, transaction: Transaction, asked: AskCode) -> AskCode:
    factor = proving.awaited(matter.tx, matter.runtime, transaction)
    first, helped = not transaction.row.factors and factor is Factor.CODE, helping.helped(transaction)
    to = "helper" if helped and factor is Factor.CODE else str(factor or Factor.CODE)
    by_password = Factor.PASSWORD in proving.possible(matter.tx, matter.runtime, transaction)
    return replace(asked, to=to, password=by_password, help=first and not helped)


def password(transaction: Transaction, wanted: frozenset[Factor], left: int = 0) -> AskPassword:
    instead = next((str(factor) for factor in (Factor.CODE, Factor.EMAIL) if factor in wanted), "")
    return AskPassword(bool(transaction.row.factors), instead, left)


def ask_password(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result | None:
    """The caller would rather give the password."""
    wanted = proving.possible(matter.tx, matter.runtime, transaction)
    return password(transaction, wanted) if Factor.PASSWORD in wanted else ask(matter, transaction)


def prove(matter: Matter, transaction: Transaction, code: str) -> Result | None:
    """Try a code; None where it was right, or none is awaited."""
    result = engine.prove(matter.tx, matter.runtime, transaction, code, matter.device)
    said, now = matter.keep(result)
    if isinstance(said, Wrong):
        return _with_ways(matter, now, AskCode(Code.WRONG, left=said.left))
    return _done(matter, now, said)


def give_password(matter: Matter, transaction: Transaction, given: str) -> Result | None:
    """Try a password; None where it was right, or is not taken."""
    result = engine.give_password(matter.tx, matter.runtime, transaction, given, matter.device)
    said, now = matter.keep(result)
    if isinstance(said, Wrong):
        return password(now, proving.possible(matter.tx, matter.runtime, now), said.left)
    return _done(matter, now, said)


def _done(matter: Matter, now: Transaction, said: Proven | tallies.Locked | NotOpen) -> Result | None:
    if isinstance(said, Proven):
        matter.proven = matter.known = now.id
    return Locked() if isinstance(said, tallies.Locked) else None
