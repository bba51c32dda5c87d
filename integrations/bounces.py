"""Delivery status notifications (RFC 3464, 6533) read into receipts.

No provider of its own. A report is believed to be about one of our mails only by the token in
our own envelope sender, ``bounce+<hand-over>@<domain>`` – servers send reports to that address and
echo it in Return-Path (RFC 5321, 4.4 and 6.1) –, or by the Message-ID of the mail it returns.

Which mail of a batch it is about is told by the recipient: Original-Recipient, as we ask for it
(RFC 3461), else To of the returned mail, which is ours and has one recipient, else Final-Recipient,
which is somebody else's where the mail was forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from gateway.channels import AddressError
from gateway.channels.email import normalise
from gateway.providers import Cause, Delivery, Receipt
from integrations.mail_parts import REPORT, Fields, Part, blocks, moment

PREFIX = "bounce+"
KINDS = ("message/delivery-status", "message/global-delivery-status")
DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "relayed": Delivery.DELIVERED,  # to a server that reports no further: the last word there will be
    "expanded": Delivery.DELIVERED,
    "delayed": Delivery.PENDING,
    "failed": Delivery.UNDELIVERED,
}
BEST = (Delivery.DELIVERED, Delivery.PENDING, Delivery.UNDELIVERED)
# Where our envelope sender and our Message-ID are found, in the report and in what it returns.
_ENVELOPE = ("to", "delivered-to", "x-original-to", "envelope-to", "return-path")
_IDS = ("message-id", "in-reply-to", "references")

# Why a mail was given up, by its enhanced status code (RFC 3463 and the IANA registry); the first
# figure 4 is a trouble that would have passed: the server only tried for as long as it does.
_CAUSES: Mapping[Cause, str] = {
    Cause.RECIPIENT: "5.1.0 5.1.1 5.1.2 5.1.3 5.1.4 5.1.6 5.1.10 5.2.1 5.4.4 5.6.7 5.7.13 5.7.17 5.7.18",
    Cause.AWAY: "4.0.0 4.1.1 4.1.2 4.2.0 4.2.1 4.2.2 4.3.0 4.3.1 4.3.2 4.4.0 4.4.1 4.4.2 4.4.3 4.4.4 4.4.5"
    " 4.4.6 4.4.7 4.5.3 4.7.0 4.7.1 4.7.28 5.2.2 5.3.1 5.3.2 5.4.1 5.4.2 5.4.7",
    Cause.CONTENT: "5.2.3 5.3.4 5.6.0 5.6.1 5.6.2 5.6.3 5.6.9 5.7.0 5.7.1 5.7.7",
    Cause.ACCOUNT: "5.7.8 5.7.9 5.7.11 5.7.20 5.7.21 5.7.22 5.7.23 5.7.24 5.7.25 5.7.26 5.7.27 5.7.29",
    Cause.OURS: "5.1.7 5.1.8 5.5.0 5.5.1 5.5.2 5.5.3 5.5.4 5.5.5 5.5.6",
}
CAUSES: dict[str, Cause] = {code: cause for cause, codes in _CAUSES.items() for code in codes.split()}


def envelope_sender(handover: str, domain: str) -> str:
    """The address reports on this hand-over go to."""
    return f"{PREFIX}{handover}@{domain}"


def message_id(handover: str, number: int, domain: str) -> str:
    """The Message-ID, without its brackets, of one mail of it."""
    return f"{handover}.{number}@{domain}"


def read(parts: Sequence[Part], domain: str) -> list[Receipt]:
    """One receipt for each recipient. Raises ``ValueError``, which repeats nothing, for what is no report."""
    status = [part for part in parts if part.kind in KINDS and part.within == REPORT and not part.returned]
    handover = handover_of(parts, domain)
    if not status or not handover:
        raise ValueError("This is no delivery report on one of our mails.")
    at, wrote_to = moment(parts[0].first("date")), _wrote_to(parts, domain)
    found: dict[str, Receipt] = {}
    for block in (block for part in status for block in blocks(part.content) if "final-recipient" in block):
        receipt = _receipt(block, wrote_to, handover, at)
        known = found.get(receipt.address)
        if known is None or BEST.index(receipt.delivery) < BEST.index(known.delivery):
            found[receipt.address] = receipt  # one address forwarded to several has arrived with the first
    if not found:
        raise ValueError("A delivery report speaks of nobody.")
    return list(found.values())


def handover_of(parts: Sequence[Part], domain: str) -> str:
    """Our hand-over that these parts name, "" where they name none."""
    places = (
        (_ENVELOPE, rf"{re.escape(PREFIX)}([a-z0-9]{{1,15}})@"),
        (_IDS, r"<([a-z0-9]{1,15})\.[0-9]{1,3}@"),
    )
    for names, shape in places:
        token = re.compile(rf"{shape}{re.escape(domain)}(?![\w.-])", re.I | re.A)
        for value in _values(parts, names):
            if found := token.search(value):
                return found[1].lower()
    return ""


def returned_recipient(part: Part) -> str:
    """Whom a returned mail was written to, "" where it does not tell."""
    for value in part.fields.get("to", ()):
        try:
            return normalise(value.strip(" <>"))
        except AddressError:
            continue
    return ""


def _values(parts: Sequence[Part], names: Sequence[str]) -> Iterator[str]:
    for part in parts:
        for name in names:
            yield from part.fields.get(name, ())


def _wrote_to(parts: Sequence[Part], domain: str) -> str:
    ours = (part for part in parts if part.returned and handover_of([part], domain))
    return next(filter(None, map(returned_recipient, ours)), "")


def _receipt(block: Fields, wrote_to: str, handover: str, at: datetime | None) -> Receipt:
    delivery = DELIVERIES.get(_word(block, "action").lower())
    if delivery is None:
        raise ValueError("A delivery report lacks its action.")
    code = _code(block)
    return Receipt(
        reference="",
        address=_address(block, wrote_to),
        delivery=delivery,
        code=code,
        at=moment(_word(block, "last-attempt-date")) or at,
        handover=handover,
        cause=_cause(code) if delivery is Delivery.UNDELIVERED else None,
    )


def _word(block: Fields, name: str) -> str:
    return next(iter(block.get(name, ())), "").strip()


def _code(block: Fields) -> str:
    """The status; where that says nothing in particular, what the server that refused said."""
    shape = r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])"
    status = re.match(shape, _word(block, "status"))
    said = re.search(rf"(?<![0-9.]){shape}", _word(block, "diagnostic-code"))
    if said and (status is None or (status[0].endswith(".0.0") and said[0][0] == status[0][0])):
        return said[0]
    return status[0] if status else ""


def _cause(code: str) -> Cause:
    return CAUSES.get(code, Cause.AWAY if code.startswith("4.") else Cause.UNSPECIFIED)


def _address(block: Fields, wrote_to: str) -> str:
    original, final = _recipient(block, "original-recipient"), _recipient(block, "final-recipient")
    address = original or wrote_to or final
    if not address:
        raise ValueError("A delivery report lacks its recipient.")
    return address


def _recipient(block: Fields, name: str) -> str:
    kind, _, text = _word(block, name).partition(";")
    try:
        return normalise(_plain(text.strip(" <>"))) if kind.strip().lower() == "rfc822" else ""
    except AddressError:
        return ""


def _plain(text: str) -> str:
    """An address out of xtext (RFC 3461, 4): servers hand ORCPT on as it came."""
    return re.sub(r"\+(2B|3D)", lambda sign: chr(int(sign[1], 16)), text)
