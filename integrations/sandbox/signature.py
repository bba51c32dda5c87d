"""Aliyun's RPC signature, checked as the vendor does: HMAC-SHA1 over the sorted, encoded parameters."""

from __future__ import annotations

import base64
import hmac
import sqlite3
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from yarl import URL

from integrations.sandbox.options import Credentials
from integrations.sandbox.scratch import key_of

TOLERANCE = 15 * 60  # seconds a timestamp may be off, and a nonce is remembered at least twice as long
MISMATCH = "Specified signature is not matched with our calculation. server string to sign is:"
MANDATORY = (
    "AccessKeyId",
    "Signature",
    "SignatureNonce",
    "Timestamp",
    "SignatureMethod",
    "SignatureVersion",
)
HOW = ("HMAC-SHA1", "1.0")  # method and version: what says it was signed otherwise does not match
UNRESERVED = string.ascii_letters + string.digits + "-_.~"
SHORT = 64  # characters of a value that may be worth remembering: names, versions, templates, this second
# What yarl leaves in a query, or writes in another way than the vendor.
LEFT = {sign: quote(sign, safe="") for sign in "?/:@!$'()*,"} | {"+": "%20"}


class Refused(Exception):
    """The vendor's no: its code, its message and the HTTP status it comes with (business codes: 200)."""

    def __init__(self, code: str, message: str = "", status: int = 200) -> None:
        super().__init__(code)
        self.code = code
        self.message = message or code
        self.status = status


class Doorkeeper:
    """Lets in calls that are signed, fresh and new."""

    def __init__(self, credentials: Credentials, scratch: sqlite3.Connection) -> None:
        self._key_id = credentials.access_key_id
        self._secret = f"{credentials.access_key_secret}&".encode()
        self._scratch = scratch
        self._swept = 0.0
        scratch.execute("CREATE TABLE nonce (key INTEGER PRIMARY KEY, at REAL NOT NULL)")

    def check(self, method: str, params: Mapping[str, str], now: float) -> None:
        """Raise ``Refused`` as the vendor would."""
        for name in MANDATORY:
            if not params.get(name):
                raise Refused(f"Missing{name}", f"{name} is mandatory for this action.", 400)
        if params["AccessKeyId"] != self._key_id:
            raise Refused("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
        self._check_time(params["Timestamp"], now)
        self._check_signature(method, params)
        self._check_nonce(params["SignatureNonce"], now)

    def _check_time(self, timestamp: str, now: float) -> None:
        try:
            moment = _epoch(timestamp)
        except ValueError:
            raise Refused(
                "InvalidTimeStamp.Format", "Specified time stamp has no valid format.", 400
            ) from None
        if abs(moment - now) > TOLERANCE:
            raise Refused("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.", 400)

    def _check_signature(self, method: str, params: Mapping[str, str]) -> None:
        text = string_to_sign(method, params)
        digest = hmac.digest(self._secret, text.encode(), "sha1")
        said = (params["SignatureMethod"], params["SignatureVersion"])
        matches = hmac.compare_digest(base64.b64encode(digest).decode(), params["Signature"])
        if not matches or said != HOW:
            raise Refused("SignatureDoesNotMatch", MISMATCH + text, 400)

    def _check_nonce(self, nonce: str, now: float) -> None:
        if now - self._swept > TOLERANCE:
            self._swept = now
            self._scratch.execute("DELETE FROM nonce WHERE at < ?", (now - 2 * TOLERANCE,))
        added = self._scratch.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?)", (key_of(nonce), now))
        if not added.rowcount:
            raise Refused("SignatureNonceUsed", "Specified signature nonce was used already.", 400)


def string_to_sign(method: str, params: Mapping[str, str]) -> str:
    """METHOD & %2F & the canonical query, percent-encoded once more."""
    canonical = "&".join(
        f"{percent(name)}={percent(value)}" for name, value in sorted(params.items()) if name != "Signature"
    )
    # Nothing but %, & and = is left in it to encode: three replacements, and fast ones.
    encoded = canonical.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
    return f"{method}&%2F&{encoded}"


def pairs(text: str) -> dict[str, str]:
    """The names and values of a query or a form, blank ones, too; bytes that are no UTF-8 are replaced."""
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return dict(URL.build(query_string=text, encoded=True).query.items())


def percent(text: str) -> str:
    """Encoded as RFC 3986 has it: all but letters, digits and ``-_.~``."""
    if not text.strip(UNRESERVED):
        return text
    return _short(text) if len(text) <= SHORT else _encoded(text)


@lru_cache(4096)
def _short(text: str) -> str:
    return _encoded(text)


def _encoded(text: str) -> str:
    """A batch is ten thousand signs long, and yarl writes them ten times as fast as urllib."""
    written = URL.build(query=(("", text),)).raw_query_string[1:]
    for sign, code in LEFT.items():
        written = written.replace(sign, code)
    return written


@lru_cache(64)
def _epoch(timestamp: str) -> float:
    return datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
