"""Delivery status notifications (RFC 3464) read into receipts.

No provider of its own. A report is believed to be about one of our hand-overs only by the token
in our own envelope sender, ``bounce+<hand-over>@<domain>``: servers send reports to that address
and echo it in Return-Path (RFC 5321, 4.4 and 6.1).
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from datetime import datetime
from email.message import Message as Mail
from email.utils import parsedate_to_datetime

from gateway.channels import AddressError
from gateway.channels.email import normalise
from gateway.providers import Delivery, Receipt

PREFIX = "bounce+"
DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "relayed": Delivery.DELIVERED,  # to a server that reports no further: the last word there will be
    "expanded": Delivery.DELIVERED,
    "delayed": Delivery.PENDING,
    "failed": Delivery.UNDELIVERED,
}
# Where our envelope sender is found: in the report, then in what it returns.
_ENVELOPE = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path")


def envelope_sender(handover: str, domain: str) -> str:
    """The address reports on this hand-over go to."""
    return f"{PREFIX}{handover}@{domain}"


def receipts(body: bytes, domain: str) -> list[Receipt]:
    """One receipt for each recipient. Raises ``ValueError``, which repeats nothing, for what is no report."""
    report = _parsed(body)
    blocks = _status_blocks(report) if report is not None else []
    recipients = [block for block in blocks if block.get("Final-Recipient")]
    handover = _handover(report, domain) if report is not None else ""
    if report is None or not recipients or not handover:
        raise ValueError("This is no delivery report on one of our hand-overs.")
    at = _moment(report.get("Date"))
    return [_receipt(block, handover, at) for block in recipients]


def _parsed(body: bytes) -> Mail | None:
    try:
        report = email.message_from_bytes(body)
    except (ValueError, LookupError, TypeError, AttributeError):  # what the parser stumbles over
        return None
    return report if report.get_content_type() == "multipart/report" else None


def _status_blocks(report: Mail) -> list[Mail]:
    """The per-message and per-recipient fields."""
    for part in report.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            return [block for block in part.get_payload() if isinstance(block, Mail)]
    return []


def _handover(report: Mail, domain: str) -> str:
    token = re.compile(rf"{re.escape(PREFIX)}([a-z0-9]{{1,15}})@{re.escape(domain)}(?![\w.-])", re.I | re.A)
    for value in _envelope_words(report):
        found = token.search(value)
        if found:
            return found[1].lower()
    return ""


def _envelope_words(report: Mail) -> Iterator[str]:
    for part in report.walk():
        fields = part
        if part.get_content_type() == "text/rfc822-headers":
            fields = email.message_from_string(str(part.get_payload()))
        for name in _ENVELOPE:
            yield from map(str, fields.get_all(name, ()))


def _receipt(block: Mail, handover: str, at: datetime | None) -> Receipt:
    status = re.match(r"[245]\.\d{1,3}\.\d{1,3}", str(block.get("Status", "")).strip())
    action = str(block.get("Action", "")).strip().lower()
    if action not in DELIVERIES:
        raise ValueError("A delivery report lacks its action.")
    return Receipt(
        reference="",
        address=_address(block),
        delivery=DELIVERIES[action],
        code=status[0] if status else "",
        at=_moment(block.get("Last-Attempt-Date")) or at,
        handover=handover,
    )


def _address(block: Mail) -> str:
    """Whom we wrote to; where the mail was forwarded the final recipient is somebody else."""
    field = block.get("Original-Recipient") or block.get("Final-Recipient")
    kind, _, text = str(field).partition(";")
    try:
        return normalise(text.strip(" <>") if kind.strip().lower() == "rfc822" else "")
    except AddressError:
        pass
    raise ValueError("A delivery report lacks its recipient.")


def _moment(text: object) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(text))
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
