"""Filing registration (备案登记): living elsewhere as a pensioner or after an injury, work of one's own.

The city's register takes a filing, people there review it for days, and it is then in
force, returned to be corrected, or rejected (domain.md, "Filing registration"). Filings
for medical treatment elsewhere are another bureau's: whoever wants one is told where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from gateway.back_offices import AlreadyDone, Done, Pending, Refused, Silent, StepOutcome, Unavailable
from gateway.filings import asking, fields, kinds, standing, told, words
from gateway.filings.reminding import REMINDING
from gateway.filings.standing import ACTIVE, CANCELLED, ENDING, EXPIRED, SUBMITTED, Filed
from gateway.filings.words import REASONS
from gateway.transactions.model import (
    ENDS,
    RAN_OUT,
    RETURNED,
    Action,
    Case,
    Changed,
    Drop,
    Judgement,
    Later,
    Plan,
    Reminded,
    State,
    Tell,
    TransactionType,
    View,
    Words,
)

__all__ = ["REASONS", "TYPE"]

F = TypeVar("F", bound=Filed, covariant=True)
Operated = Done | AlreadyDone | Refused | Unavailable | Silent
ASK_AGAIN = timedelta(minutes=30)  # before a register that did not answer is asked about a reminder again


class Register(Protocol[F]):
    """What this type needs of a filing register."""

    def filings(self, id_number: str, name: str, city: str) -> Sequence[F] | Refused | Unavailable: ...

    def submit(
        self, id_number: str, name: str, city: str, serial: str, kind: str, details: Mapping[str, str]
    ) -> Operated: ...

    def correct(self, id_number: str, city: str, serial: str, details: Mapping[str, str]) -> Operated: ...

    def cancel(self, id_number: str, city: str, number: str, serial: str) -> Operated: ...


# --- the work ------------------------------------------------------------------------------


def perform(register: Register[F], case: Case) -> StepOutcome:
    """Look at what is filed, then file, correct or end what is not yet as it should be."""
    filed = _look(register, case)
    if not isinstance(filed, Sequence):
        return filed
    if case.answers["request"] == kinds.CANCEL:
        return _end(register, case, filed)
    ours = standing.mine(filed, case.reference)
    if ours is None:
        return _file(register, case, filed)
    if standing.waits_for_us(ours, case):
        city, changed = case.rules.division, standing.details(case.answers)
        return _taken(register.correct(case.answers["id_number"], city, case.reference, changed), case)
    return standing.outcome(ours, case)


def _look(register: Register[F], case: Case) -> Sequence[F] | Refused | Unavailable:
    return register.filings(case.answers["id_number"], case.answers["name"], case.rules.division)


def _file(register: Register[F], case: Case, filed: Sequence[F]) -> StepOutcome:
    given, new = case.answers, standing.details(case.answers)
    now = standing.active(filed, given["kind"])
    if now is not None and dict(now.details) == new:
        return standing.as_before(now, case)
    city = case.rules.division
    answer = register.submit(given["id_number"], given["name"], city, case.reference, given["kind"], new)
    return _taken(answer, case)


def _taken(answer: Operated, case: Case) -> StepOutcome:
    if not isinstance(answer, Done | AlreadyDone):
        return answer
    return Pending(SUBMITTED, case.now + standing.SOONEST, standing.facts_filed(case))


def _end(register: Register[F], case: Case, filed: Sequence[F]) -> StepOutcome:
    """End the one in force; one that was ended by us before tells so by our reference."""
    ended = next((one for one in filed if one.ended_by == case.reference and one.state == CANCELLED), None)
    if ended is not None:
        return Done(standing.facts_of(ended, case), CANCELLED)
    now = standing.active(filed, case.answers["kind"])
    if now is None:
        return _nothing_to_end(case, filed)
    number, city = case.answers["id_number"], case.rules.division
    answer = register.cancel(number, city, now.number, case.reference)
    match answer:
        case Done():
            return Done(standing.facts_of(now, case), CANCELLED)
        case AlreadyDone():
            return AlreadyDone(standing.facts_of(now, case), CANCELLED)
        case _:
            return answer


def _nothing_to_end(case: Case, filed: Sequence[F]) -> StepOutcome:
    kind = case.answers["kind"]
    last = next((one for one in filed if one.kind == kind), None)  # the newest comes first
    if last is not None and last.state == CANCELLED:
        return AlreadyDone(standing.facts_of(last, case), CANCELLED)
    return Refused("nothing_filed", facts=standing.facts_filed(case))


# --- afterwards ------------------------------------------------------------------------------


def follow(register: Register[F], case: Case, view: View) -> Changed | Unavailable | Silent:
    """Whether it is still in force. What we ended or replaced ourselves was told by that transaction."""
    filed = _look(register, case)
    if isinstance(filed, Unavailable):
        return filed
    found = standing.numbered(filed, view.facts.get("number", "")) if isinstance(filed, Sequence) else None
    if found is None and standing.is_over(view.facts.get("end", ""), case):  # a register may list it no more
        return Changed(EXPIRED, view.facts, EXPIRED)
    if found is None or found.state == ACTIVE:
        facts = standing.facts_of(found, case) if found else view.facts
        again_at = standing.look_later(facts.get("end", ""), case.now, case.rules)
        return Changed(view.stage, facts, again_at=again_at)
    if found.state not in standing.OVER:  # reviewed anew there: it is as it was until that is over
        again_at = standing.look_later("", case.now, case.rules)
        return Changed(view.stage, view.facts, again_at=again_at)
    news = found.state == EXPIRED or (found.state == CANCELLED and not found.ended_by)
    return Changed(found.state, standing.facts_of(found, case), found.state if news else None)


def follow_up(view: View) -> Sequence[Plan]:
    in_force = view.stage == ACTIVE and view.state in (State.SUCCEEDED, State.ALREADY_DONE)
    return standing.reminders(view.facts, view.now, view.rules) if in_force else ()


def remind(register: Register[F], reminded: Reminded) -> Judgement:
    """Ask again just before it goes out: by then it may have been changed or ended."""
    filed = register.filings(reminded.id_number, reminded.name, reminded.rules.division)
    if isinstance(filed, Unavailable):
        return Later(reminded.now + ASK_AGAIN, filed.code)
    if isinstance(filed, Refused):
        return Drop(filed.reason)
    number, end = standing.reminded_of(reminded.plan.occasion)
    found = next((one for one in filed if one.number[:24] == number and one.state == ACTIVE), None)
    if found is None or found.details.get("end") != end:
        return Drop("not_in_force")
    over = standing.over_at(end, reminded.rules)
    if over <= reminded.now:
        return Drop("over")
    what, last = words.kind({"kind": found.kind}), fields.day(end)
    return Tell({"kind": what.zh, "kind_en": what.en, "end": last.zh, "end_en": last.en}, until=over)


NOT_IN_FORCE = Words("这份备案没有生效，或者已经结束。", "This filing is not in force, or over.")
NO_END = Words("这份备案没有结束日期，不用延长。", "This filing has no end; there is nothing to extend.")


def _not_in_force(view: View, _: datetime) -> Words | None:
    return None if view.state in ENDS and view.stage == ACTIVE else NOT_IN_FORCE


def _no_end(view: View, now: datetime) -> Words | None:
    return _not_in_force(view, now) or (None if view.facts.get("end") else NO_END)


TYPE = TransactionType(
    name="filing",
    title=words.TITLE,
    summary=Words(
        "异地居住、灵活就业、就业失业，在这里备案。", "Living elsewhere, working for yourself: file it here."
    ),
    effect=words.effect,
    effect_of=words.effect_of,
    form=asking.Form,
    perform=perform,
    personalise=words.personalise,
    explain=told.explain,
    back_office="filing_register",
    choices=asking.CHOICES,
    check=asking.check,
    actions={
        "move": Action(
            Words("换住址", "Change the address"),
            _not_in_force,
            asks_again=("destination", "commitment", "address"),
        ),
        "extend": Action(
            Words("延长期限", "Extend it"), _no_end, asks_again=("lasting", "end", "commitment")
        ),
        "telephone": Action(
            Words("换联系电话", "Change the telephone"), _not_in_force, asks_again=("contact", "commitment")
        ),
        "end": Action(Words("取消备案", "End it"), _not_in_force, sets={"request": kinds.CANCEL}),
    },
    stages=standing.STAGES,
    follow=follow,
    event=told.event,
    events=(told.FILED, RETURNED, RAN_OUT, CANCELLED, EXPIRED, ENDING),
    headline=told.headline,
    tone=told.tone,
    follow_up=follow_up,
    remind=remind,
    reminding=REMINDING,
)
