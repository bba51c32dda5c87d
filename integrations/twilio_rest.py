"""The call that Twilio's messages and calls share: its SDK on our own transport, failures as values.

No provider of its own. Sources: the source of twilio-python 9.13.0 and the vendor's error
dictionary. Nothing is idempotent there: whatever may have arrived without an answer is ``Unknown``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from gateway.plugins import seconds
from gateway.provider_books import BooksUnanswered
from gateway.providers import Accepted, Cause, Outcome, Rejected, Throttled, Unknown
from integrations.kept_connections import Connections, Lost, basic, is_loopback
from integrations.twilio_callbacks import clean_code, token

T = TypeVar("T")

API = "https://api.twilio.com"
OF_EACH = frozenset({"To", "Body", "Twiml"})  # fields that are a person's, or long

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

# Failures of reading whatever answer came: by then the request had been processed or may have been.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


class Account:
    """One SDK client, safe in as many threads as it keeps connections.

    ``TWILIO_API_URL`` is another address of the API, in plain http for a server on this machine
    only. ``TWILIO_TIMEOUT_SECONDS`` (3) is how long an answer is waited for. ``outcomes`` maps
    the error codes of what is called to what they mean.
    """

    def __init__(self, settings: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> None:
        url = _api(settings.get("TWILIO_API_URL") or API)
        self._outcomes = outcomes
        self.client = Client(
            _account_sid(settings["TWILIO_ACCOUNT_SID"]),
            token(settings),
            http_client=_Transport(url, seconds(settings, "TWILIO_TIMEOUT_SECONDS", 3)),
            environment={"-": ""},  # not TWILIO_EDGE and TWILIO_REGION of the process: they change the host
        )
        self.client.api.base_url = url

    def ask(self, call: Callable[[], T]) -> T | Outcome:
        """What the SDK made of the answer, or the outcome that a failure means."""
        try:
            return call()
        except Lost as error:
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

    def pages(self, first: Callable[[], Any]) -> Iterator[list[Any]]:
        """What stands on each page of a list, the ``first`` and those it leads to.

        Raises ``BooksUnanswered`` where one does not come.
        """
        turn: Callable[[], Any] | None = first
        while turn:
            page = self.ask(turn)
            if isinstance(page, Outcome):
                raise BooksUnanswered(getattr(page, "code", "unreadable_answer"))
            yield list(page)
            turn = page.next_page if page.next_page_url else None

    def _refusal(self, raw_status: Any, raw_code: Any) -> Outcome:
        status = _status(raw_status)
        said = str(raw_code) != str(raw_status)  # without a code of its own the SDK repeats the status
        code = clean_code(raw_code) if said else f"http_{status}"
        if status == 429:
            return Throttled(code)
        if not 400 <= status < 500 or not said:
            return Unknown(code)  # it failed half-way, or something in between answered
        return self._outcomes.get(code, Rejected(code))


def accepted(answer: Any) -> Outcome:
    """What was made of a new message or call: its SID is its reference. A 2xx may lack it."""
    if isinstance(answer, Outcome):
        return answer
    return Accepted(str(answer.sid)) if answer.sid else Unknown("no_reference")


def _status(status: Any) -> int:
    try:
        return int(status)
    except (TypeError, ValueError):
        return 0


# --- the connection ----------------------------------------------------------------------


class _Transport(HttpClient):  # type: ignore[misc]
    """Kept connections for many threads; the SDK's own keeps the last answer where all threads see it."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._connections = Connections(url, timeout)

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
        sent = {**(headers or {}), **({"Authorization": basic(*auth)} if auth else {})}
        answer = self._connections.ask(method, target, sent, _encoded(data) if method == "POST" else None)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def _encoded(values: Mapping[str, object] | None) -> str:
    """Lists become repeated fields, as the vendor wants StatusCallbackEvent."""
    return "&".join(
        f"{_quoted_once(name)}={quote(str(one), safe='') if name in OF_EACH else _quoted_once(str(one))}"
        for name, value in (values or {}).items()
        for one in (value if isinstance(value, list | tuple) else (value,))
    )


@lru_cache(maxsize=256)
def _quoted_once(text: str) -> str:
    """What stands in every call: names, our number, where reports go."""
    return quote(text, safe="")


# --- settings ------------------------------------------------------------------------------


def _account_sid(text: str) -> str:
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", text):
        raise ValueError("TWILIO_ACCOUNT_SID is AC and 32 hexadecimal digits")
    return text


def _api(url: str) -> str:
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return url.rstrip("/")
    raise ValueError("TWILIO_API_URL is an https address; plain http is for a server on this machine only")
