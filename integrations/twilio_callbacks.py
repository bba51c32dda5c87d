"""What Twilio sends to us, for messages and calls alike: signed forms to the addresses we name.

No provider of its own. Sources: the vendor's pages on webhook security and connection overrides,
and the source of twilio-python 9.13.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from twilio.request_validator import SIGNATURE_HEADER, RequestValidator

from gateway.providers import Callback

SETTINGS: dict[str, str] = {
    "TWILIO_ACCOUNT_SID": "the account's SID, AC and 32 hexadecimal digits",
    "TWILIO_AUTH_TOKEN": "its auth token",
    "CALLBACKS_URL": "our public address for its callbacks, with {provider} in it; the gateway fills it in",
}

# Left alone, the vendor asks once more after a failed connection and never after a 5xx: what it had
# to say is lost. The fragment, which stays with the vendor, asks for all it offers: five times within
# 15 seconds.
RETRIED = "#rc=5&rp=all"

ACKNOWLEDGEMENT = ("<Response/>", "text/xml")  # TwiML that does nothing


class Callbacks:
    """The half of a ``Reporter`` that messages and calls share."""

    name: str

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._token = token(settings)
        self._address = _address(settings["CALLBACKS_URL"], self.name)

    def callback_url(self, kind: str, handover: str) -> str:
        """Where the vendor reports on what is handed over; it calls back with the query as given."""
        return f"{self._address}/{kind}?{urlencode({'handover': handover})}{RETRIED}"

    def verify(self, callback: Callback) -> bool:
        """Whether the request is signed with our token, for the very URL it came to.

        The vendor's pages do not say whether a fragment is signed, and its libraries differ: ours
        may be, any other may not. Who repeats a genuine request passes; the engine keeps it once.
        """
        signed = _signed_part(callback)
        headers = {name.lower(): value for name, value in callback.headers.items()}
        signature = headers.get(SIGNATURE_HEADER.lower(), "")
        if signed is None or not signature:
            return False
        validator = RequestValidator(self._token)
        urls = (callback.url, callback.url + RETRIED)
        return any(validator.validate(url, signed, signature) for url in urls)

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        """Nothing to do or to answer."""
        return ACKNOWLEDGEMENT


class _Fields(dict[str, list[str]]):
    """A form in which a field may stand twice, as the vendor's validator asks for it."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _signed_part(callback: Callback) -> _Fields | str | None:
    """What is signed beside the URL: a form, or a text (JSON) whose digest is in the URL. None: neither."""
    try:
        text = callback.body.decode()
        if "bodySHA256" in parse_qs(urlsplit(callback.url).query):
            return text
        return _Fields(parse_qs(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        return None


def handover_of(callback: Callback) -> str:
    """Our hand-over id, which we put into the URL the vendor calls back; "" where it is not there."""
    return parse_qs(urlsplit(callback.url).query).get("handover", [""])[-1]


def form_of(callback: Callback, *needed: str) -> dict[str, str]:
    """The form of a callback. Raises ``ValueError``, without what came, when a needed field is missing."""
    form = _form(callback.body)
    if not all(form.get(name) for name in needed):
        raise ValueError(f"A callback of Twilio's has {', '.join(needed)}.")
    return form


def _form(body: bytes) -> dict[str, str]:
    """The fields; none when they are no text."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def is_e164(number: str) -> bool:
    """Whether it is a telephone number as Twilio writes them."""
    return bool(re.fullmatch(r"\+[1-9]\d{4,14}", number, re.ASCII))


def telephone(number: str) -> str:
    """A telephone number of a callback. Raises ``ValueError`` without it."""
    if not is_e164(number):
        raise ValueError("A callback of Twilio's is not about a telephone number.")
    return number


def reference(sid: str) -> str:
    """The SID in a callback. Raises ``ValueError`` without what stands in its place."""
    if not re.fullmatch(r"[A-Z]{2}[0-9a-zA-Z]{1,62}", sid, re.ASCII):
        raise ValueError("A callback of Twilio's is about something with a SID.")
    return sid


def clean_code(code: Any) -> str:
    """Codes go into logs and tables: what does not look like one may hold personal data."""
    text = str(code)
    return text if re.fullmatch(r"\d{3,6}|[a-z-]{2,20}", text, re.ASCII) else "unrecognised_code"


# --- settings ------------------------------------------------------------------------------


def token(settings: Mapping[str, str]) -> str:
    """The auth token, which also signs. Raises ``ValueError`` for one that cannot be."""
    text = settings["TWILIO_AUTH_TOKEN"]
    if not (text.isascii() and text.isprintable()):
        raise ValueError("TWILIO_AUTH_TOKEN is letters and digits")
    return text


def own_number(settings: Mapping[str, str], name: str) -> str:
    """The number we send or call from. Raises ``ValueError`` for one that is none."""
    if not is_e164(settings[name]):
        raise ValueError(f"{name} is a telephone number like +15005550006")
    return settings[name]


def _address(url: str, provider: str) -> str:
    if "{provider}" not in url or urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("CALLBACKS_URL is an address with {provider} in it")
    return url.replace("{provider}", provider).rstrip("/")
