"""Delivery status notifications (RFC 3464, 6533) read into receipts.

No provider of its own. A report is believed to be about one of our mails only by the token in our
own envelope sender, or in the Message-ID of the mail it returns (``mail_tokens``), and only where
that token was made for the address it names.

Whom the mail was for is told by Original-Recipient, as we ask for it (RFC 3461), by To of the
returned mail, which is ours and has one recipient, or by Final-Recipient, which is somebody else's
where the mail was forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from gateway.channels import AddressError
from gateway.channels.email import normalise
from gateway.providers import Cause, Delivery, Receipt
from integrations.mail_parts import REPORT, Fields, Part, blocks, moment
from integrations.mail_tokens import Tokens, handover_of

KINDS = ("message/delivery-status", "message/global-delivery-status")
Fits = Callable[[str], bool]
DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "relayed": Delivery.PENDING,  # to a server that promises no reports: it may still send one back
    "expanded": Delivery.DELIVERED,
    "delayed": Delivery.PENDING,
    "failed": Delivery.UNDELIVERED,
}
BEST = (Delivery.DELIVERED, Delivery.PENDING, Delivery.UNDELIVERED)
# Why a mail was given up, by its enhanced status code (RFC 3463 and the IANA registry); the first
# figure 4 is a trouble that would have passed: the server only tried for as long as it does.
_CAUSES: Mapping[Cause, str] = {
    Cause.RECIPIENT: "5.1.1 5.1.2 5.1.3 5.1.4 5.1.6 5.1.10 5.2.1 5.4.4 5.6.7 5.7.13 5.7.17 5.7.18",
    Cause.AWAY: "4.0.0 4.1.1 4.1.2 4.2.0 4.2.1 4.2.2 4.3.0 4.3.1 4.3.2 4.4.0 4.4.1 4.4.2 4.4.3 4.4.4 4.4.5"
    " 4.4.6 4.4.7 4.5.3 4.7.0 4.7.1 4.7.28 5.2.2 5.3.1 5.3.2 5.4.1 5.4.2 5.4.7",
    Cause.CONTENT: "5.2.3 5.3.4 5.6.0 5.6.1 5.6.2 5.6.3 5.6.9 5.7.0 5.7.1 5.7.7",
    Cause.ACCOUNT: "5.7.8 5.7.9 5.7.11 5.7.20 5.7.21 5.7.22 5.7.23 5.7.24 5.7.25 5.7.26 5.7.27 5.7.29",
    Cause.OURS: "5.1.7 5.1.8 5.5.0 5.5.1 5.5.2 5.5.3 5.5.4 5.5.5 5.5.6",
}
CAUSES: dict[str, Cause] = {code: cause for cause, codes in _CAUSES.items() for code in codes.split()}


def read(parts: Sequence[Part], tokens: Tokens) -> list[Receipt]:
    """One receipt for each recipient. Raises ``ValueError``, which repeats nothing, for what is no report."""
    status = [part for part in parts if part.kind in KINDS and part.within == REPORT and not part.returned]
    token = tokens.read(parts)
    if not status or not token:
        raise ValueError("This is no delivery report on one of our mails.")
    fits = partial(tokens.fits, token)
    at, wrote_to = moment(parts[0].first("date")), _wrote_to(parts, fits)
    found: dict[str, Receipt] = {}
    for block in (block for part in status for block in blocks(part.content) if "final-recipient" in block):
        receipt = _receipt(block, _address(block, wrote_to, fits), handover_of(token), at)
        known = found.get(receipt.address)
        if known is None or BEST.index(receipt.delivery) < BEST.index(known.delivery):
            found[receipt.address] = receipt  # one address forwarded to several has arrived with the first
    ours = [receipt for receipt in found.values() if fits(receipt.address)]
    if not ours:
        raise ValueError("A delivery report speaks of nobody we wrote to.")
    return ours


def returned_recipient(part: Part) -> str:
    """Whom a returned mail was written to, "" where it does not tell."""
    for value in part.fields.get("to", ()):
        try:
            return normalise(value.strip(" <>"))
        except AddressError:
            continue
    return ""


def _wrote_to(parts: Sequence[Part], fits: Fits) -> str:
    """Whom the returned mail was for, "" where it is not the one the token is of."""
    named = (returned_recipient(part) for part in parts if part.returned)
    return next((address for address in named if address and fits(address)), "")


def _receipt(block: Fields, address: str, handover: str, at: datetime | None) -> Receipt:
    delivery = DELIVERIES.get(_word(block, "action").lower())
    if delivery is None:
        raise ValueError("A delivery report lacks its action.")
    code = _code(block)
    return Receipt(
        reference="",
        address=address,
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


def _address(block: Fields, wrote_to: str, fits: Fits) -> str:
    original, final = _recipient(block, "original-recipient"), _recipient(block, "final-recipient")
    named = [address for address in (wrote_to, original, final) if address]
    if not named:
        raise ValueError("A delivery report lacks its recipient.")
    return next(filter(fits, named), named[0])


def _recipient(block: Fields, name: str) -> str:
    kind, _, text = _word(block, name).partition(";")
    try:
        return normalise(_plain(text.strip(" <>"))) if kind.strip().lower() == "rfc822" else ""
    except AddressError:
        return ""


def _plain(text: str) -> str:
    """An address out of xtext (RFC 3461, 4): servers hand ORCPT on as it came."""
    return re.sub(r"\+(2B|3D)", lambda sign: chr(int(sign[1], 16)), text)
