"""Complaints (RFC 5965, the abuse reporting format): somebody called a mail of ours unwanted.

No provider of its own. One is believed only where the mail it gives back has our envelope sender or
our Message-ID in it, whose token was made for the address that complains (``mail_tokens``).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.channels import AddressError
from gateway.channels.email import normalise
from gateway.providers import Complaint
from integrations.bounces import returned_recipient
from integrations.mail_parts import REPORT, Part, blocks, moment
from integrations.mail_tokens import Tokens, handover_of

KIND = "message/feedback-report"
# The others (not-spam, virus, auth-failure …) do not say that somebody wants no more of it.
UNWANTED = frozenset({"abuse", "fraud", "other", "opt-out", "opt-out-list"})


def read(parts: Sequence[Part], tokens: Tokens) -> list[Complaint]:
    """The complaint, if it is one. Raises ``ValueError``, which repeats nothing, for what is not about us."""
    reports = [part for part in parts if part.kind == KIND and part.within == REPORT and not part.returned]
    returned = [part for part in parts if part.returned]
    token = tokens.read(returned)
    if not reports or not token:
        raise ValueError("This is no complaint about one of our mails.")
    fields = next(iter(blocks(reports[0].content)), {})
    if not any(kind.lower() in UNWANTED for kind in fields.get("feedback-type", ())):
        return []
    named = [_address(value) for value in fields.get("original-rcpt-to", ())]
    candidates = [*named, *map(returned_recipient, returned)]  # services leave the first out, or blacken it
    address = next((one for one in candidates if one and tokens.fits(token, one)), "")
    if not address:
        raise ValueError("A complaint does not say whose it is.")
    return [Complaint(address, moment(parts[0].first("date")), handover_of(token))]


def _address(text: str) -> str:
    try:
        return normalise(text.removeprefix("rfc822;").strip(" <>"))
    except AddressError:
        return ""
