"""The call that Twilio's messages and calls share: its SDK on our own transport, failures as values.

No provider of its own. Sources: the source of twilio-python 9.13.0 and the vendor's error
dictionary and webhook-security pages. Nothing is idempotent there: whatever may have arrived
without an answer is ``Unknown``.
"""

from __future__ import annotations

import logging
import re
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import urllib3
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator
from twilio.rest import Client

from gateway.plugins import seconds
from gateway.providers import (
    Accepted,
    Callback,
    Cause,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
    Unreachable,
)

T = TypeVar("T")

API = "https://api.twilio.com"
POOL_SIZE = 16  # connections kept; more threads than this would open short-lived ones

SETTINGS: dict[str, str] = {
    "TWILIO_ACCOUNT_SID": "the account's SID, AC and 32 hexadecimal digits",
    "TWILIO_AUTH_TOKEN": "its auth token",
    "CALLBACKS_URL": "our public address for its callbacks, with {provider} in it; the gateway fills it in",
}

# What messages and calls may be answered with alike.
OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        Throttled("20429"),  # too many requests: never processed
        Rejected("20003", Cause.ACCOUNT),  # authentication failed
        Rejected("20005", Cause.ACCOUNT),  # account not active
        Rejected("10001", Cause.ACCOUNT),  # the same, in the older words
        Rejected("20404", Cause.OURS),  # no such address
        Rejected("21211", Cause.RECIPIENT),  # invalid To
        Rejected("21217", Cause.RECIPIENT),  # phone number does not appear to be valid
        Rejected("21212", Cause.OURS),  # invalid From
    )
}

ACKNOWLEDGEMENT = ("<Response/>", "text/xml")  # TwiML that does nothing

# Failures of reading whatever answer came: by then the request had been processed or may have been.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


