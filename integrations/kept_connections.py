"""Connections to a vendor, kept for many threads, and what it proves when one fails.

No provider of its own: for those whose SDK lets its HTTP client be replaced. Sources: urllib3 2.
"""

from __future__ import annotations

import re
import ssl
import urllib.request
from urllib.parse import urlsplit

import urllib3

from gateway.providers import Unknown, Unreachable

POOL_SIZE = 16  # connections kept; more threads than this would open short-lived ones
LONGEST_CONNECTING = 1.0  # seconds


def pool(url: str, timeout: float) -> urllib3.PoolManager:
    """Connections for that address; an answer is waited for ``timeout`` seconds, nothing is repeated.

    Through the environment's proxy, but not where NO_PROXY or loopback says so.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    limit = urllib3.Timeout(connect=min(timeout, LONGEST_CONNECTING), read=timeout)
    proxy = None if is_loopback(host) else urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxy, maxsize=POOL_SIZE, timeout=limit, retries=False)
    return urllib3.PoolManager(maxsize=POOL_SIZE, timeout=limit, retries=False)


def outcome_of_failure(error: BaseException) -> Unreachable | Unknown:
    """What never left is unreachable; what may have arrived is unknown."""
    errors = urllib3.exceptions
    if isinstance(error, errors.NewConnectionError | errors.ConnectTimeoutError | errors.ProxyError):
        return Unreachable("connect_failed")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in (error, *error.args)):
        return Unreachable("tls_certificate")
    return Unknown("read_timeout" if isinstance(error, errors.ReadTimeoutError) else "connection_lost")


def is_loopback(host: str) -> bool:
    """Whether it is this machine, where plain http is good enough."""
    return bool(re.fullmatch(r"127(\.\d+){3}|localhost|::1", host))
