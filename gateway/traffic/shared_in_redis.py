"""``Shared`` for all processes of a deployment, in its broker; while that is away, each by itself.

Each step is one script there, so that two workers never take the same token. Nobody waits long
for it and nobody fails for it: an answer that does not come within a tenth of a second sends this
process back to its own memory for a while, which is told to the log once.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.traffic.quota import COUNT_AGAIN, LATE, SHARE, SLOT, Quota, Said, Spent, Told, Want
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
_SPEND = f"""
local now, rate, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local token, tokens_ahead, limit = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local place, places_ahead, before = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[12]
local function given(need, ahead, left)
  return need + math.max(0, math.min(ahead, math.floor((left - need) / {SHARE})))
end

local old = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(old[1] or most), tonumber(old[2] or now)
if at - now > {CLOCK_SLACK} then at = now end
tokens = math.min(most, tokens + math.max(0, now - at) * rate) + {EPSILON}
local function keep(taken)
  local left = string.format('%.9f', tokens - {EPSILON} - taken)
  redis.call('HSET', KEYS[1], 'tokens', left, 'at', string.format('%.6f', math.max(at, now)))
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
if tokens < token then
  keep(0)
  return {{{Said.TOO_FAST:d}, 0, 0, ''}}
end

local said, places = {Said.GIVEN:d}, 0
if place > 0 then
  local slot = math.floor(now / {SLOT})
  local known = redis.call('HMGET', KEYS[2], 'places', 'counted_at', 'slot', 'this', 'last')
  local used, counted_at, at_slot = tonumber(known[1]), tonumber(known[2]), tonumber(known[3])
  local this, last = tonumber(known[4]), tonumber(known[5])
  if not used then
    if before ~= 'inf' then return {{{Said.UNCOUNTED:d}, 0, 0, 'inf'}} end
    used, counted_at, at_slot, this, last = tonumber(ARGV[11]), now, slot, 0, 0
  end
  if slot ~= at_slot and slot ~= at_slot - 1 then
    last = slot == at_slot + 1 and this or 0
    at_slot, this = slot, 0
  end
  local uncounted = ''
  if used + place > limit then
    local since = string.format('%d', (at_slot - 1) * {SLOT} + {LATE})
    if before == since then
      used = math.min(used, tonumber(ARGV[11]) + last + this)
    elseif before ~= '' or now - counted_at < 0 or now - counted_at >= {COUNT_AGAIN} then
      uncounted, counted_at = since, now
    end
  end
  if uncounted ~= '' then said = {Said.UNCOUNTED:d}
  elseif used + place > limit then said = {Said.USED_UP:d}
  else
    places = given(place, places_ahead, limit - used)
    used, this = used + places, this + places
  end
  redis.call('HSET', KEYS[2], 'places', used, 'counted_at', string.format('%.6f', counted_at),
    'slot', at_slot, 'this', this, 'last', last)
  redis.call('EXPIRE', KEYS[2], ARGV[8])
  if said == {Said.UNCOUNTED:d} then return {{said, 0, 0, uncounted}} end
end

local taken = said == {Said.GIVEN:d} and given(token, tokens_ahead, tokens) or token
keep(taken)
return {{said, taken, places, ''}}
"""
_PUT_BACK = """
local used, places = tonumber(redis.call('HGET', KEYS[1], 'places')), tonumber(ARGV[1])
if not used then return 0 end
redis.call('HSET', KEYS[1], 'places', math.max(0, used - places))
if places < 0 then redis.call('HINCRBY', KEYS[1], 'this', -places) end
return 0
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
        scripts = (_EXCHANGE, _SWAP, _TAKE, _SPEND, _PUT_BACK, _HOLD)
        self._scripts = {text: self._client.register_script(text) for text in scripts}
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

    def spend(
        self, bucket: Bucket, tokens: Want, quota: Quota, places: Want, now: float, told: Told | None = None
    ) -> Spent:
        arguments: list[Any] = [now, bucket.rate, bucket.most, int(bucket.kept), *tokens]
        arguments += [quota.most, int(quota.kept), *places]
        arguments += [told.used, _instant(told.before)] if told else ["", ""]

        def ask() -> Spent:
            said, taken, given, before = self._run(_SPEND, [bucket.key, quota.key], arguments)
            return Spent(Said(said), taken, given, float(before or 0))

        return self._or_own(ask, lambda: self._own.spend(bucket, tokens, quota, places, now, told))

    def put_back(self, quota: Quota, places: int) -> None:
        self._or_own(
            lambda: self._run(_PUT_BACK, [quota.key], [places]), lambda: self._own.put_back(quota, places)
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
            if self._quiet:
                self._back()
        except (redis.RedisError, OSError) as error:
            self._away(error)
            return own()
        return answer

    def _back(self) -> None:
        with self._lock:
            if not self._quiet or time.monotonic() < self._quiet_until:
                return
            self._quiet = 0.0
        log.info("traffic_shared_again")
        for key, places in self._own.forget_quotas().items():  # given while nobody else knew
            self._run(_PUT_BACK, [key], [-places])

    def _away(self, error: Exception) -> None:
        with self._lock:
            if self._quiet and time.monotonic() < self._quiet_until:
                return  # another thread found out just now
            if not self._quiet:
                log.warning("traffic_not_shared", error=type(error).__name__)
            self._quiet = min(max(QUIET, 2 * self._quiet), LONGEST_QUIET)
            self._quiet_until = time.monotonic() + self._quiet


def _instant(seconds: float) -> str:
    return "inf" if seconds == math.inf else f"{seconds:.0f}"


def _pairs(flat: Sequence[str]) -> dict[str, float]:
    return {name: float(number) for name, number in zip(flat[::2], flat[1::2], strict=True)}
