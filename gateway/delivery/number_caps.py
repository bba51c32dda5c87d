"""How often one number gets anything: from each provider, and on a channel whoever carries it.

A message that one provider would refuse for that goes to another, or waits; where the channel itself
has caps (how often a telephone rings), it waits. Only the numbers of a claim are looked up, set-wise,
and none where there are no caps. Two claims at the same moment may each let one through; the vendor
then says so, and the second waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from gateway import channels
from gateway.delivery.store import attempts
from gateway.messages import Cap
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.rows import one_of
from gateway.runtime import Runtime

SEVERAL = UUID(int=0)  # in the place of its text, for a message that tells several notices
COUNTED = ("accepted", "unknown")  # outcomes after which it may have reached the number
WHOEVER = ""  # instead of a provider's name: all of the channel's, counted together


class Sent(NamedTuple):
    """One message a number was sent: when, of which kind, of which text."""

    at: datetime
    of: str
    template: UUID


def kind_of(klass: str) -> str:
    return "code" if klass == Class.CODE else "notice"


def free_at(sent: Sequence[Sent], caps: Sequence[Cap], wanted: Sent) -> datetime | None:
    """When a provider with these caps takes the wanted message, if not at its own time. Pure."""
    ends = []
    for cap in caps:
        if cap.of not in ("", wanted.of):
            continue
        counted = sorted((one.at for one in sent if _counts(one, cap, wanted)), reverse=True)
        if len(counted) >= cap.most:
            begun = _begun(wanted.at, cap.within) if cap.calendar else counted[cap.most - 1]
            ends.append(begun + cap.within)
    return max(ends, default=None)


def _counts(one: Sent, cap: Cap, wanted: Sent) -> bool:
    recent = one.at >= _begun(wanted.at, cap.within) if cap.calendar else one.at > wanted.at - cap.within
    alike = one.of == cap.of or not cap.of
    return recent and alike and (one.template == wanted.template or not cap.same_text)


def _begun(now: datetime, within: timedelta) -> datetime:
    """When the clock's minute or hour began."""
    whole = int(within.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // whole * whole, UTC)


def _crowded(tx: Connection, indexes: Sequence[bytes], fewest: int) -> Sequence[bytes]:
    """Those of the numbers that had so many messages at all: hardly ever one of a mass mailing."""
    index = attempts.c.address_index
    query = select(index).where(one_of(tx, index, indexes)).group_by(index).having(func.count() >= fewest)
    return tx.execute(query).scalars().all()


def by_provider(
    tx: Connection, runtime: Runtime, channel: str, asked: Collection[tuple[bytes, str]]
) -> Numbers:
    """As each provider counts; ``asked`` are numbers, by their index, each with its message's class."""
    kinds = {"", *map(kind_of, {klass for _, klass in asked})}
    declared = {name: runtime.providers[name].limits.caps for name in runtime.weights(channel)}
    named = {name: [cap for cap in caps if cap.of in kinds] for name, caps in declared.items()}
    caps = {name: caps for name, caps in named.items() if caps}
    return Numbers(tx, runtime.clock(), caps, {name: name for name in caps}, {index for index, _ in asked})


def by_channel(tx: Connection, runtime: Runtime, channel: str, indexes: Collection[bytes]) -> Numbers:
    """As the channel's own caps count, under ``WHOEVER``: whichever of its providers carried a message."""
    own = [Cap(most, within) for most, within in channels.load(channel).CAPS]
    theirs = [name for name, provider in runtime.providers.items() if provider.channel == channel]
    caps = {WHOEVER: own} if own else {}
    return Numbers(tx, runtime.clock(), caps, dict.fromkeys(theirs, WHOEVER), indexes)


class Numbers:
    """Those of one claim: asked for each message in turn, and told of each that goes.

    ``under`` says for each provider under which name of ``caps`` its messages are counted.
    """

    def __init__(
        self,
        tx: Connection,
        now: datetime,
        caps: Mapping[str, Sequence[Cap]],
        under: Mapping[str, str],
        indexes: Collection[bytes],
    ) -> None:
        self._now, self._caps, self._under = now, caps, under
        self._sent: dict[tuple[str, bytes], list[Sent]] = {}
        if caps:
            self._look_up(tx, sorted(set(indexes)))

    def _look_up(self, tx: Connection, indexes: Sequence[bytes]) -> None:
        fewest = min(cap.most for caps in self._caps.values() for cap in caps)
        if fewest > 1:
            indexes = _crowded(tx, indexes, fewest)
        if not indexes:
            return
        since = self._now - max(cap.within for caps in self._caps.values() for cap in caps)
        theirs = select(attempts).where(one_of(tx, attempts.c.address_index, indexes)).cte("theirs")
        theirs = theirs.prefix_with("MATERIALIZED", dialect="postgresql")  # found by number, never by time
        columns = theirs.c
        query = (
            select(columns.provider, columns.address_index, columns.started_at, columns.handover)
            .add_columns(notifications.c.klass, notifications.c.template_id)
            .select_from(theirs)
            .join(notifications, notifications.c.id == columns.notification_id)
            .where(
                columns.started_at > since,
                columns.provider.in_(list(self._under)),
                or_(columns.outcome.is_(None), columns.outcome.in_(COUNTED)),
            )
        )
        found: dict[tuple[str, bytes, str], Sent] = {}
        for provider, index, at, handover, klass, template in tx.execute(query):
            place = (provider, index, handover)
            found[place] = Sent(at, kind_of(klass), SEVERAL if place in found else template)
        for (provider, index, _), sent in found.items():
            self._sent.setdefault((self._under[provider], index), []).append(sent)

    def until(
        self, providers: Collection[str], index: bytes, klass: str, template: UUID
    ) -> Mapping[str, datetime]:
        """Those of the providers that take no such message for this number now, each with until when."""
        if not self._caps:
            return {}
        wanted, found = Sent(self._now, kind_of(klass), template), {}
        for provider in providers:
            sent = self._sent.get((provider, index))
            if sent and (until := free_at(sent, self._caps[provider], wanted)):
                found[provider] = until
        return found

    def lets(self, provider: str, index: bytes, row: Any) -> bool:
        """Let a message go to a provider that had nothing for its number lately; it counts from now on."""
        if provider not in self._caps:
            return True
        if self._sent.get((provider, index)):
            return False
        self._sent[provider, index] = [Sent(self._now, kind_of(row.klass), row.template_id)]
        return True

    def took(self, provider: str, index: bytes, klass: str, template: UUID) -> None:
        """It goes there, and counts from now on."""
        if provider in self._caps:
            one = Sent(self._now, kind_of(klass), template)
            self._sent.setdefault((provider, index), []).append(one)
