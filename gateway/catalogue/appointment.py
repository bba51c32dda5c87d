"""Appointment at a service hall (在线预约): matter, hall, day and time are chosen, held, booked.

Places, timetable and limits are the city's (domain.md, "Online appointment"). The
book is our own, so a booking is done in the commit that confirms it. Who comes too
late for a place hears at once which are the nearest free ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.appointments import choosing, doing, refusals, stages, told, words
from gateway.appointments.words import REASONS
from gateway.transactions import store
from gateway.transactions.desk import Desk
from gateway.transactions.form import Chosen, Who, described
from gateway.transactions.model import (
    CHOSEN,
    Action,
    Case,
    Drop,
    Judgement,
    Reminded,
    State,
    Tell,
    TransactionType,
    View,
    Words,
    state_name,
)

__all__ = ["REASONS", "TYPE"]


class Form(Who):
    """What is booked; each answer narrows the next."""

    matter = Chosen(
        **described(
            Words("事项", "Matter"),
            Words("您要办什么事？", "What do you want to do?"),
            Words("选一项。一件事约一次。", "Choose one. One booking for one matter."),
            CHOSEN,
        )
    )
    hall = Chosen(
        **described(
            Words("大厅", "Hall"),
            Words("您想去哪个大厅？", "Which hall do you want to go to?"),
            Words("选离您近的。", "Choose the one near you."),
            CHOSEN,
        )
    )
    day = Chosen(
        **described(
            Words("日期", "Day"),
            Words("您想哪一天去？", "Which day?"),
            Words("约满的日子排在后面，可以候补。", "Full days come last: join the waiting list there."),
            CHOSEN,
        )
    )
    slot = Chosen(
        **described(
            Words("时间", "Time"),
            Words("您想几点去？", "What time?"),
            Words(
                "列出还有空位的时间；没有空位时可以候补。",
                "Times with places left; where there are none, wait for one.",
            ),
            CHOSEN,
        )
    )


def _effect_of(case: Case) -> Sequence[Words]:
    return words.wait_effect(case.rules) if choosing.wanted_wait(case) else words.effect(case.rules)


def _event(view: View) -> str:
    """Of a result: to be on the waiting list is no booking."""
    return words.LISTED if view.stage == words.WAITING else state_name(view)


def _explain(view: View) -> Sequence[Words]:
    return stages.explain(view) if view.stage not in PLAIN else words.explain(view)


def _headline(view: View) -> Words | None:
    return stages.headline(view) if view.state is State.SUCCEEDED else None


def remind(desk: Desk, reminded: Reminded) -> Judgement:
    """Whether it still stands, looked at just before the message goes out."""
    if reminded.transaction is None:
        return Drop("no_transaction")
    view = store.load(desk.tx, desk.runtime, reminded.transaction, hold=True).view(reminded.now)
    holds, until = told.holds_for(view, reminded.plan.event)
    return Tell(words.personalise(view), until=until) if holds else Drop("not_booked")


LEAVE = Words("取消候补", "Leave the waiting list")
PLAIN = ("", words.BOOKED, words.CANCELLED, words.CHANGED)  # stages that words.explain tells of
TYPE = TransactionType(
    name="appointment",
    title=Words("预约去大厅", "Book a visit to a hall"),
    summary=Words("选好时间再去，不用排长队。", "Choose a time and skip the queue."),
    effect=words.effect,
    effect_of=_effect_of,
    form=Form,
    perform=doing.perform,
    personalise=words.personalise,
    explain=_explain,
    choices={
        "matter": choosing.matters,
        "hall": choosing.halls,
        "day": choosing.days,
        "slot": choosing.clocks,
    },
    gone=choosing.gone,
    glance=choosing.glance,
    hold=doing.hold,
    held_until=doing.held_until,
    lost=doing.lost,
    replaced=words.replaced,
    actions={
        "accept": Action(
            Words("接受这个空位", "Take this place"),
            refusals.not_accepted,
            act=doing.accept,
            done=lambda view: view.stage == words.BOOKED and "waits_from" in view.facts,
        ),
        "change": Action(
            Words("改时间", "Change the time"), refusals.not_changed, asks_again=("day", "slot")
        ),
        "elsewhere": Action(
            Words("改约时间或大厅", "Book another time or hall"),
            refusals.not_elsewhere,
            asks_again=("hall", "day", "slot"),
        ),
        "cancel": Action(
            Words("取消预约", "Cancel it"),
            refusals.not_cancelled,
            act=doing.cancel,
            done=lambda view: view.stage == words.CANCELLED,
            called=lambda view: LEAVE if view.stage in (words.WAITING, words.OFFERED) else None,
        ),
    },
    event=_event,
    events=("cancelled", words.LISTED, words.LEFT, "tomorrow", *told.SOON.values()),
    headline=_headline,
    tone=stages.tone,
    follow_up=told.follow_up,
    remind=remind,
    reminding=told.REMINDING,
    calendar=told.calendar,
    stages=stages.STAGES,
)
