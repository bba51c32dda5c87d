"""The first words about a transaction on every face: its type's own, or else those of its state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.transactions.model import ENDS, OPEN, RETURNED, State, TransactionType, View, Words


@dataclass(frozen=True, slots=True)
class Headline:
    """The first words of how it stands; ``tone`` is good, wait or bad and never stands alone."""

    words: Words
    tone: str


_OPEN = Headline(Words("还没有提交", "Not submitted yet"), "wait")
_STILL = Headline(Words("已收到，还在办理", "Received, still being done"), "wait")
_RETURNED = Headline(Words("请您改一下", "Sent back: please put it right"), "wait")
_HEADLINES: Mapping[State, Headline] = {
    State.DRAFT: _OPEN,
    State.IDENTITY_PENDING: _OPEN,
    State.SUBMITTED: Headline(Words("已收到，正在办理", "Received, being done now"), "wait"),
    State.UPSTREAM_UNKNOWN: _STILL,
    State.SUCCEEDED: Headline(Words("办好了", "Done"), "good"),
    State.ALREADY_DONE: Headline(Words("之前已经办好", "It had been done before"), "good"),
    State.REJECTED: Headline(Words("没有办成", "This could not be done"), "bad"),
    State.FAILED: Headline(Words("没有办成，请找人工", "Not done: please speak to a person"), "bad"),
    State.CANCELLED: Headline(Words("没有提交，已经取消", "Never submitted, now cancelled"), "bad"),
}


def headline(kind: TransactionType, view: View) -> Headline:
    """What the type says of itself, or else of its state."""
    usual = _STILL if view.trouble and view.state not in ENDS else _HEADLINES[view.state]
    if view.stage == RETURNED and view.state in OPEN:
        usual = _RETURNED
    return Headline(kind.headline(view) or usual.words, kind.tone(view) or usual.tone)
