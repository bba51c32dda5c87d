"""How a transfer of pension rights stands (养老关系转移): its three legs, told as each is done.

The platform is asked and nothing is changed there: a citizen applies in an official app or at
a counter. From the first look on the transfer is followed to its end. A leg that takes longer
than its working days, or a refusal, opens a work order by itself (domain.md,
"Pension-relationship transfer").
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.back_offices import Done, Refused, Silent, StepOutcome, Unavailable
from gateway.transactions.form import Who
from gateway.transactions.model import DONE, Action, Case, Changed, TransactionType, View, Words
from gateway.transfers import legs, orders, told, words
from gateway.transfers.legs import NOTHING, REFUSED, SENT_BACK, STAGES, Transfer
from gateway.transfers.words import REASONS

__all__ = ["REASONS", "TYPE"]

T = TypeVar("T", bound=Transfer, covariant=True)


class Platform(Protocol[T]):
    """What this type needs of a transfer platform."""

    def transfers(self, id_number: str, name: str, city: str) -> Sequence[T] | Refused | Unavailable: ...


def _look(platform: Platform[T], case: Case) -> Sequence[T] | Refused | Unavailable:
    return platform.transfers(case.answers["id_number"], case.answers["name"], case.rules.division)


def perform(platform: Platform[T], case: Case) -> StepOutcome:
    """Ask how it stands; the stage is the platform's. Asking changes nothing, so it may be repeated."""
    found = _look(platform, case)
    if isinstance(found, Refused | Unavailable):
        return found
    it = legs.followed(found)
    if it is None:
        return Done({}, NOTHING)
    stage, facts = legs.stage(it), legs.facts_of(it, found, case)
    facts["told"] = facts["leg"]
    opens = orders.needed(stage, facts, case.rules)
    return Done(facts, stage, legs.look_again(facts, stage, case), opens)


def follow(platform: Platform[T], case: Case, view: View) -> Changed | Unavailable | Silent:
    """Where it has come to since. A transfer that is listed no more stays as it was, for some time."""
    found = _look(platform, case)
    if isinstance(found, Unavailable):
        return found
    it = legs.numbered(found, view.facts.get("number", "")) if isinstance(found, Sequence) else None
    if it is None or isinstance(found, Refused):
        return Changed(view.stage, view.facts, again_at=legs.look_for(view.facts, case))
    stage, facts = legs.stage(it), legs.facts_of(it, found, case) | orders.kept(view.facts)
    event = told.news(stage, facts, view.stage, view.facts)
    facts["told"] = (
        max(facts["leg"], view.facts.get("told", "")) if view.stage in legs.LEG_OF else facts["leg"]
    )
    opens = orders.needed(stage, facts, case.rules) if event in (told.STALLED, REFUSED) else None
    return Changed(stage, facts, event, legs.look_again(facts, stage, case), opens)


NO_VISIT = Words("现在不用去窗口。", "There is no need for a visit now.")


def _no_visit(view: View, _: datetime) -> Words | None:
    return None if view.state in DONE and view.stage in (NOTHING, REFUSED, SENT_BACK) else NO_VISIT


TYPE = TransactionType(
    name="relation_transfer",
    title=Words("养老关系转移进度", "My pension transfer"),
    summary=Words(
        "转到哪一步了？哪天办完？没通过怎么办？",
        "Where does it stand? By when? What if it was refused?",
    ),
    effect=told.effect,
    form=Who,
    perform=perform,
    personalise=words.personalise,
    explain=told.explain,
    back_office="transfer_platform",
    actions={
        "visit": Action(
            Words("预约到窗口办理", "Book a visit"),
            _no_visit,
            opens="appointment",
            sets={"matter": "pension"},
        ),
    },
    stages=STAGES,
    follow=follow,
    event=told.event,
    events=told.EVENTS,
    newest_alone=True,
    headline=told.headline,
    tone=told.tone,
)
