"""Information change (信息变更): mobile, address, postcode, e-mail and query password by oneself.

Basic data is changed here at once, or after people looked at it where the city's rules say so;
key data (name, ID number, birth date, sex) needs papers at a counter, and which these are is
told here (domain.md, "Information change"). The register is our own, so a change is part of the
commit that confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.back_offices import AlreadyDone, Done, Pending, Refused, StepOutcome
from gateway.citizens import holds, passwords, register
from gateway.citizens.register import Record
from gateway.information_rules import EMAIL, KEY, MOBILE, PASSWORD
from gateway.records import changes, reasons, recording, values, words
from gateway.records.changes import Asker
from gateway.records.form import Form
from gateway.records.reasons import APPROVED, COUNTER, REASONS, REVIEW
from gateway.security import mask_name, same
from gateway.transactions import store
from gateway.transactions.desk import Desk
from gateway.transactions.model import RAN_OUT, Action, Case, Option, TransactionType, View, Words
from gateway.transactions.on_hold import ON_HOLD, UNTIL

__all__ = ["REASONS", "TYPE"]

CODE_ALONE = "code"  # the proof of whoever gave a code to the registered mobile and nothing else
GUARDED = (MOBILE, EMAIL, PASSWORD)  # what gives power over an account: not while it is held back
SECRETS = ("new_password", "new_password_again")
TWICE = Words("两次填的密码不一样，请重新填两次。", "The two passwords differ; please give it twice again.")
WEAK = Words(
    "这个密码太容易猜。不要用相同、连续的数字，也不要用生日和身份证号码里的。",
    "It is easily guessed. Use no digits all the same or in a row, none of your birth date or ID number.",
)


# --- what may be chosen ------------------------------------------------------------------------


def _items(desk: Desk, case: Case) -> Sequence[Option]:
    """An e-mail address only where one can be written to: it has to give back a code.

    Whoever is known already reads beside each what is held back, before the new value is asked for.
    """
    items = case.rules.information_change.items
    reachable = [item for item in items if item != EMAIL or desk.runtime.weights(EMAIL)]
    until = holds.until(desk.tx, case.citizen_id, case.now) if case.citizen_id else None
    waits = dict.fromkeys(GUARDED, words.from_then(until, case.rules)) if until else {}
    notes = {**reasons.NOTES, **waits}
    return [Option(item, reasons.ITEMS[item], notes.get(item)) for item in reachable]


def _key_data(_: Desk, case: Case) -> Sequence[Option]:
    return [Option(one.id, Words(one.name, one.name_en)) for one in case.rules.information_change.key_data]


def _districts(_: Desk, case: Case) -> Sequence[Option]:
    districts = [Option(one.code, Words(one.name, one.name_en)) for one in case.rules.districts.values()]
    return [*districts, Option(changes.UNCHANGED, reasons.SAME_DISTRICT)]


def hold(desk: Desk, case: Case) -> Mapping[str, Words]:
    """Which answers cannot stand: before the confirmation, so that nobody confirms what is refused."""
    answers, item = case.answers, case.answers["item"]
    if item == PASSWORD and not _alike(answers):
        return {"new_password": TWICE, "new_password_again": TWICE}
    if case.citizen_id and item in GUARDED and (until := holds.until(desk.tx, case.citizen_id, case.now)):
        return {"item": words.held(until, case.rules)}
    if case.citizen_id and changes.under_review(desk.tx, case.citizen_id, item, besides=case.id):
        return {"item": words.in_review(item, case.rules)}
    return {}


def check(case: Case) -> Mapping[str, Words]:
    """A password that is easily guessed is refused at once."""
    password, number = case.answers.get("new_password"), case.answers.get("id_number")
    return {"new_password": WEAK} if password and number and passwords.weak(password, number) else {}


def _alike(answers: Mapping[str, str]) -> bool:
    return same(answers["new_password"].encode(), answers["new_password_again"].encode())


# --- the work ------------------------------------------------------------------------------


def perform(desk: Desk, case: Case) -> StepOutcome:
    """Record the change, or leave it to a review; key data goes to a counter.

    The person's row is held, so that of two changes at once the second sees the first.
    """
    before = (
        register.record(desk.tx, desk.runtime.vault, case.citizen_id, hold=True) if case.citizen_id else None
    )
    if before is None:
        return Refused("not_registered")  # erased while they answered
    item = case.answers["item"]
    if item == PASSWORD:
        _keep_no_password(desk, case)
    if item == KEY:
        return _to_the_counter(case, before)
    if item in GUARDED and (until := holds.until(desk.tx, before.id, case.now)):
        return Refused(ON_HOLD, facts={"item": item, UNTIL: until.isoformat()})
    return _set_password(desk, case, before) if item == PASSWORD else _change(desk, case, before)


def _to_the_counter(case: Case, before: Record) -> StepOutcome:
    one = words.datum(case.rules, case.answers["key_datum"])
    if one is None:
        return Refused("other")
    facts = {"item": KEY, "datum_id": one.id, "datum": one.name, "datum_en": one.name_en}
    return Done({**facts, "name": mask_name(before.name)}, stage=COUNTER)


def _change(desk: Desk, case: Case, before: Record) -> StepOutcome:
    vault, change = desk.runtime.vault, changes.wanted(case.answers)
    if changes.is_so(before, change):
        return AlreadyDone(recording.kept(before, change), stage=APPROVED)
    why = changes.causes(desk.tx, vault, case.rules, before, change, _asker(desk, case), case.now)
    due_at = recording.review_ends(case.rules, case.now) if why else None
    if not changes.keep(desk.tx, vault, case.id, before, change, case.now, why=why, due_at=due_at):
        return Refused("in_review", facts=recording.kept(before, change))
    if due_at:
        return Pending(REVIEW, facts={**recording.kept(before, change), "due_at": due_at.isoformat()})
    return Done(recording.write(desk, case, before, change), stage=APPROVED)


def _asker(desk: Desk, case: Case) -> Asker:
    """Whose word it is. Of a helper who was never asked for (``helped``) it is a child's guardian."""
    row = store.load(desk.tx, desk.runtime, case.id).row
    return Asker(row.proof or "", relative=row.helped and row.helper_id is not None)


