"""The call every action of Tencent Cloud's SMS API shares: its SDK on our own transport, failures as values.

No provider of its own. Sources: the source of tencentcloud-sdk-python-common 3.1 and the vendor's page on
error codes. Nothing is idempotent there: whatever may have arrived without an answer is ``Unknown``. The
SDK's own transport has one time limit for connecting and reading, follows redirects, reads the
environment's proxies even for this machine, and makes one "ClientNetworkError" of all that can go wrong.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from typing import Any
from urllib.parse import urlsplit

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111.sms_client import SmsClient

from gateway.plugins import seconds
from gateway.providers import Cause, Rejected, Throttled, Unknown, Unreachable
from integrations.kept_connections import Connections, Lost, is_loopback

ENDPOINT = "sms.tencentcloudapi.com"
REGION = "ap-guangzhou"
SDK_LOGGER = "tencentcloud_sdk_common"  # it logs requests and answers with keys, numbers and texts

COMMON_OUTCOMES: tuple[Throttled | Rejected | Unreachable | Unknown, ...] = (
    Throttled("LimitExceeded"),
    Throttled("RequestLimitExceeded"),  # the door's: calls a second
    Throttled("RequestLimitExceeded.IPLimitExceeded"),
    Throttled("RequestLimitExceeded.UinLimitExceeded"),
    Throttled("RequestLimitExceeded.GlobalRegionUinLimitExceeded"),
    Unreachable("ServiceUnavailable"),
    Unknown("InternalError"),  # it failed half-way: perhaps done
    Unknown("ResponseSizeLimitExceeded"),
    Rejected("AuthFailure.InvalidSecretId", Cause.ACCOUNT),
    Rejected("AuthFailure.MFAFailure", Cause.ACCOUNT),
    Rejected("AuthFailure.SecretIdNotFound", Cause.ACCOUNT),
    Rejected("AuthFailure.TokenFailure", Cause.ACCOUNT),
    Rejected("AuthFailure.UnauthorizedOperation", Cause.ACCOUNT),
    Rejected("IpInBlacklist", Cause.ACCOUNT),
    Rejected("IpNotInWhitelist", Cause.ACCOUNT),
    Rejected("UnauthorizedOperation", Cause.ACCOUNT),
    Rejected("ActionOffline", Cause.OURS),
    Rejected("AuthFailure.InvalidAuthorization", Cause.OURS),
    Rejected("AuthFailure.SignatureExpire", Cause.OURS),  # our clock is wrong
    Rejected("AuthFailure.SignatureFailure", Cause.OURS),
    Rejected("FailedOperation"),
    Rejected("InvalidAction", Cause.OURS),
    Rejected("InvalidParameter", Cause.OURS),
    Rejected("InvalidParameterValue", Cause.OURS),
    Rejected("InvalidRequest", Cause.OURS),
    Rejected("MissingParameter", Cause.OURS),
    Rejected("NoSuchProduct", Cause.OURS),
    Rejected("NoSuchVersion", Cause.OURS),
    Rejected("RequestSizeLimitExceeded", Cause.OURS),
    Rejected("UnknownParameter", Cause.OURS),
    Rejected("UnsupportedOperation", Cause.OURS),
    Rejected("UnsupportedProtocol", Cause.OURS),
    Rejected("UnsupportedRegion", Cause.OURS),
)

# What the SDK stumbles with over an answer of an unexpected shape; by then an answer had come.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The vendor's definite no. Its message may repeat phone numbers: never show it."""

    code: str
    message: str = field(repr=False, default="")


Failure = Refusal | Unreachable | Unknown


class Api:
    """One SDK client: a call builds all it needs anew and shares nothing but the connections.

    So it is safe in as many threads as connections are kept. ``app_id`` goes into most calls. Optional
    settings: TENCENT_SMS_ENDPOINT, TENCENT_REGION, TENCENT_TIMEOUT_SECONDS (3). Raises ``ValueError``.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.app_id = _app_id(settings["TENCENT_SMS_SDK_APP_ID"])
        url = _url(settings.get("TENCENT_SMS_ENDPOINT") or ENDPOINT)
        parts = urlsplit(url)
        http = HttpProfile(protocol=parts.scheme, endpoint=parts.netloc)
        region = settings.get("TENCENT_REGION") or REGION
        self._client = SmsClient(_credential(settings), region, ClientProfile(httpProfile=http))
        self._client.request = _Transport(url, seconds(settings, "TENCENT_TIMEOUT_SECONDS", 3))
        logging.getLogger(SDK_LOGGER).addFilter(_drop)

    def ask(self, action: str, params: Mapping[str, Any]) -> dict[str, Any] | Failure:
        """What stands under ``Response``, or what went wrong."""
        try:
            body = self._client.call(action, dict(params))
        except Lost as error:
            return error.outcome
        except TencentCloudSDKException as error:
            return Refusal(clean_code(error.code), str(error.message))
        except UNREADABLE:
            return Unknown("unreadable_answer")
        return _response(body)


def clean_code(code: object) -> str:
    """Codes go into logs and tables: what does not look like one may hold personal data."""
    text = str(code)
    plausible = re.fullmatch(r"[A-Za-z][\w.-]{0,78}", text, re.ASCII) and not re.search(r"\d{5}", text)
    return text if plausible else "unrecognised_code"


def _response(body: bytes) -> dict[str, Any] | Failure:
    """The SDK looks for errors only where the content type is exactly its own: they are looked for again."""
    try:
        response = json.loads(body)["Response"]
        if "Error" in response:
            return Refusal(clean_code(response["Error"]["Code"]), str(response["Error"].get("Message", "")))
    except UNREADABLE:
        return Unknown("unreadable_answer")
    return response if isinstance(response, dict) else Unknown("unreadable_answer")


# --- the connection ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    """As the SDK wants it."""

    status_code: int
    headers: HTTPMessage
    content: bytes = field(repr=False)


class _Transport:
    """Stands in for the SDK's ``ApiRequest``."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._connections = Connections(url, timeout)

    def send_request(self, request: Any) -> _Answer:
        """As the SDK calls it: ``request`` is signed and has method, uri, header and data."""
        url, body = self._url + request.uri, request.data.encode()
        answer = self._connections.ask(request.method, url, request.header, body)
        if answer.status != 200:  # the vendor's errors have it, too
            raise Lost(Unknown(f"http_{answer.status}"))
        return _Answer(answer.status, answer.headers, answer.body)


def _drop(_record: logging.LogRecord) -> bool:
    return False


# --- settings ------------------------------------------------------------------------------


def _credential(settings: Mapping[str, str]) -> Any:
    try:
        return Credential(settings["TENCENT_SECRET_ID"], settings["TENCENT_SECRET_KEY"])
    except TencentCloudSDKException:
        pass
    raise ValueError("TENCENT_SECRET_ID and TENCENT_SECRET_KEY have no blanks around them")


def _app_id(text: str) -> str:
    if not re.fullmatch(r"\d{5,12}", text, re.ASCII):
        raise ValueError("TENCENT_SMS_SDK_APP_ID is a number such as 1400006666")
    return text


def _url(endpoint: str) -> str:
    """A host name is reached over https; plain http is allowed for a server on this machine only."""
    url = endpoint if "://" in endpoint else f"https://{endpoint}"
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not safe or not parts.netloc or parts.path.strip("/"):
        raise ValueError("TENCENT_SMS_ENDPOINT is a host name; plain http is for a server on this machine")
    return f"{parts.scheme}://{parts.netloc}"
