"""A visit to somebody's home: asked for, arranged for a day, made, or refused with what helps instead. Pure.

Staff call first; what was agreed on stands in the transaction's facts and is told by message, so that
whoever lives alone need not remember it, and knows that nobody else will knock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.pensions.situation import Situation, day
from gateway.transactions.model import Words

REQUESTED, CALLED, ARRANGED = "requested", "called", "arranged"
VISITED, REFUSED = "visited", "refused"
WAITING = (REQUESTED, CALLED, ARRANGED)  # somebody still has something to do
AFTER: Mapping[str, tuple[str, ...]] = {  # what may follow
    "": (REQUESTED,),
    REQUESTED: (CALLED, ARRANGED, VISITED, REFUSED),
    CALLED: (REQUESTED, ARRANGED, VISITED, REFUSED),
    ARRANGED: (ARRANGED, VISITED, REFUSED),
    VISITED: (REQUESTED,),
    REFUSED: (REQUESTED,),
}
PARTS: Mapping[str, Words] = {
    "am": Words("上午", " in the morning"),
    "pm": Words("下午", " in the afternoon"),
    "": Words("", ""),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody comes (at most 35 characters), and what to do instead."""

    why: Words
    instead: Words


REFUSALS: Mapping[str, Refusal] = {
    "not_reached": Refusal(
        Words("三次打电话都没有接通", "nobody answered three calls"),
        Words("方便接电话时请再申请一次", "Ask again when you can answer"),
    ),
    "not_here": Refusal(
        Words("您住在外地", "you live elsewhere"),
        Words("请亲属用手机帮您认，或到当地社保窗口", "Try a relative's phone or a counter"),
    ),
    "not_needed": Refusal(
        Words("您已经认证过了", "you are authenticated already"),
        Words("现在不用再办", "There is nothing more to do"),
    ),
    "other": Refusal(
        Words("这次不能安排", "it cannot be arranged now"),
        Words("请拨12333按0，商量别的办法", "Call 12333, press 0: another way"),
    ),
}


def stage(s: Situation) -> str:
    """Where the visit stands; "" where none was asked for."""
    if s.visit_refused:
        return REFUSED
    if s.visited_on:
        return VISITED
    if s.visit_on:
        return ARRANGED
    if s.home_visit_done:
        return CALLED
    return REQUESTED if s.home_visit else ""


def day_said(s: Situation) -> str | None:
    """The day until which whoever asked has our word, as ISO 8601; null: they may ask, or ask again."""
    said = {REQUESTED: s.home_visit, ARRANGED: s.visit_on}.get(stage(s))
    return said.isoformat() if said else None


def may(s: Situation, after: str) -> bool:
    """Whether it may go on to that."""
    return after in AFTER[stage(s)]


def when(s: Situation) -> Words:
    """The day that was agreed on."""
    if s.visit_on is None:
        return Words("约好的时间", "the time agreed on")
    on, part = day(s.visit_on, s.asked_on), PARTS[s.visit_part]
    return Words(f"{on.zh}{part.zh}", f"{on.en}{part.en}")


def refusal(s: Situation) -> Refusal:
    return REFUSALS.get(s.visit_refused, REFUSALS["other"])


def told(s: Situation) -> Words | None:
    """Where it stands, in a sentence with what to do next; null where none was asked for."""
    line = s.rules.hotline
    match stage(s):
        case "requested":
            by = day(s.home_visit or s.asked_on, s.asked_on)
            return Words(
                f"上门认证已记下，工作人员最晚{by.zh}先打电话和您约时间，不会直接敲门。"
                f"过了这天没接到，请再申请一次，或拨{line}按0。",
                f"Your home visit is noted: staff will call by {by.en} to agree on a time; nobody comes "
                f"unannounced. If nobody has called by then, ask again here, or call {line} and press 0.",
            )
        case "arranged" if s.visit_on and s.visit_on < s.asked_on:
            at = when(s)
            return Words(
                f"约好的{at.zh}已经过了。没见到工作人员的，可以再申请一次，或拨{line}按0。",
                f"The time agreed on, {at.en}, has passed. If you saw nobody, ask for a visit again, "
                f"or call {line} and press 0.",
            )
        case "arranged":
            at = when(s)
            return Words(
                f"约好了：{at.zh}工作人员到您家办认证，不收钱，带着工作证。时间不合适，拨{line}按0改。",
                f"Agreed: staff come to your home on {at.en}, free of charge and with their badge. "
                f"To change the time call {line} and press 0.",
            )
        case "called":
            on = day(s.home_visit_done or s.asked_on, s.asked_on)
            return Words(
                f"{on.zh}工作人员为上门认证联系过您了。没接到的，可以再申请一次，或拨{line}按0。",
                f"Staff called about your home visit on {on.en}. If you missed it, ask for it again, "
                f"or call {line} and press 0.",
            )
        case "visited":
            on = day(s.visited_on or s.asked_on, s.asked_on)
            return Words(
                f"{on.zh}工作人员到您家来过了。没见到人的，可以再申请一次，或拨{line}按0。",
                f"Staff came to your home on {on.en}. If you saw nobody, ask for it again, "
                f"or call {line} and press 0.",
            )
        case "refused":
            no = refusal(s)
            return Words(
                f"上门认证这次没有办成：{no.why.zh}。{no.instead.zh}。也可以拨{line}按0。",
                f"Nobody comes this time: {no.why.en}. {no.instead.en}, or call {line} and press 0.",
            )
        case _:
            return None
