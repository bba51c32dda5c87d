"""``Shared`` for all processes of a deployment, in its broker; while that is away, each by itself.

Each step is one script there, so that two workers never take the same token. Nobody waits long
for it and nobody fails for it: an answer that does not come within a tenth of a second sends this
process back to its own memory for a while, which is told to the log once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.traffic.shared import CLOCK_SLACK, EPSILON, KEPT, Bucket, Counts, InProcess, Shared

PREFIX = "huiyin:traffic:"
PATIENCE = 0.1  # seconds for one answer
QUIET, LONGEST_QUIET = 1.0, 30.0  # seconds without another try, doubled while it is away
VALUES_KEPT = 7 * 86_400  # seconds: states outlive every rest, and no provider that left the settings

_EXCHANGE = """
local adds = cjson.decode(ARGV[1])
for key, fields in pairs(adds) do
  for name, number in pairs(fields) do redis.call('HINCRBYFLOAT', key, name, number) end
  redis.call('EXPIRE', key, ARGV[2])
end
local found, counts = {}, tonumber(ARGV[3])
for i, key in ipairs(KEYS) do
  found[i] = i <= counts and redis.call('HGETALL', key) or (redis.call('GET', key) or '')
end
return found
"""
_SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_TAKE = f"""
local amount, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local rate, most, floor = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local old = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(old[1] or most), tonumber(old[2] or now)
if at - now > {CLOCK_SLACK} then at = now end
tokens = math.min(most, tokens + math.max(0, now - at) * rate)
if amount > 0 then
  amount = math.max(0, math.min(amount, math.floor(tokens - floor + {EPSILON})))
end
local left = string.format('%.9f', math.min(tokens - amount, most))
redis.call('HSET', KEYS[1], 'tokens', left, 'at', string.format('%.6f', math.max(at, now)))
redis.call('EXPIRE', KEYS[1], ARGV[6])
return amount
"""
_HOLD = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not mine and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""

T = TypeVar("T")
log = structlog.get_logger()


def connected(broker_url: str) -> Shared:
    """What this deployment's processes share: in its broker, or within this one where there is none."""
    return InRedis(broker_url) if broker_url else InProcess()


class InRedis:
    """``Shared`` in a Redis or Valkey; safe in threads, never raising."""

    def __init__(self, broker_url: str) -> None:
        self._client = redis.Redis.from_url(
            broker_url.replace("redis+socket://", "unix://", 1),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._scripts = {
            text: self._client.register_script(text) for text in (_EXCHANGE, _SWAP, _TAKE, _HOLD)
        }
        self._own = InProcess()
        self._lock = Lock()
        self._quiet = 0.0
        self._quiet_until = 0.0

    def exchange(
        self, adds: Mapping[str, Counts], counts: Sequence[str], values: Sequence[str]
    ) -> tuple[Sequence[Counts], Sequence[str]]:

        def ask() -> tuple[Sequence[Counts], Sequence[str]]:
            named = {PREFIX + key: fields for key, fields in adds.items() if fields}
            arguments = [json.dumps(named), int(KEPT), len(counts)]
            found = self._run(_EXCHANGE, [*counts, *values], arguments)
            told = [_pairs(one) for one in found[: len(counts)]]
            return told, found[len(counts) :]

        return self._or_own(ask, lambda: self._own.exchange(adds, counts, values))

    def swap(self, key: str, old: str, new: str) -> bool:
        return self._or_own(
            lambda: bool(self._run(_SWAP, [key], [old, new, VALUES_KEPT])),
            lambda: self._own.swap(key, old, new),
        )

    def take(self, bucket: Bucket, amount: int, now: float) -> int:
        arguments = [amount, now, bucket.rate, bucket.most, bucket.floor, int(bucket.kept)]
        return self._or_own(
            lambda: int(self._run(_TAKE, [bucket.key], arguments)),
            lambda: self._own.take(bucket, amount, now),
        )

    def hold(self, key: str, holder: str, most: int, now: float, until: float) -> bool:
        arguments = [holder, most, now, until, int(until - now + KEPT)]
        return self._or_own(
            lambda: bool(self._run(_HOLD, [key], arguments)),
            lambda: self._own.hold(key, holder, most, now, until),
        )

    def leave(self, key: str, holder: str) -> None:
        self._own.leave(key, holder)  # it may have been held while the broker was away
        self._or_own(lambda: self._client.zrem(PREFIX + key, holder), lambda: 0)

    def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        return self._scripts[script](keys=[PREFIX + key for key in keys], args=arguments)

    def _or_own(self, ask: Callable[[], T], own: Callable[[], T]) -> T:
        if self._quiet and time.monotonic() < self._quiet_until:
            return own()
        try:
            answer = ask()
        except (redis.RedisError, OSError) as error:
            self._away(error)
            return own()
        if self._quiet:
            self._back()
        return answer

    def _back(self) -> None:
        with self._lock:
            if self._quiet and time.monotonic() >= self._quiet_until:
                self._quiet = 0.0
                log.info("traffic_shared_again")

    def _away(self, error: Exception) -> None:
        with self._lock:
            if self._quiet and time.monotonic() < self._quiet_until:
                return  # another thread found out just now
            if not self._quiet:
                log.warning("traffic_not_shared", error=type(error).__name__)
            self._quiet = min(max(QUIET, 2 * self._quiet), LONGEST_QUIET)
            self._quiet_until = time.monotonic() + self._quiet


def _pairs(flat: Sequence[str]) -> dict[str, float]:
    return {name: float(number) for name, number in zip(flat[::2], flat[1::2], strict=True)}
