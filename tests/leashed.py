"""Programs that tests start end with the tests, however those end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from gateway.instance.supervisor import LEASH


def leashed(*command: str) -> Sequence[str]:
    """``-m MODULE …`` or ``PROGRAM …``, to be started by the thread that ends last."""
    return [sys.executable, "-P", str(LEASH), str(os.getpid()), *command]
