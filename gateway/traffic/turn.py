"""What one claim may hand to whom: worked out before it, used up in it, given back after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.traffic.breaker import State, least_bad

RATE, QUOTA = "provider_rate", "provider_day_quota"


@dataclass(frozen=True, slots=True)
class Short:
    """Why a provider may be given no more just now, and until when (seconds since 1970)."""

    provider: str
    reason: str
    until: float


@dataclass(slots=True)
class Turn:
    """Without anything said: everything to everybody.

    ``limit`` is how many rows it makes sense to claim for ``names``; 0 where it ran out of room a
    moment ago. ``ailing`` are those that do
    not stand, ``overrides`` the weights an operator gave some for a while. ``room`` counts the
    messages each may still take, where that is bounded, ``short`` says why no more; ``probes`` are
    those a half-open one is tried with.
    """

    limit: int = 0
    names: Sequence[str] = ()
    ailing: Mapping[str, State] = field(default_factory=dict)
    overrides: Mapping[str, int] = field(default_factory=dict)
    room: dict[str, int] = field(default_factory=dict)
    short: dict[str, Short] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)

    @property
    def bounded(self) -> bool:
        """Whether it matters at all whom a message is given to."""
        return bool(self.ailing or self.room)

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
        if not self.bounded:
            return able
        for name, left in self.probes.items():
            if left and name in able and name != just_tried and self._has_room(name):
                return {name: able[name]}
        standing = {name: weight for name, weight in able.items() if name not in self.ailing}
        room = {name: weight for name, weight in standing.items() if self._has_room(name)}
        if room or (standing and not self._used_up(standing)):
            return room
        rest = [name for name in able if self._has_room(name)]
        return {least_bad(self.ailing, rest): 1} if rest else {}

    def _used_up(self, names: Iterable[str]) -> bool:
        """Whether all of these have given what they give in a day: that is too long to wait for."""
        return all(name in self.short and self.short[name].reason == QUOTA for name in names)

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

    def exhausted(self) -> bool:
        """Whether nobody may be given any more, because a bound is reached."""
        names = [name for name in self.names if name not in self.ailing] or self.names
        return bool(names) and all(name in self.short and not self._has_room(name) for name in names)
