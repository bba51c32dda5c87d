"""How long the tour waits for anything, and what it says when nothing came."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from gateway.errors import HuiyinError

PATIENCE = 30.0  # seconds any step may take before the tour says that it did not hold
LOOK_EVERY = 0.05
T = TypeVar("T")


class TourError(HuiyinError):
    """A step of the tour did not hold."""


def until(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """Look until there is something to see; the tour does not wait for ever."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(LOOK_EVERY)
    raise TourError(f"{what} did not come within {seconds:.0f} s.")
