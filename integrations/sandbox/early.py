"""Reports that leave before the answer to what they tell of: a fault's mode ``early``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 10.0  # how long an answer waits for them, seconds
_REPORTS: ContextVar[list[asyncio.Task[Any]] | None] = ContextVar("early reports", default=None)


async def reports_first(work: Callable[[], T]) -> T:
    """What the work gives, once the reports it wanted sent early were sent."""
    reports: list[asyncio.Task[Any]] = []
    token = _REPORTS.set(reports)
    try:
        result = work()
    finally:
        _REPORTS.reset(token)
    if reports:
        await asyncio.wait(reports, timeout=PATIENCE)
    return result


def send_first(report: asyncio.Task[Any]) -> None:
    """Let the answer of the work under way wait for this one; where nobody is answered, nothing waits."""
    reports = _REPORTS.get()
    if reports is not None:
        reports.append(report)
