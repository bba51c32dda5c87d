"""What every request asks and what hardly ever changes: kept in the process for a few seconds.

What is granted may be granted on what stood ``KEPT`` ago at most: so long a revoked key, an
archived service, a limit or an older version of a text lives on. For no other reason is anything
refused on what is kept: what was made a moment ago works at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from gateway.channels import email
from gateway.content import store as content
from gateway.content.store import TemplateVersion
from gateway.notifications.carriage import Carriage, carriage
from gateway.runtime import Runtime
from gateway.services import guests
from gateway.services import store as services
from gateway.services.auth import Caller
from gateway.services.store import Account

KEPT = timedelta(seconds=3)
MOST = 1_000  # entries of one kind

K = TypeVar("K")
V = TypeVar("V")


class Lately(Generic[K, V]):
    """The answers of ``read``, each for a few seconds; that there is none is never kept."""

    def __init__(self, read: Callable[[K], V | None], clock: Callable[[], datetime]) -> None:
        self._read = read
        self._clock = clock
        self._kept: dict[K, tuple[datetime, V]] = {}

    def __call__(self, key: K) -> V | None:
        now, found = self._clock(), self._kept.get(key)
        if found and abs(now - found[0]) < KEPT:  # a clock may be set back
            return found[1]
        value = self._read(key)
        if len(self._kept) >= MOST:
            self._kept = {}
        if value is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = now, value
        return value


class Known:
    """Accounts of services, texts by their ids, and what the providers of a channel carry."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        mailers = (one for one in runtime.providers.values() if one.channel == email.SUFFIX)
        self.from_email: str = next((getattr(one, "from_address", "") for one in mailers), "")
        self.account = Lately(self._account, runtime.clock)
        self.text = Lately(self._text, runtime.clock)
        self.carriage = Lately(self._carriage, runtime.clock)

    def account_with(self, account: Account, sender: UUID) -> Account:
        """The same account, read anew where it does not know this sender yet."""
        if any(one.id == sender for one in account.senders):
            return account
        return self._account(account.service.id) or account

    def allows(self, caller: Caller, address: str) -> bool:
        """Whether a team's key may write to this (normalised) address; asked each time."""
        with self._runtime.db.read() as tx:
            return guests.allows(tx, self._runtime.vault, caller.service_id, caller.key.type, address)

    def allowed(self, caller: Caller, addresses: Collection[str]) -> frozenset[str]:
        """Those of many addresses a team's key may write to."""
        with self._runtime.db.read() as tx:
            return guests.allowed(tx, self._runtime.vault, caller.service_id, addresses)

    def _account(self, service: UUID) -> Account | None:
        with self._runtime.db.read() as tx:
            return services.account(tx, self._runtime.vault, service)

    def _text(self, template: UUID) -> TemplateVersion | None:
        with self._runtime.db.read() as tx:
            return content.to_send_by_id(tx, template, self._runtime.reviewers)

    def _carriage(self, channel: str) -> Carriage:
        return carriage(self._runtime, channel)
