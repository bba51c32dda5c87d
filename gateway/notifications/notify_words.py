"""Our words in GOV.UK Notify's, which services read. Pure.

Sources: the API's documentation at docs.notifications.service.gov.uk and its official clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.notifications.status import Status
from gateway.providers import Cause

STATUS: Mapping[Status, str] = {
    Status.WAITING: "created",
    Status.SENDING: "sending",
    Status.ACCEPTED: "sending",
    Status.UNKNOWN: "sending",
    Status.DELIVERED: "delivered",
    Status.UNDELIVERED: "temporary-failure",  # unless its cause says more
    Status.SUPPRESSED: "permanent-failure",
    Status.EXPIRED: "technical-failure",
    Status.FAILED: "technical-failure",
    Status.CANCELLED: "cancelled",
}
PERMANENT = frozenset({Cause.RECIPIENT, Cause.OPTED_OUT})
"""Causes for which trying again helps nobody."""


def status(ours: str, cause: str | None = None) -> str:
    """Notify's word for one of ours; ``cause`` is why it did not arrive, where the provider told."""
    if ours in (Status.UNDELIVERED, Status.FAILED) and cause in PERMANENT:
        return "permanent-failure"
    return STATUS[Status(ours)]


def stamp(at: datetime) -> str:
    """A time as Notify writes it: UTC, with six decimals."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
