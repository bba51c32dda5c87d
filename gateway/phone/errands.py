"""The work a dialogue asks for, done through the transaction engine inside the driver's commit.

Each errand is short database work and answers with a ``Result``: where the
matter is now. None of them waits for a back office.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.call_backs.numbers import tail
from gateway.phone import acting, away, offices, proof, standing
from gateway.phone.matter import Matter
from gateway.phone.results import (
    AskChoice,
    AskKeys,
    Locked,
    NoMatch,
    Nothing,
    Offer,
    Offered,
    Parked,
    Result,
)
from gateway.transactions import (
    afterwards,
    anonymous,
    choices,
    engine,
    helping,
    levels,
    look_up,
    proving,
    registry,
    store,
    tallies,
)
from gateway.transactions.afterwards import NotProven
from gateway.transactions.codes import PHONE
from gateway.transactions.desk import Desk
from gateway.transactions.model import ENDS, OPEN, Words
from gateway.transactions.store import Transaction


def run(matter: Matter, step: str, values: Mapping[str, str]) -> Result:
    """Do what a ``Perform`` asks for."""
    if step in _FIRST:
        return _with_own(matter, _FIRST[step](matter, values))
    transaction = matter.transaction()
    if transaction is None:
        return Nothing(gone=True)
    return _with_own(matter, _WITH[step](matter, transaction, values))


def _with_own(matter: Matter, result: Result) -> Result:
    """A number that is asked for may be the one the call comes from."""
    number, transaction = away.own(matter), matter.transaction()
    if not isinstance(result, AskKeys) or number is None or transaction is None:
        return result
    theirs = standing.metadata(transaction, result.field).get("calling")
    return replace(result, own=tail(number)) if theirs else result


def elder(matter: Matter) -> bool:
    """Whether the person in question is of the age that gets a person at the first silence."""
    transaction = matter.transaction()
    return transaction is not None and standing.elder(transaction, matter.runtime.clock())


# --- to begin, or to find again --------------------------------------------------------------


def _begin(matter: Matter, values: Mapping[str, str]) -> Result:
    """A new draft, or this call's own where nothing was answered yet."""
    draft = matter.transaction()
    if draft is None or draft.answers or draft.state not in OPEN or draft.row.type != values["type"]:
        draft = engine.open_draft(matter.tx, matter.runtime, values["type"], PHONE)
        draft = _as_before(matter, draft)
    matter.key = draft.id
    return _onward(matter, draft)


def _as_before(matter: Matter, draft: Transaction) -> Transaction:
    """Who has proven in this call who they are need not do so again."""
    if matter.known is None:
        return draft
    known = store.load(matter.tx, matter.runtime, matter.known)
    if not known.row.factors or not known.answers:
        return draft
    draft = proving.carry(matter.tx, matter.runtime, draft, known, levels.read(known.row.factors))
    if draft.row.factors:
        matter.proven = matter.known = draft.id
    return draft


def _find(matter: Matter, values: Mapping[str, str]) -> Result:
    found = look_up.find(matter.tx, matter.runtime, values["reference"], values["tail"], matter.device)
    match found:
        case look_up.NoMatch(left):
            return NoMatch(left)
        case tallies.Locked():
            return Locked()
    matter.key = found
    transaction = store.load(matter.tx, matter.runtime, found, hold=True)
    if transaction.state in OPEN:
        return standing.unfinished(transaction, matter.runtime)
    return standing.stands(transaction, matter.runtime)


