"""Pension payments (养老金发放查询): the last months, why one failed and what helps, and the next day.

The registry is asked and nothing is changed there. What is not settled is looked at again each day,
and each change is told once. Sums are shown only where the city's rules let them (``payments``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.back_offices import Done, Refused, StepOutcome, Unavailable
from gateway.pensions import paying, payments
from gateway.pensions.paying import REASONS
from gateway.pensions.payments import FAILED, HELD, NONE_YET, PAID, Payment
from gateway.rules.model import Rules
from gateway.transactions.form import Who
from gateway.transactions.model import Action, Case, Changed, State, TransactionType, View, Words

__all__ = ["REASONS", "TYPE"]

P = TypeVar("P", bound=Payment, covariant=True)


class Registry(Protocol[P]):
    """What this type needs of a pension registry."""

    def payments(self, id_number: str, name: str, city: str) -> Sequence[P] | Refused | Unavailable: ...


# --- the work ------------------------------------------------------------------------------------


def perform(registry: Registry[P], case: Case) -> StepOutcome:
    """Ask what was paid. Asking changes nothing, so it may be repeated."""
    rows = _ask(registry, case)
    if not isinstance(rows, Sequence):
        return rows
    it = payments.found(rows, case.rules, case.now, case.answers["name"])
    again_at = payments.look_again(it, case.now, case.now, case.rules)
    return Done(payments.facts(it), it.stage, again_at)


def _ask(registry: Registry[P], case: Case) -> Sequence[P] | Refused | Unavailable:
    return registry.payments(case.answers["id_number"], case.answers["name"], case.rules.division)


def follow(registry: Registry[P], case: Case, view: View) -> Changed | Unavailable:
    """Look again at what was not settled; sums shown before are forgotten."""
    kept = {name: fact for name, fact in view.facts.items() if name not in ("amounts", "shown_until")}
    if view.stage == PAID:
        return Changed(PAID, kept)
    rows = _ask(registry, case)
    if isinstance(rows, Unavailable):
        return rows
    if isinstance(rows, Refused):  # no longer theirs to be told of
        return Changed(view.stage, kept)
    it = payments.found(rows, case.rules, case.now, case.answers["name"])
    it = replace(it, amounts=(), shown_until=None)
    again_at = payments.look_again(it, view.created_at, case.now, case.rules)
    if it.stage == NONE_YET:  # nothing is listed any more, or still nothing
        return Changed(view.stage, kept, again_at=again_at)
    return Changed(it.stage, payments.facts(it), None if it.stage == view.stage else it.stage, again_at)


def event(view: View) -> str:
    """The message of the result: by how the payments stand."""
    return view.stage if view.state is State.SUCCEEDED and view.stage else view.state.value


def effect(_: Rules) -> Sequence[Words]:
    """What confirming will do, said before it is done."""
    return [
        Words(
            "查最近几个月的养老金发了没有，没有发成的告诉您原因和怎么办，还有下一次的日子。",
            "We look up whether your pension of the last months was paid, why not, what helps, "
            "and the next day.",
        ),
        Words("只是查询，什么都不会改变。", "This only looks; nothing changes."),
    ]


# --- what may be done afterwards -----------------------------------------------------------------

NOT_NEEDED = Words("您现在不用办这件事。", "There is no need for that now.")


def _refusal(view: View, *reasons: str) -> Words | None:
    failed = view.state is State.SUCCEEDED and view.stage == FAILED
    return None if failed and payments.of(view).reason in reasons else NOT_NEEDED


def _no_release(view: View, _now: datetime) -> Words | None:
    return _refusal(view, "account_blocked")


def _no_correction(view: View, _now: datetime) -> Words | None:
    return _refusal(view, "data_mismatch")


def _no_visit(view: View, _now: datetime) -> Words | None:
    if view.state is State.REJECTED:
        return None
    return _refusal(view, "account_closed", "account_blocked", "")


def _no_authentication(view: View, _now: datetime) -> Words | None:
    return None if view.state is State.SUCCEEDED and view.stage == HELD else NOT_NEEDED


TYPE = TransactionType(
    name="pension_payment",
    title=Words("养老金发放查询", "My pension payments"),
    summary=Words("发了没有？为什么没发成？下次哪天？", "Was it paid? Why not? When is the next?"),
    effect=effect,
    form=Who,
    perform=perform,
    personalise=paying.values,
    explain=paying.explain,
    back_office="pension_registry",
    actions={
        "release": Action(Words("解除社保卡挂失", "Release my card"), _no_release, opens="card_release"),
        "correct": Action(
            Words("预约更正登记", "Book a visit: put it right"),
            _no_correction,
            opens="appointment",
            sets={"matter": "record"},
        ),
        "visit": Action(
            Words("预约社保窗口", "Book a visit to a counter"),
            _no_visit,
            opens="appointment",
            sets={"matter": "pension"},
        ),
        "authenticate": Action(
            Words("看资格认证怎么办", "See how to authenticate"), _no_authentication, opens="pension_auth"
        ),
    },
    stages=paying.STAGES,
    event=event,
    events=payments.STAGES,
    headline=paying.headline,
    tone=paying.tone,
    follow=follow,
    newest_alone=True,
)
