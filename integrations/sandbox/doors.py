"""The list of vendors whose doors were added; see ``door`` for what one is."""

from __future__ import annotations

from integrations.sandbox.door import Door
from integrations.sandbox.tencent import Tencent

ADDED: tuple[type[Door], ...] = (Tencent,)
