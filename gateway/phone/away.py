"""When a person is wanted and none is there: until when, and a call back on the number that calls."""

from __future__ import annotations

from gateway import cities
from gateway.call_backs import doing, hours, numbers
from gateway.phone.matter import Matter
from gateway.phone.session import Session
from gateway.runtime import Runtime
from gateway.transactions import engine, proving
from gateway.transactions.codes import PHONE
from gateway.transactions.model import Words
from gateway.transactions.store import Transaction

ANYTHING = "other"  # what it is about, where the call does not tell


def back(runtime: Runtime, session: Session) -> Words | None:
    """When people are back; None while they are there, or where nobody can be asked to call."""
    if doing.KIND not in session.offered:
        return None
    now = runtime.clock()
    rules = cities.of(runtime).rules_now(now)
    at = hours.back(rules, now)
    return hours.moment(at, now) if at else None


def own(matter: Matter) -> str | None:
    """The number the call comes from in E.164; None where it shows none that can be called."""
    return numbers.normalised(matter.caller) if matter.caller else None


def begun(matter: Matter) -> Transaction:
    """A call back as soon as can be, about what this call was about; asked for with no proof.

    The number the call comes from is theirs; where none is shown, all is asked for.
    """
    before, number = matter.transaction(), own(matter)
    about = _about(before) if before else ANYTHING
    draft = engine.open_draft(matter.tx, matter.runtime, doing.KIND, PHONE)
    matter.key = draft.id
    if number is None:
        return draft
    given = {"number": number, "wish": hours.SOON, "matter": about}
    answered = matter.keep(engine.answer(matter.tx, matter.runtime, draft, given))[1]
    return proving.called_from(matter.tx, matter.runtime, answered)


def _about(transaction: Transaction) -> str:
    """Card or pension, as the type of a matter begins; anything else is told in the call."""
    family = transaction.row.type.partition("_")[0]
    return family if family in ("card", "pension") else ANYTHING