def _set_password(desk: Desk, case: Case, before: Record) -> StepOutcome:
    """Set it. Proven by a code alone it counts only after the hold."""
    asker = _asker(desk, case)
    if asker.relative or check(case) or not _alike(case.answers):
        return Refused("own_only" if asker.relative else "other", facts={"item": PASSWORD})
    counts_from = case.now + timedelta(hours=case.rules.information_change.hold_hours)
    later = asker.proof == CODE_ALONE and counts_from > case.now
    passwords.put(
        desk.tx,
        desk.runtime,
        before.id,
        case.answers["new_password"],
        counts_from=counts_from if later else None,
    )
    recording.on_record(desk, case, before, PASSWORD)
    facts = {"item": PASSWORD, "name": mask_name(before.name)}
    return Done({**facts, "counts_from": counts_from.isoformat()} if later else facts, stage=APPROVED)


def _keep_no_password(desk: Desk, case: Case) -> None:
    """Whatever becomes of it, the transaction does not hold it any longer."""
    left = {name: value for name, value in case.answers.items() if name not in SECRETS}
    store.change(desk.tx, desk.runtime, case.id, answers=store.sealed(desk.runtime, case.id, "answers", left))


def _new_address(case: Case) -> str | None:
    """Where a code must go before this is confirmed: the new mobile in E.164, or the new e-mail address."""
    item = case.answers.get("item", "")
    return case.answers.get(item) if item in (MOBILE, EMAIL) else None


def _only_at_counter(view: View, _now: Any) -> Words | None:
    return None if view.stage == COUNTER else Words("这件事不用去窗口。", "No counter is needed for this.")


BOOK = Action(
    Words("预约去窗口", "Book a visit"),
    _only_at_counter,
    opens="appointment",
    sets={"matter": "record"},
)
TYPE = TransactionType(
    name="information_change",
    title=Words("信息变更", "Change your details"),
    summary=Words("手机、地址、邮箱变了，在这里改。", "A new mobile, address or e-mail? Change it here."),
    effect=words.effect,
    effect_of=words.effect_of,
    form=Form,
    perform=perform,
    personalise=values.personalise,
    explain=words.explain,
    choices={"item": _items, "key_datum": _key_data, "district": _districts},
    check=check,
    hold=hold,
    also_password=True,  # the old number may be gone; people look at what is asked for so
    confirms=_new_address,
    actions={"book": BOOK},
    stages=reasons.STAGES,
    event=values.event,
    events=(COUNTER, reasons.CHANGED, reasons.MOVED, reasons.REVIEWING, reasons.RETURNED, RAN_OUT),
    headline=words.headline,
    tone=words.tone,
)
