"""What a door is: the addresses at which the sandbox plays one vendor, and what belongs to them.

To add a vendor, write a module with a subclass of ``Door`` and name the class in ``doors.ADDED``. Faults,
settings, counts, resets, the pushing of reports and the switch on the page follow from what the class
says of itself; nothing else in the sandbox needs a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import Handsets
from integrations.sandbox.inbound import Replies
from integrations.sandbox.limits import Limits
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.phones import Phones
from integrations.sandbox.receipts import Pushes
from integrations.sandbox.webhooks import Webhooks


@dataclass(frozen=True)
class World:
    """What all doors share.

    ``handsets.take`` puts a message on a handset, ``phones.ring`` lets one ring; ``replies.doors[provider]``
    is called with what a person writes back through that provider; ``limits`` counts per number; ``calls``
    counts the vendor's actions; ``webhooks`` asks addresses of the customer's. Accounts of a vendor's own
    are read with ``credentials.value``.
    """

    credentials: Credentials
    faults: Faults
    handsets: Handsets
    phones: Phones
    replies: Replies
    limits: Limits
    calls: Counter[str]
    webhooks: Webhooks


class Door:
    """One vendor. Made once; ``options`` is set anew at each change."""

    target: ClassVar[str]
    """Its name among the faults, best that of the provider it stands in for: ``tencent_sms``."""

    work: ClassVar[frozenset[str]]
    """Those of its actions that do something: what a fault of mode error or silent is about."""

    words: ClassVar[tuple[str, str]]
    """Its name on the page, Chinese and English."""

    def __init__(self, world: World) -> None:
        self.options = Options()
        self.world = world

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Its addresses; ``faults.answer_under`` answers one as a fault wants it."""
        return ()

    def claims(self, request: web.Request) -> bool:
        """Whether a POST to ``/`` is for this vendor (by a header of its own, say), not for Aliyun."""
        return False

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a POST to ``/`` that it claims."""
        raise NotImplementedError

    @property
    def pushes(self) -> Sequence[Pushes[Any]]:
        """What it reports to the customer, each kind once."""
        return ()

    def counts(self) -> Mapping[str, int]:
        """Numbers of its own for GET /_sandbox/counts."""
        return {}

    def clear(self) -> None:
        """Forget what happened; ``pushes`` and all that is shared are cleared by others."""
        return
