"""Aliyun's SDK client on our own transport, and a form signed for a fraction of what the SDK spends.

No provider of its own. The SDK composes, signs, sends and reads; replaced is what it offers to have
replaced: its session, its words about itself, a request's URL. Sources: the source of
aliyun-python-sdk-core 2.16.1 and the vendor's pages on the RPC signature.
"""

from __future__ import annotations

import logging
from http.client import HTTPMessage
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from aliyunsdkcore.auth.algorithm import sha_hmac1
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.utils import parameter_helper
from aliyunsdkcore.vendored.requests.certs import where

from integrations.kept_connections import Connections


class Client(AcsClient):  # type: ignore[misc]
    """Goes to the address ``url`` begins with, and waits ``timeout`` seconds for an answer.

    What the transport knows itself is said to keep the SDK from searching its tables and the
    environment at each call; what it calls itself is worked out once.
    """

    session: Any
    _agent = AcsClient.default_user_agent()

    def __init__(self, key_id: str, secret: str, url: str, timeout: float) -> None:
        super().__init__(
            key_id, secret, "cn-hangzhou", auto_retry=False, timeout=timeout, proxy={"http": None}
        )
        self.session.close()
        self.session = _Transport(url, timeout)
        _silence()

    def default_user_agent(self) -> Any:
        """As the SDK has it."""
        return self._agent

    def handle_extra_agent(self, _request: Any) -> None:
        """Nothing is added to that."""


class _Transport:
    """As much of a ``requests.Session`` as the SDK asks for: its own spends more time than the call takes.

    It raises ``Lost``, which the SDK lets pass: an error of the usual kind it would log with the URL.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.cookies: dict[str, str] = {}  # the vendor sets none
        self._connections = Connections(url, timeout, where())

    def prepare_request(self, request: Any) -> Any:
        """The SDK has written all of it."""
        return request

    def send(self, request: Any, **_: object) -> _Answer:
        """Its time limits, proxies and certificates are ours."""
        return _Answer(*self._connections.ask(request.method, request.url, request.headers, request.data))

    def close(self) -> None:
        """As the SDK's client does in the end."""
        self._connections.close()


class _Answer(NamedTuple):
    """As the SDK wants it."""

    status_code: int
    headers: HTTPMessage
    content: bytes


def _silence() -> None:
    """The SDK logs URLs, parameters and bodies, and on a handler of its own, too."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "aliyunsdkcore":
            logging.getLogger(name).addFilter(_drop)


def _drop(_record: logging.LogRecord) -> bool:
    return False


# --- the signature ----------------------------------------------------------------------


class EncodedOnce:
    """Goes before the vendor's request among the bases of one with a large form.

    The SDK encodes a form three times, character by character: for the body, and to be signed as
    a query first and as a whole then. By now it has written the body, and what is encoded once has
    but three characters left that the second encoding changes.
    """

    string_to_sign: str

    def get_url(self, region_id: str, key_id: str, secret: str) -> str:
        """As the SDK calls it, ``string_to_sign`` being left for it to see why a signature did not match."""
        request: Any = self
        query = _pairs(urlencode(_signed_with(request, region_id, key_id)))
        pairs = sorted(query + _pairs(request.get_content()), key=lambda pair: pair.partition("=")[0])
        whole = "&".join(pairs).replace("%", "%25").replace("&", "%26").replace("=", "%3D")
        self.string_to_sign = f"{request.get_method()}&%2F&{whole}"
        signature = sha_hmac1.get_sign_string(self.string_to_sign, f"{secret}&")
        return f"/?{'&'.join(query)}&Signature={quote(signature, safe='')}"


def _signed_with(request: Any, region_id: str, key_id: str) -> dict[str, str]:
    """The parameters of every call."""
    return {
        **request.get_query_params(),
        "RegionId": region_id,
        "Action": request.get_action_name(),
        "Version": request.get_version(),
        "Format": request.get_accept_format(),
        "AccessKeyId": key_id,
        "Timestamp": parameter_helper.get_iso_8061_date(),
        "SignatureMethod": sha_hmac1.get_signer_name(),
        "SignatureType": sha_hmac1.get_signer_type(),
        "SignatureVersion": sha_hmac1.get_signer_version(),
        "SignatureNonce": parameter_helper.get_uuid(),
    }


def _pairs(form: str) -> list[str]:
    """Its names with their values, blanks encoded as the vendor signs them."""
    return form.replace("+", "%20").split("&")
