"""The words for where a notification is, and the moves between them. Pure."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a notification is; each with its one line of meaning."""

    WAITING = "waiting"  # taken by us, to be handed over when due
    SENDING = "sending"  # leased to a worker that is handing it over, or has just now (delivery.acceptances)
    ACCEPTED = "accepted"  # the provider took it; its receipt is awaited, or never came (reason no_receipt)
    DELIVERED = "delivered"  # the receipt says it reached the handset
    UNDELIVERED = "undelivered"  # the receipt says it did not
    UNKNOWN = "unknown"  # perhaps taken by the provider: being found out, or for ever unknown
    EXPIRED = "expired"  # its time passed before it could go out
    SUPPRESSED = "suppressed"  # not sent on purpose: no address, opted out, complained, a dead address
    CANCELLED = "cancelled"  # withdrawn by its service or an operator
    FAILED = "failed"  # refused for good, or given up: a dead letter


ENDS = frozenset(
    {
        Status.DELIVERED,
        Status.UNDELIVERED,
        Status.EXPIRED,
        Status.SUPPRESSED,
        Status.CANCELLED,
        Status.FAILED,
    }
)
"""Statuses nothing moves out of, so a late or repeated receipt changes nothing."""

DEAD = (Status.FAILED, Status.UNDELIVERED, Status.EXPIRED)
"""Ends that reached nobody and may be worth another message."""

_REPORTED = {Status.DELIVERED, Status.UNDELIVERED}
MOVES: dict[Status, frozenset[Status]] = {
    Status.WAITING: frozenset(
        {Status.SENDING, Status.EXPIRED, Status.SUPPRESSED, Status.CANCELLED, Status.FAILED, *_REPORTED}
    ),
    Status.SENDING: frozenset(
        {
            Status.WAITING,
            Status.ACCEPTED,
            Status.UNKNOWN,
            Status.EXPIRED,
            Status.SUPPRESSED,
            Status.FAILED,
            *_REPORTED,
        }
    ),
    Status.UNKNOWN: frozenset(
        {Status.WAITING, Status.ACCEPTED, Status.EXPIRED, Status.SUPPRESSED, Status.FAILED, *_REPORTED}
    ),
    Status.ACCEPTED: frozenset({Status.WAITING, *_REPORTED}),
    **{status: frozenset() for status in ENDS},
}
"""Which status may follow which. A receipt may overtake everything before it:
it can come before the hand-over's own answer is recorded.

One move looks like a step back and is none: *accepted* → *waiting* when the receipt of a
call says that nobody was there just now. That try has ended, and another one is due
(``delivery.retry.after_receipt``)."""


def may_move(old: Status, new: Status) -> bool:
    return new in MOVES[old]
