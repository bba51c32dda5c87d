"""The call every Aliyun product shares: one SDK client, one answer as a value, nothing personal in it.

And what the codes mean that they share: those of the account, the door and the limits per number.

No provider of its own. Source: the source of aliyun-python-sdk-core 2.16.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.http import protocol_type

from gateway.messages import Cap
from gateway.plugins import seconds
from gateway.providers import Accepted, Cause, Outcome, Rejected, Throttled, Unknown, Unreachable
from integrations.aliyun_client import Client
from integrations.kept_connections import Lost

ACCOUNT: dict[str, str] = {
    "ALIYUN_ACCESS_KEY_ID": "the access key id of the account",
    "ALIYUN_ACCESS_KEY_SECRET": "its secret",
    "ALIYUN_CALLBACK_NETWORKS": "comma-separated addresses or networks reports come from",
}

# Refused at the door before anything was done: signed anew, the same call may pass.
SIGN_ANEW = frozenset({"InvalidTimeStamp.Expired", "SignatureNonceUsed"})

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
# Per signature and number; minutes and hours are the clock's. The 40 codes a day over all signatures
# are never reached by one.
SMS_CAPS = (
    Cap(1, timedelta(minutes=1), of="code", calendar=True),
    Cap(5, timedelta(hours=1), of="code", calendar=True),
    Cap(10, timedelta(hours=24), of="code"),
    Cap(50, timedelta(hours=24), of="notice", same_text=True),
)


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
        self._client = Client(key_id, secret, f"{self._protocol}://{self._host}", timeout)

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
        except Lost as error:
            return error.outcome
        except ClientException as error:
            return Unknown(_clean_code(str(error.error_code)))
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


# --- settings ------------------------------------------------------------------------------


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


json_of = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""JSON as the vendor counts it: as short as it gets, Chinese as it is."""