class Account:
    """One SDK client, safe in as many threads as it keeps connections.

    ``TWILIO_API_URL`` is another address of the API, in plain http for a server on this machine
    only. ``TWILIO_TIMEOUT_SECONDS`` (3) is how long an answer is waited for. ``outcomes`` maps
    the error codes of what is called to what they mean.
    """

    def __init__(self, provider: str, settings: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> None:
        url = _api(settings.get("TWILIO_API_URL") or API)
        self._token = _token(settings["TWILIO_AUTH_TOKEN"])
        self._callbacks = _callbacks(settings["CALLBACKS_URL"], provider)
        self._outcomes = outcomes
        self.client = Client(
            _account_sid(settings["TWILIO_ACCOUNT_SID"]),
            self._token,
            http_client=_Transport(url, seconds(settings, "TWILIO_TIMEOUT_SECONDS", 3)),
            environment={"-": ""},  # not TWILIO_EDGE and TWILIO_REGION of the process: they change the host
        )
        self.client.api.base_url = url
        _silence()

    def ask(self, call: Callable[[], T]) -> T | Outcome:
        """What the SDK made of the answer, or the outcome that a failure means."""
        try:
            return call()
        except _Lost as error:
            return error.outcome
        except TwilioRestException as error:
            return self._refusal(error.status, error.code)
        except TwilioServiceException as error:
            return self._refusal(error.status, error.code)
        except TwilioException as error:  # of a list the SDK gives the response instead of its code
            status = getattr(error.args[-1], "status_code", None)
            return Unknown(f"http_{status}" if status else "unreadable_answer")
        except UNREADABLE:
            return Unknown("unreadable_answer")

    def _refusal(self, raw_status: Any, raw_code: Any) -> Outcome:
        status = _status(raw_status)
        said = str(raw_code) != str(raw_status)  # without a code of its own the SDK repeats the status
        code = clean_code(raw_code) if said else f"http_{status}"
        if status == 429:
            return Throttled(code)
        if not 400 <= status < 500 or not said:
            return Unknown(code)  # it failed half-way, or something in between answered
        return self._outcomes.get(code, Rejected(code))

    def callback_url(self, kind: str, handover: str) -> str:
        """Where the vendor reports on what is handed over; it calls back with the query as given."""
        return f"{self._callbacks}/{kind}?{urlencode({'handover': handover})}"

    def verify(self, callback: Callback) -> bool:
        """Whether the request is signed with our token, for the very URL it came to."""
        form = decoded_form(callback.body)
        if form is None:
            return False
        headers = {name.lower(): value for name, value in callback.headers.items()}
        signature = headers.get(SIGNATURE_HEADER.lower(), "")
        return bool(RequestValidator(self._token).validate(callback.url, form, signature))


def accepted(answer: Any) -> Outcome:
    """What was made of a new message or call: its SID is its reference. A 2xx may lack it."""
    if isinstance(answer, Outcome):
        return answer
    return Accepted(str(answer.sid)) if answer.sid else Unknown("no_reference")


def handover_of(callback: Callback) -> str:
    """Our hand-over id, which we put into the URL the vendor calls back; "" where it is not there."""
    return dict(parse_qsl(urlsplit(callback.url).query)).get("handover", "")


def form_of(callback: Callback, *needed: str) -> dict[str, str]:
    """The form of a callback. Raises ``ValueError``, without what came, when a needed field is missing."""
    form = decoded_form(callback.body)
    if form is None or not all(form.get(name) for name in needed):
        raise ValueError(f"A callback of Twilio's has {', '.join(needed)}.")
    return form


def decoded_form(body: bytes) -> dict[str, str] | None:
    """The fields, empty ones as well: they are signed, too. None when they are no text."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        return None


def is_e164(number: str) -> bool:
    """Whether it is a telephone number as Twilio writes them."""
    return bool(re.fullmatch(r"\+[1-9]\d{4,14}", number, re.ASCII))


def telephone(number: str) -> str:
    """A telephone number of a callback. Raises ``ValueError`` without it."""
    if not is_e164(number):
        raise ValueError("A callback of Twilio's is not about a telephone number.")
    return number


def clean_code(code: Any) -> str:
    """Codes go into logs and tables: what does not look like one may hold personal data."""
    text = str(code)
    return text if re.fullmatch(r"\d{3,6}|[a-z-]{2,20}", text, re.ASCII) else "unrecognised_code"


def _status(status: Any) -> int:
    try:
        return int(status)
    except (TypeError, ValueError):
        return 0


# --- the connection ----------------------------------------------------------------------


class _Lost(Exception):
    """The call ended without an answer: whether it may have arrived is its outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class _Transport(HttpClient):  # type: ignore[misc]
    """Kept connections for many threads; the SDK's own keeps the last answer where all threads see it."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._pool = _pool(url, urllib3.Timeout(connect=min(timeout, 1.0), read=timeout))

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """As the SDK calls it; its time limit is ours."""
        target = f"{url}?{_encoded(params)}" if params else url
        body = _encoded(data) if method == "POST" else None
        sent = {**(headers or {}), **urllib3.make_headers(basic_auth=":".join(auth) if auth else None)}
        try:
            answer = self._pool.request(method, target, body=body, headers=sent, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            outcome = _transport_outcome(error)
        else:
            return Response(answer.status, answer.data.decode("utf-8", "replace"), answer.headers)
        raise _Lost(outcome)  # out of the handler, so that nothing of the original error hangs on


def _encoded(values: Mapping[str, object] | None) -> str:
    """Lists become repeated fields, as the vendor wants StatusCallbackEvent."""
    return urlencode(dict(values or {}), doseq=True, quote_via=quote)


def _transport_outcome(error: BaseException) -> Outcome:
    """What never left is unreachable; what may have arrived is unknown."""
    errors = urllib3.exceptions
    if isinstance(error, errors.NewConnectionError | errors.ConnectTimeoutError | errors.ProxyError):
        return Unreachable("connect_failed")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in (error, *error.args)):
        return Unreachable("tls_certificate")
    return Unknown("read_timeout" if isinstance(error, errors.ReadTimeoutError) else "connection_lost")


def _pool(url: str, timeout: urllib3.Timeout) -> urllib3.PoolManager:
    """The environment's proxy, but none where NO_PROXY or loopback says so."""
    host = urlsplit(url).hostname or ""
    proxy = None if _is_loopback(host) else urllib.request.getproxies().get("https")
    if proxy and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxy, maxsize=POOL_SIZE, timeout=timeout, retries=False)
    return urllib3.PoolManager(maxsize=POOL_SIZE, timeout=timeout, retries=False)


def _silence() -> None:
    """At its loudest urllib3 logs paths and queries: our account there, and whom a list is about."""
    logging.getLogger("urllib3.connectionpool").addFilter(_without_our_urls)


def _without_our_urls(record: logging.LogRecord) -> bool:
    return "/Accounts/" not in str(record.args)


# --- settings ------------------------------------------------------------------------------


def _account_sid(text: str) -> str:
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", text):
        raise ValueError("TWILIO_ACCOUNT_SID is AC and 32 hexadecimal digits")
    return text


def _token(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError("TWILIO_AUTH_TOKEN is letters and digits")
    return text


def _api(url: str) -> str:
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return url.rstrip("/")
    raise ValueError("TWILIO_API_URL is an https address; plain http is for a server on this machine only")


def _callbacks(url: str, provider: str) -> str:
    if "{provider}" not in url or urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("CALLBACKS_URL is an address with {provider} in it")
    return url.replace("{provider}", provider).rstrip("/")


def _is_loopback(host: str) -> bool:
    return bool(re.fullmatch(r"127(\.\d+){3}|localhost|::1", host))
