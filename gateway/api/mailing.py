"""From the body of ``POST /v2/notifications/email`` to what is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.api import asking
from gateway.api.asking import Asked, Asker, Common
from gateway.channels import email
from gateway.content.letters import as_told
from gateway.content.rendering import compared

MOST = email.LIMIT


def letter(asker: Asker, body: Mapping[str, Any]) -> Asked:
    """An e-mail."""
    common, values = asking.begun(asker, "email", body)
    return letter_to(asker, common, values, body)


def letter_to(asker: Asker, of: Common, values: Mapping[str, Any], body: Mapping[str, Any]) -> Asked:
    """A text to one mailbox."""
    subject, text = of.version.words(values)
    if not text.strip():
        raise asking.empty()
    written, stop = body["email_address"], body.get("one_click_unsubscribe_url")
    address = asking.recipient(asker, "email", "email_address", written)
    if (size := len(text.encode())) > MOST:
        raise asking.refused(
            f"Your message is too long. Emails cannot be longer than {MOST} bytes. "
            f"Your message is {size} bytes long.",
            "Shorten the values or the text.",
        )
    request = asking.asked(asker, of, values, address, body, supplied=written, unsubscribe=stop)
    content = {
        "from_email": asker.known.from_email,
        "body": text,
        "subject": subject,
        "one_click_unsubscribe_url": stop,
    }
    changed = _sanitised(values, body.get("sanitise_content_for") or ())
    return Asked(request, of.version, {"content": content, "sanitised_content": changed})


def _sanitised(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Those of the values named that are told otherwise than they were given."""
    wanted = set(map(compared, names))
    mine = {name: value for name, value in values.items() if isinstance(value, str)}
    told = {name: as_told(value) for name, value in mine.items() if compared(name) in wanted}
    return {name: text for name, text in told.items() if text != values[name]}
