"""The call every Aliyun product shares: one SDK client, one answer as a value, nothing personal in a log.

No provider of its own. Sources: the source of aliyun-python-sdk-core 2.16.1 and of the requests
and urllib3 it ships.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdkcore.vendored.requests import Session
from aliyunsdkcore.vendored.requests.adapters import HTTPAdapter
from aliyunsdkcore.vendored.requests.packages.urllib3.exceptions import ConnectTimeoutError

from gateway.providers import Unknown, Unreachable

POOL_SIZE = 16  # connections kept; more threads than this would open short-lived ones

# Refused at the door before anything was done: signed anew, the same call may pass.
SIGN_ANEW = frozenset({"InvalidTimeStamp.Expired", "SignatureNonceUsed"})
NEVER_CONNECTED = frozenset({"connect_failed", "tls_certificate"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """The vendor's definite no. Its message may repeat phone numbers: judge by it, never show it."""

    code: str
    message: str = field(repr=False, default="")


Failure = Refusal | Unreachable | Unknown


class Rpc:
    """One client for one endpoint, safe in as many threads as it keeps connections.

    ``endpoint`` is a host name, reached over https; ``http://127.0.0.1:PORT`` is plain http, which
    is allowed for a server on this machine only. ``timeout`` is in seconds.
    """

    def __init__(self, key_id: str, secret: str, endpoint: str, timeout: float) -> None:
        self._protocol, self._host = _endpoint(endpoint)
        self._client = AcsClient(
            key_id,
            secret,
            "cn-hangzhou",
            auto_retry=False,
            connect_timeout=min(timeout, 1.0),
            timeout=timeout,
            pool_size=POOL_SIZE,
            proxy=_proxy(self._host),
        )
        self._client.session.close()
        self._client.session = _Transport()
        _silence()

    def request(self, kind: type[Any], **form: str) -> Any:
        """Parameters go into the form body: no phone number in a URL, and no 34 KB URLs for a batch."""
        request = kind()
        request.set_endpoint(self._host)
        request.set_protocol_type(self._protocol)
        for key, value in form.items():
            request.add_body_params(key, value)
        return request

    def ask(self, request: Any) -> dict[str, Any] | Failure:
        """The answer with ``Code`` OK, or what went wrong."""
        answer = self._call(request)
        if isinstance(answer, Refusal) and answer.code in SIGN_ANEW:
            answer = self._call(request)
        return answer

    def _call(self, request: Any) -> dict[str, Any] | Failure:
        try:
            body = self._client.do_action_with_exception(request)
        except ClientException as error:
            return _transport_failure(error)
        except ServerException as error:
            return _server_failure(error)
        except (ValueError, TypeError, LookupError, AttributeError):
            # The SDK stumbles over error bodies of an unexpected shape; by then an answer had come.
            return Unknown("unreadable_answer")
        return _answer(body)


# --- reading answers -------------------------------------------------------------------


def _answer(body: bytes) -> dict[str, Any] | Failure:
    try:
        answer = json.loads(body)
    except ValueError:
        return Unknown("unreadable_answer")
    if not isinstance(answer, dict) or not isinstance(answer.get("Code"), str):
        return Unknown("unreadable_answer")
    if answer["Code"] == "OK":
        return answer
    return Refusal(_clean_code(answer["Code"]), str(answer.get("Message", "")))


def _transport_failure(error: Any) -> Failure:
    code = str(error.message) if error.error_code == "SDK.HttpError" else str(error.error_code)
    return Unreachable(code) if code in NEVER_CONNECTED else Unknown(_clean_code(code))


def _server_failure(error: Any) -> Failure:
    code, status = str(error.error_code), int(error.http_status)
    if code == "SDK.UnknownServerError":  # no error body: something in between answered
        return Unknown(f"http_{status}")
    if status >= 500:
        return Unknown(_clean_code(code))
    return Refusal(_clean_code(code), str(error.message))


def _clean_code(code: str) -> str:
    """Codes go into logs and tables: what does not look like one may hold personal data."""
    plausible = re.fullmatch(r"[A-Za-z][\w.-]{0,63}", code, re.ASCII) and not re.search(r"\d{5}", code)
    return code if plausible else "unrecognised_code"


# --- the connection ----------------------------------------------------------------------


class _Transport(Session):  # type: ignore[misc]
    """Tells what never left from what may have arrived; the SDK forgets it and prints the URL instead."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no look-up of ~/.netrc at each call
        for prefix in ("https://", "http://"):
            self.mount(prefix, HTTPAdapter(1, POOL_SIZE))

    def send(self, request: Any, **kwargs: Any) -> Any:
        try:
            return super().send(request, **kwargs)
        except OSError as error:
            code = _transport_code(error)
        raise OSError(code)  # out of the handler, so that nothing of the original error hangs on


def _transport_code(error: BaseException) -> str:
    causes = _causes(error)
    if any(isinstance(cause, ConnectTimeoutError) for cause in causes):  # refused and unresolved, too
        return "connect_failed"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "tls_certificate"
    timed_out = any("Timeout" in type(cause).__name__ for cause in causes)
    return "read_timeout" if timed_out else "connection_lost"


def _causes(error: object, depth: int = 5) -> list[BaseException]:
    """The errors wrapped in ``error``: requests and urllib3 keep them in args and reason."""
    if not isinstance(error, BaseException) or not depth:
        return []
    wrapped = [*error.args, getattr(error, "reason", None)]
    return [error, *(cause for inner in wrapped for cause in _causes(inner, depth - 1))]


def _proxy(host: str) -> dict[str, str | None]:
    """The environment's proxies, but none where NO_PROXY or loopback says so: the SDK would ignore that."""
    if _is_loopback(host) or urllib.request.proxy_bypass(host):
        return {"http": None, "https": None}
    proxies = urllib.request.getproxies()
    return {scheme: proxies.get(scheme) for scheme in ("http", "https")}


def _silence() -> None:
    """The SDK logs URLs, parameters and bodies, and on a handler of its own, too."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "aliyunsdkcore":
            logging.getLogger(name).addFilter(_drop)


def _drop(_record: logging.LogRecord) -> bool:
    return False


def _endpoint(text: str) -> tuple[str, str]:
    scheme, _, host = text.rstrip("/").rpartition("://")
    if scheme == "http" and _is_loopback(host):
        return protocol_type.HTTP, host
    if scheme in ("", "https"):
        return protocol_type.HTTPS, host
    raise ValueError("Aliyun's endpoint over plain http is for a server on this machine only.")


def _is_loopback(host: str) -> bool:
    return bool(re.fullmatch(r"(127(\.\d+){3}|localhost|\[::1\])(:\d+)?", host))
