"""The sentences on top of the console: is all well, and if not, what stands still and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.delivery.receipts import LANE as RECEIPTS
from gateway.notifications.pauses import Pause
from gateway.ops import words
from gateway.ops.figures import LATELY, Pulse
from gateway.ops.queues import Work
from gateway.transactions.engine import LANE as TRANSACTIONS
from gateway.transactions.model import Words

URGENT_WAIT, NORMAL_WAIT, BULK_WAIT = 5.0, 60.0, 900.0  # seconds; the night page names the first
OFFICE_WAIT = 60.0
MANY = 10_000  # counting stops there


class Tone(StrEnum):
    """How much it matters; never said by colour alone."""

    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know, and the page that says more."""

    tone: Tone
    words: Words
    page: str = "overview"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the judgement looks at."""

    now: datetime
    work: Sequence[Work]
    pulse: Pulse
    carriers: Mapping[str, Sequence[str]]  # channel → its providers
    lanes_paused: Mapping[str, Pause]
    providers_paused: Mapping[str, Pause]
    broadcasts_paused: int
    dead: int
    balanced: bool


ALL_WELL = Finding(Tone.GOOD, Words("一切正常，没有积压。", "All is well; nothing is held up."))


def findings(seen: Seen) -> list[Finding]:
    """Everything worth saying, the worst first; one good sentence when there is nothing."""
    channels = {channel: why for channel in seen.carriers if (why := _channel(seen, channel))}
    found = [
        *_books(seen),
        *channels.values(),
        *_lanes(seen, explained=set(channels)),
        *_paused(seen),
        *_others(seen),
        *_dead(seen),
    ]
    order = {Tone.BAD: 0, Tone.WAIT: 1, Tone.GOOD: 2}
    return sorted(found, key=lambda one: order[one.tone]) or [ALL_WELL]


def _books(seen: Seen) -> Iterator[Finding]:
    if not seen.balanced:
        yield Finding(
            Tone.BAD,
            Words(
                "账目不平：有消息对不上数。保留数据库原样并上报，发送照常。",
                "The ledger does NOT balance. Keep the database as it is and report it; sending goes on.",
            ),
            "audit",
        )


def _channel(seen: Seen, channel: str) -> Finding | None:
    """What keeps a whole channel with work from going: every provider is still, or takes nothing."""
    depth = sum(one.depth for one in seen.work if one.name.startswith(f"{channel}."))
    if not depth or not seen.carriers[channel]:
        return None
    running = [carrier for carrier in seen.carriers[channel] if carrier not in seen.providers_paused]
    if not running:
        return _all_paused(words.CHANNELS[channel], depth)
    tried: Counter[str] = Counter()
    for carrier in running:
        tried += seen.pulse.tried(carrier, LATELY)
    if not tried or tried["accepted"]:
        return None
    return _takes_nothing(words.CHANNELS[channel], running, tried, depth)


def _all_paused(name: Words, depth: int) -> Finding:
    return Finding(
        Tone.BAD,
        Words(
            f"{name.zh}停住了：所有供应商都已暂停，{depth:,}条在等。",
            f"{name.en} stands still: every provider is paused, {depth:,} wait.",
        ),
        "providers",
    )


def _takes_nothing(name: Words, running: Sequence[str], tried: Mapping[str, int], depth: int) -> Finding:
    """All refusals may be the numbers' fault; silence or a closed door is the provider's."""
    refused = tried["rejected"]
    if refused == sum(tried.values()):
        return Finding(
            Tone.WAIT,
            Words(
                f"{name.zh}最近{LATELY}分钟的{refused:,}次全被拒绝，{depth:,}条在等。请看代码。",
                f"{name.en}: all {refused:,} tries of {LATELY} min were refused, {depth:,} wait.",
            ),
            "providers",
        )
    return Finding(
        Tone.BAD,
        Words(
            f"{name.zh}发不出去：{'、'.join(running)} 最近{LATELY}分钟没有受理，{depth:,}条在等。",
            f"{name.en} does not go: {', '.join(running)} took none in {LATELY} min, {depth:,} wait.",
        ),
        "providers",
    )


def _lanes(seen: Seen, explained: Collection[str]) -> Iterator[Finding]:
    """A lane that keeps somebody waiting longer than it should, where its channel does not tell why."""
    for one in seen.work:
        channel, _, urgency = one.name.partition(".")
        if not urgency or one.name in seen.lanes_paused or channel in explained:
            continue
        if one.oldest_s <= patience(one.name):
            continue
        name, rate = words.lane(one.name), seen.pulse.rate(one.name)
        if rate:
            minutes = max(1, round(one.depth / rate))
            yield Finding(
                Tone.WAIT,
                Words(
                    f"{name.zh}有积压：{one.depth:,}条，正在发，约{minutes}分钟发完。",
                    f"{name.en} is behind: {one.depth:,} left, going out, about {minutes} min to go.",
                ),
            )
        else:
            yield Finding(
                Tone.BAD,
                Words(
                    f"{name.zh}停住了：{one.depth:,}条在等，最近{LATELY}分钟没有发出。请看后台进程在不在。",
                    f"{name.en} stands still: {one.depth:,} wait, none went in {LATELY} min. Do workers run?",
                ),
            )


def patience(lane: str) -> float:
    """Seconds a due message may wait in this lane before somebody should look."""
    return {"urgent": URGENT_WAIT, "bulk": BULK_WAIT}.get(lane.partition(".")[2], NORMAL_WAIT)


def _paused(seen: Seen) -> Iterator[Finding]:
    depths = {one.name: one.depth for one in seen.work}
    for lane, pause in seen.lanes_paused.items():
        name, depth = words.lane(lane), depths.get(lane, 0)
        yield Finding(
            Tone.WAIT,
            Words(
                f"{name.zh}已由 {pause.actor} 暂停，{depth:,}条在等。",
                f"{name.en} was paused by {pause.actor}; {depth:,} wait.",
            ),
        )
    for provider, pause in seen.providers_paused.items():
        yield Finding(
            Tone.WAIT,
            Words(
                f"供应商 {provider} 已由 {pause.actor} 暂停。",
                f"The provider {provider} was paused by {pause.actor}.",
            ),
            "providers",
        )
    if seen.broadcasts_paused:
        number = seen.broadcasts_paused
        yield Finding(
            Tone.WAIT, Words(f"{number}个群发已暂停。", f"{number} broadcasts are paused."), "broadcasts"
        )


def _others(seen: Seen) -> Iterator[Finding]:
    work = {one.name: one for one in seen.work}
    office, receipts = work[TRANSACTIONS], work[RECEIPTS]
    if office.unknown or (office.depth and office.oldest_s > OFFICE_WAIT):
        number = office.depth + office.unknown
        yield Finding(
            Tone.WAIT,
            Words(
                f"业务系统没有回应：{number:,}件在等，每分钟再问一次，办好会通知市民。",
                f"A back office is silent: {number:,} wait and are asked every minute; people will be told.",
            ),
        )
    if receipts.depth and receipts.oldest_s > NORMAL_WAIT:
        yield Finding(
            Tone.WAIT,
            Words(
                f"回执没有及时入库：{receipts.depth:,}批在等。",
                f"Receipts are not applied in time: {receipts.depth:,} callbacks wait.",
            ),
        )
    lost = sum(
        seen.pulse.tried(name, LATELY)["unknown"] for names in seen.carriers.values() for name in names
    )
    if lost:
        yield Finding(
            Tone.WAIT,
            Words(
                f"最近{LATELY}分钟有{lost:,}条不知供应商收没收到，正在核对。",
                f"{lost:,} of the last {LATELY} minutes may or may not have been taken: being asked.",
            ),
            "providers",
        )


def _dead(seen: Seen) -> Iterator[Finding]:
    if seen.dead:
        number = f"{seen.dead:,}" if seen.dead < MANY else f"{MANY:,}+"
        yield Finding(
            Tone.WAIT,
            Words(
                f"最近24小时有{number}条死信，请看原因。",
                f"{number} dead letters in the last 24 hours; look at their causes.",
            ),
            "dead",
        )
