"""What a process works with, built once and passed explicitly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import UUID

from gateway import plugins
from gateway.config import Settings
from gateway.db import Db, uuid7
from gateway.errors import SettingError
from gateway.providers import Sender
from gateway.security import Vault
from gateway.traffic.board import Board
from gateway.traffic.meter import Meter
from gateway.traffic.shared import InProcess
from gateway.traffic.shared_in_redis import connected

Wake = Callable[[str], None]


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, database, providers, back offices, and the three things tests replace.

    ``wake(lane)`` tells workers that a lane has due rows: best effort, never
    raising; what it misses the sweep finds. ``clock`` gives the aware time,
    ``new_id`` a fresh UUID. ``board`` is what is known of the providers just now, ``meter``
    what services may still ask for. ``kept`` is what a room remembers from one call to the next.
    """

    settings: Settings
    db: Db
    vault: Vault
    providers: Mapping[str, Sender]
    wake: Wake
    clock: Callable[[], datetime] = system_clock
    new_id: Callable[[], UUID] = uuid7
    board: Board = field(default_factory=lambda: Board(InProcess()))
    meter: Meter = field(default_factory=lambda: Meter(InProcess()))
    kept: dict[str, Any] = field(default_factory=dict)
    _back_offices: dict[str, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def back_office(self, name: str) -> Any:
        """The connector of this back office, built at first use and kept.

        The transaction type that asks declares its protocol; ``SettingError``
        names a setting it lacks.
        """
        with self._lock:
            if name not in self._back_offices:
                environment = self.settings.environment
                self._back_offices[name] = plugins.load(plugins.connector(name, environment), environment)
            return self._back_offices[name]

    def weights(self, channel: str) -> Mapping[str, int]:
        """The providers of a channel, each with its highest weight anywhere; empty where it is closed."""
        general = self.settings.providers.get(channel, {})
        places = self.settings.destinations.get(channel)
        if not places:
            return general
        every = (general, *places.values())
        return {name: max(weights.get(name, 0) for weights in every) for name in general}

    def weights_towards(self, channel: str, address: str) -> Mapping[str, int]:
        """The weights for this address: those of its calling code, else the channel's."""
        for code, weights in self.settings.destinations.get(channel, {}).items():
            if address.startswith(f"+{code}"):
                return weights
        return self.settings.providers.get(channel, {})

    @property
    def reviewers(self) -> list[str]:
        """The providers that carry texts only that they reviewed."""
        return [name for name, provider in self.providers.items() if provider.needs_template]

    def wake_all(self, lanes: set[str]) -> None:
        for lane in sorted(lanes):
            self.wake(lane)


def build(settings: Settings, wake: Wake, *, sending: bool = True, working: bool = False) -> Runtime:
    """Build the Runtime of a process; an incomplete setting raises ``SettingError``.

    Without ``sending`` no provider is loaded: for those who only read the books. A ``working``
    process claims rows and writes down what became of them, and hardly does anything else.
    """
    named = settings.providers.items() if sending else ()
    shared = connected(settings.broker_url)
    return Runtime(
        settings=settings,
        db=Db(settings.database_url, by_index=working),
        vault=Vault(settings.master_key),
        providers={name: _sender(name, channel, settings) for channel, names in named for name in names},
        wake=wake,
        board=Board(shared),
        meter=Meter(shared),
    )


def _sender(name: str, channel: str, settings: Settings) -> Sender:
    provider = plugins.load(name, {**settings.environment, "CALLBACKS_URL": settings.callbacks_url})
    if not isinstance(provider, Sender) or provider.channel != channel:
        raise SettingError(f"{channel.upper()}_PROVIDERS names {name}, which sends no {channel}.")
    return provider
