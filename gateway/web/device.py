"""Where a page is asked for from, for the limits of one place."""

from __future__ import annotations

from flask import request

from gateway.runtime import Runtime
from gateway.transactions import devices
from gateway.transactions.devices import Device


def here(runtime: Runtime) -> Device | None:
    """The place this request comes from: behind our own proxies what they say, by ``TRUSTED_PROXIES``."""
    return devices.of_address(runtime, request.remote_addr)
