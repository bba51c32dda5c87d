"""The call every Aliyun product shares: one SDK client, one answer as a value, nothing personal in a log.

And what the codes mean that they share: those of the account, the door and the limits per number.

No provider of its own. Sources: the source of aliyun-python-sdk-core 2.16.1 and of the requests
and urllib3 it ships.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import urllib.request
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdkcore.vendored.requests import Session
from aliyunsdkcore.vendored.requests.adapters import HTTPAdapter
from aliyunsdkcore.vendored.requests.packages.urllib3.exceptions import ConnectTimeoutError

from gateway.plugins import seconds
from gateway.providers import Accepted, Cause, Outcome, Rejected, Throttled, Unknown, Unreachable

ACCOUNT: dict[str, str] = {
    "ALIYUN_ACCESS_KEY_ID": "the access key id of the account",
    "ALIYUN_ACCESS_KEY_SECRET": "its secret",
    "ALIYUN_CALLBACK_NETWORKS": "comma-separated addresses or networks reports come from",
}

POOL_SIZE = 16  # connections kept; more threads than this would open short-lived ones

# Refused at the door before anything was done: signed anew, the same call may pass.
SIGN_ANEW = frozenset({"InvalidTimeStamp.Expired", "SignatureNonceUsed"})
NEVER_CONNECTED = frozenset({"connect_failed", "tls_certificate"})

SHARED_OUTCOMES: tuple[Throttled | Rejected | Unknown, ...] = (
    Throttled("isv.BUSINESS_LIMIT_CONTROL"),  # per number; ``until`` is read from its message
    Throttled("Throttling"),  # the door's: calls a second, of us or of all
    Throttled("Throttling.User"),
    Throttled("Throttling.Api"),
    Rejected("isv.DAY_LIMIT_CONTROL", Cause.ACCOUNT),
    Rejected("isv.MONTH_LIMIT_CONTROL", Cause.ACCOUNT),
    Unknown("isp.SYSTEM_ERROR"),  # both are known to have sent the message nevertheless
    Unknown("isp.GATEWAY_ERROR"),
    Rejected("isv.AMOUNT_NOT_ENOUGH", Cause.ACCOUNT),
    Rejected("isv.OUT_OF_SERVICE", Cause.ACCOUNT),
    Rejected("isp.RAM_PERMISSION_DENY", Cause.ACCOUNT),
    Rejected("NoPermission", Cause.ACCOUNT),  # the same, said at the door
    Rejected("Forbidden.RAM", Cause.ACCOUNT),
    Rejected("isv.ACCOUNT_NOT_EXISTS", Cause.ACCOUNT),
    Rejected("isv.ACCOUNT_ABNORMAL", Cause.ACCOUNT),
    Rejected("isv.SECURITY_FROZEN_ACCOUNT", Cause.ACCOUNT),
    Rejected("isv.PRODUCT_UN_SUBSCRIPT", Cause.ACCOUNT),
    Rejected("isv.PRODUCT_UNSUBSCRIBE", Cause.ACCOUNT),
    Rejected("isv.DENY_IP_RANGE", Cause.ACCOUNT),
    Rejected("InvalidAccessKeyId.NotFound", Cause.ACCOUNT),
    Rejected("InvalidAccessKeyId.Inactive", Cause.ACCOUNT),
    Rejected("InvalidAccessKeySecret", Cause.ACCOUNT),  # the SDK's word for a wrong secret
    Rejected("isv.MOBILE_NUMBER_ILLEGAL", Cause.RECIPIENT),
    Rejected("isv.TEMPLATE_MISSING_PARAMETERS", Cause.CONTENT),
    Rejected("isv.INVALID_JSON_PARAM", Cause.CONTENT),
    Rejected("isv.PARAM_LENGTH_LIMIT", Cause.CONTENT),
    Rejected("isv.INVALID_PARAMETERS", Cause.CONTENT),
    Rejected("isv.TEMPLATE_PARAMS_ILLEGAL", Cause.CONTENT),
    Rejected("isv.BLACK_KEY_CONTROL_LIMIT", Cause.CONTENT),
    Rejected("isv.PARAM_NOT_SUPPORT_URL", Cause.CONTENT),
    Rejected("SignatureDoesNotMatch", Cause.OURS),
    Rejected("InvalidVersion", Cause.OURS),
    Rejected("InvalidAction.NotFound", Cause.OURS),
    Rejected("InvalidTimeStamp.Expired", Cause.OURS),  # after the second try: our clock is wrong
    Rejected("SignatureNonceUsed", Cause.OURS),
)

CHINA = timezone(timedelta(hours=8))


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
        self.timeout = timeout
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
        weakref.finalize(self, self._client.session.close)  # its connections go with it
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


def connect(settings: Mapping[str, str], endpoint: str, usual: str) -> Rpc:
    """The client of the account in the settings; setting ``endpoint`` names another than the usual host."""
    return Rpc(
        settings["ALIYUN_ACCESS_KEY_ID"],
        settings["ALIYUN_ACCESS_KEY_SECRET"],
        settings.get(endpoint) or usual,
        seconds(settings, "ALIYUN_TIMEOUT_SECONDS", 3),
    )


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


def outcome_of(
    answer: dict[str, Any] | Failure, reference: str, outcomes: Mapping[str, Outcome], now: datetime
) -> Outcome:
    """What an answer means by the product's table, ``reference`` being the field of the vendor's own.

    A code that is not in the table is rejected and counted.
    """
    if isinstance(answer, dict):
        return Accepted(str(answer[reference])) if answer.get(reference) else Unknown("no_reference")
    if not isinstance(answer, Refusal):
        return answer
    outcome = outcomes.get(answer.code, Rejected(answer.code))
    if isinstance(outcome, Throttled):
        return replace(outcome, until=_next_window(answer.message, now))
    return outcome


def _next_window(message: str, now: datetime) -> datetime | None:
    """When the window named in 触发…级流控 ends; windows are calendar ones in UTC+8."""
    local = now.astimezone(CHINA).replace(second=0, microsecond=0)
    if "分钟级" in message:
        return local + timedelta(minutes=1)
    if "小时级" in message:
        return local.replace(minute=0) + timedelta(hours=1)
    if "天级" in message:
        return local.replace(hour=0, minute=0) + timedelta(days=1)
    return None


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


# --- numbers ------------------------------------------------------------------------------


def number_of(address: str) -> str:
    """E.164 → what the vendor wants: mainland numbers bare, others with their country code."""
    return address.removeprefix("+86").removeprefix("+")


def json_of(value: Any) -> str:
    """JSON as the vendor counts it: as short as it gets, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
