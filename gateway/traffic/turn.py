"""What one claim may hand to whom: worked out before it, used up in it, given back after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Semaphore

from gateway.traffic.breaker import State, least_bad


@dataclass(frozen=True, slots=True)
class Short:
    """Why a provider may be given no more just now, and until when (seconds since 1970)."""

    reason: str
    until: float


@dataclass(slots=True)
class Turn:
    """Without anything said: everything to everybody.

    ``limit`` is how many rows it makes sense to claim for ``names``. ``ailing`` are those that do
    not stand, ``overrides`` the weights an operator gave some for a while. ``room`` counts the
    messages each may still take, where that is bounded, ``short`` says why no more; ``probes`` are
    those a half-open one is tried with; ``gates`` let no more calls through than we hold ``places``.
    """

    limit: int = 0
    names: Sequence[str] = ()
    ailing: Mapping[str, State] = field(default_factory=dict)
    overrides: Mapping[str, int] = field(default_factory=dict)
    room: dict[str, int] = field(default_factory=dict)
    short: dict[str, Short] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)
    places: dict[str, Sequence[str]] = field(default_factory=dict)
    gates: dict[str, Semaphore] = field(default_factory=dict)

    def weights(self, given: Mapping[str, int]) -> Mapping[str, int]:
        """These weights, where no operator said otherwise for a while."""
        if not self.overrides:
            return given
        return {name: self.overrides.get(name, weight) for name, weight in given.items()}

    def open_to(self, able: Mapping[str, int], just_tried: str | None) -> Mapping[str, int]:
        """Those of the able ones that may take one more; none where they have no room just now.

        A provider that is probed comes first, or its turn might not come. Where none stands, the
        least bad of them is tried: never nobody.
        """
        if not (self.ailing or self.room):
            return able
        for name, left in self.probes.items():
            if left and name in able and name != just_tried and self._has_room(name):
                return {name: able[name]}
        standing = {name: weight for name, weight in able.items() if name not in self.ailing}
        if standing:
            return {name: weight for name, weight in standing.items() if self._has_room(name)}
        rest = [name for name in able if self._has_room(name)]
        return {least_bad(self.ailing, rest): 1} if rest else {}

    def _has_room(self, name: str) -> bool:
        return self.room.get(name, 1) > 0

    def took(self, provider: str) -> None:
        """One more goes there."""
        for left in (self.room, self.probes):
            if left.get(provider):
                left[provider] -= 1

    def wait(self, able: Mapping[str, int]) -> Short:
        """What a message waits for that none of these has room for: whoever has it again first."""
        return min((self.short[name] for name in able if name in self.short), key=lambda one: one.until)

    def exhausted(self) -> float | None:
        """When to claim again, where nobody may be given any more; None where somebody may."""
        names = [name for name in self.names if name not in self.ailing] or self.names
        if not names or any(self._has_room(name) for name in names):
            return None
        return min(self.short[name].until for name in names)

    def calling(self, provider: str) -> AbstractContextManager[object]:
        """Around a call: it begins when one of our places is free."""
        return self.gates.get(provider) or nullcontext()