def _resume(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result:
    resumed = engine.resume(matter.tx, matter.runtime, transaction)
    return _onward(matter, matter.keep(resumed)[1])


# --- what comes next -------------------------------------------------------------------------


def _onward(matter: Matter, transaction: Transaction) -> Result:
    """The next question, the code, the confirmation, or how it stands.

    Proof comes before a field that cannot be keyed: only what has been proven is
    found again by its reference.
    """
    if transaction.state not in OPEN:
        return _look(matter, transaction, {})
    missing = engine.unanswered(transaction)
    if missing and standing.keypad(transaction, missing[0]):
        return _question(transaction, missing[0])
    if not transaction.row.proof:
        return proof.ask(matter, transaction) or Nothing(gone=True)
    if missing:
        return Parked(transaction.row.reference, standing.metadata(transaction, missing[0])["label"])
    if proving.missing(transaction):  # what is new has to give its code back
        return proof.ask(matter, transaction) or Nothing(gone=True)
    return standing.confirm(Desk(matter.tx, matter.runtime), transaction)


def _go_on(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result:
    return _onward(matter, transaction)


def _ask(_: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    return _question(transaction, values["field"])


def _back(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    """The question before a field's ("" for the code's); where all was answered, the confirmation."""
    answered = transaction.row.proof and not engine.unanswered(transaction)
    if transaction.state not in OPEN or (answered and not proving.missing(transaction)):
        return _onward(matter, transaction)
    if values["field"] == helping.NUMBER and not helping.child(transaction):
        return _onward(matter, engine.act_for(matter.tx, matter.runtime, transaction, helped=False))
    asked = standing.asked(transaction)
    place = asked.index(values["field"]) if values["field"] in asked else len(asked)
    return _question(transaction, asked[place - 1]) if place else Nothing()


def _question(
    transaction: Transaction, name: str, problem: Words | None = None, given: str = ""
) -> AskKeys | AskChoice:
    described = standing.metadata(transaction, name)
    if name in registry.get(transaction.row.type).choices:
        return AskChoice(name, described["prompt"], problem, given)
    keypad, failed = described["keypad"], problem is not None
    label = described["label"]
    return AskKeys(name, label, keypad.min_digits, keypad.max_digits, keypad.star_is, failed)


def _options(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    desk, name = Desk(matter.tx, matter.runtime), values["field"]
    offered = choices.options(desk, transaction, name, values["given"] or None) or ()
    none_left = None if offered else choices.none_left(desk, transaction, name)
    return Offered(tuple(Offer(option.value, standing.described(option)) for option in offered), none_left)


def _answer(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    given = {values["field"]: values["value"]}
    wrong, now = matter.keep(engine.answer(matter.tx, matter.runtime, transaction, given))
    for name, problem in wrong.items():
        return _question(now, name, problem, given.get(name, ""))
    return _onward(matter, now)


# --- proof -----------------------------------------------------------------------------------


def _send(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result:
    if transaction.state in ENDS:
        return acting.send_code(matter, transaction)
    return proof.send(matter, transaction) or _onward(matter, transaction)


def _prove(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    if transaction.state in ENDS and values.get("name"):
        return acting.prove(matter, transaction, values["code"]) or _act(matter, transaction, values)
    return proof.prove(matter, transaction, values["code"]) or _go_on_anew(matter, transaction)


def _by_password(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    return proof.ask_password(matter, transaction, values) or _onward(matter, transaction)


def _password(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    found = proof.give_password(matter, transaction, values["password"])
    return found or _go_on_anew(matter, transaction)


def _go_on_anew(matter: Matter, transaction: Transaction) -> Result:
    """It was proven, or it went on or ended elsewhere meanwhile."""
    return _onward(matter, store.load(matter.tx, matter.runtime, transaction.id))


def _help(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result:
    """Somebody acts for the citizen."""
    return _onward(matter, engine.act_for(matter.tx, matter.runtime, transaction, helped=True))


# --- confirmed, and afterwards ---------------------------------------------------------------


def _own(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    """The number the call comes from is the answer, and no code need show that it is theirs."""
    number = away.own(matter)
    if number is None:
        return _onward(matter, transaction)
    wrong, now = matter.keep(engine.answer(matter.tx, matter.runtime, transaction, {values["field"]: number}))
    if wrong or now.state not in OPEN:
        return _onward(matter, now)
    return _onward(matter, proving.called_from(matter.tx, matter.runtime, now))


def _call_me(matter: Matter, _: Mapping[str, str]) -> Result:
    """Whoever wanted a person is put into the line of those to be called."""
    draft = away.begun(matter)
    return _onward(matter, draft) if engine.unanswered(draft) else _submit(matter, draft, {})


def _submit(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result:
    """Confirmed. What was reserved is reserved again first: where it is lost by now, it is chosen anew."""
    wrong, now = matter.keep(engine.answer(matter.tx, matter.runtime, transaction, {}))
    for name, problem in wrong.items():
        return _question(now, name, problem, transaction.answers.get(name, ""))
    if anonymous.too_many(matter.tx, matter.runtime, now, matter.device):
        return Locked()
    taken, submitted = matter.keep(engine.submit(matter.tx, matter.runtime, now))
    if taken and anonymous.is_one(submitted):
        matter.proven = submitted.id  # whoever made it may undo it in the same call
    return _onward(matter, submitted)


def _look(matter: Matter, transaction: Transaction, _: Mapping[str, str]) -> Result:
    return standing.stands(transaction, matter.runtime)


def _act(matter: Matter, transaction: Transaction, values: Mapping[str, str]) -> Result:
    name, proven, here = values["name"], matter.proven == transaction.id, matter.known == transaction.id
    result = afterwards.act(matter.tx, matter.runtime, transaction, name, PHONE, proven=proven, here=here)
    said, now = matter.keep(result)
    if isinstance(said, NotProven):
        return acting.send_code(matter, now)
    if said:
        return standing.stands(now, matter.runtime, said)
    if now.id != transaction.id:
        matter.proven = matter.known = now.id if proven and now.row.factors else None
        return _onward(matter, now)
    return standing.changed(transaction, now, matter.runtime, writes=bool(result.lanes))


_FIRST: Mapping[str, Callable[[Matter, Mapping[str, str]], Result]] = {
    "begin": _begin,
    "find": _find,
    "referrals": offices.offered,
    "referral": offices.told,
    "call_me": _call_me,
}
_WITH: Mapping[str, Callable[[Matter, Transaction, Mapping[str, str]], Result]] = {
    "resume": _resume,
    "go_on": _go_on,
    "ask": _ask,
    "back": _back,
    "options": _options,
    "answer": _answer,
    "resend": _send,
    "prove": _prove,
    "by_password": _by_password,
    "password": _password,
    "help": _help,
    "own": _own,
    "submit": _submit,
    "look": _look,
    "act": _act,
}
