"""``/metrics`` in Prometheus' text format, read from the database at each scrape.

So it is right with any number of processes, and a restart loses nothing. Only
short lists and due indexes are read. Without ``METRICS_TOKEN`` it answers this
machine alone, and where citizens come by another address (``PUBLIC_URL``) nobody:
behind a proxy everybody seems to be this machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway import __version__
from gateway.delivery import books, ledger, measures, receipts, reconcile, route_book
from gateway.levers import holding
from gateway.ops import queues
from gateway.runtime import Runtime
from gateway.security import same
from gateway.traffic.breaker import Mode
from gateway.webhooks import book as webhooks
from gateway.webhooks import telling

Schema = Callable[[Connection], str | None]


def blueprint(runtime: Runtime, schema: Schema) -> Blueprint:
    """``/metrics``; ``schema`` tells the revision a database is at."""
    door = Blueprint("metrics", __name__)

    @door.get("/metrics")
    def metrics() -> Response:
        if not _may_read(runtime):
            return _plain(
                "Send the METRICS_TOKEN, or come from this machine where PUBLIC_URL is its own.",
                403,
            )
        registry = CollectorRegistry(auto_describe=False)
        try:
            with runtime.db.read() as tx:
                registry.register(_Books(tx, runtime, schema))
                text = generate_latest(registry)
        except DBAPIError:
            return _plain("The database does not answer.", 503)
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    return door


def _plain(words: str, status: int) -> Response:
    return Response(f"# {words}\n", status, content_type="text/plain; charset=utf-8")


def _may_read(runtime: Runtime) -> bool:
    token = runtime.settings.metrics_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and same(given.strip().encode(), token.encode()):
        return True
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip"))
    behind_proxy = forwarded or runtime.settings.trusted_proxies or not _is_own(runtime.settings.public_url)
    return not behind_proxy and _is_loopback(request.remote_addr or "")


def _is_own(url: str) -> bool:
    """Whether this address leads to this machine, and so to no other."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or _is_loopback(host)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


class _Books(Collector):
    """The figures of one moment, all read in one transaction."""

    def __init__(self, tx: Connection, runtime: Runtime, schema: Schema) -> None:
        self.tx = tx
        self.runtime = runtime
        self.schema = schema

    def collect(self) -> Iterator[Metric]:
        yield self._schema()
        work = queues.open_work(self.tx, self.runtime)
        yield _by_lane("huiyin_lane_depth", "Taken, not handed over yet.", {w.name: w.depth for w in work})
        yield _by_lane(
            "huiyin_lane_oldest_age_seconds",
            "How long the oldest due one has waited.",
            {w.name: w.oldest_s for w in work},
        )
        yield _by_lane(
            "huiyin_lane_in_flight", "Leased to a worker now.", {w.name: w.in_flight for w in work}
        )
        yield _by_lane(
            "huiyin_lane_unknown", "Perhaps taken, being found out.", {w.name: w.unknown for w in work}
        )
        yield self._unknown()
        waiting = next(w.depth + w.unknown for w in work if w.name == receipts.LANE)
        yield _gauge("huiyin_receipts_waiting", "Callbacks of providers not applied yet.", waiting)
        yield from self._webhooks()
        yield self._ledger()
        yield self._books()
        yield self._breakers()
        yield from _counts(measures.totals(self.tx))

    def _webhooks(self) -> Iterator[Metric]:
        waiting, oldest = webhooks.waiting(self.tx, self.runtime.clock())
        yield _gauge("huiyin_webhooks_waiting", "Events services are still to be told.", waiting)
        yield _gauge("huiyin_webhooks_oldest_age_seconds", "How long the oldest of them has waited.", oldest)

    def _schema(self) -> Metric:
        about = InfoMetricFamily("huiyin_schema", "The release that runs and the schema it found.")
        about.add_metric([], {"release": __version__, "revision": self.schema(self.tx) or "none"})
        return about

    def _unknown(self) -> Metric:
        family = GaugeMetricFamily(
            "huiyin_unknown", "Being found out, by how long it has been.", labels=["provider", "age"]
        )
        for labels, number in reconcile.standing(self.tx, self.runtime.clock()).items():
            family.add_metric(labels, number)
        return family

    def _books(self) -> Metric:
        family = GaugeMetricFamily(
            "huiyin_books_difference",
            "Unexplained differences with a provider's own books, of the last day matched.",
            labels=["provider"],
        )
        for name, number in books.standing(self.tx).items():
            family.add_metric([name], number)
        return family

    def _breakers(self) -> Metric:
        """1 for the state each provider is in; the last event of the history tells it."""
        family = GaugeMetricFamily(
            "huiyin_provider_state", "1 for the state a provider is in.", labels=["provider", "state"]
        )
        told = route_book.standing(self.tx)
        for name in holding.providers(self.runtime):
            family.add_metric([name, told[name].became if name in told else Mode.CLOSED], 1)
        return family

    def _ledger(self) -> Metric:
        lost = sum(abs(one.taken - sum(one.standing.values())) for one in ledger.accounts(self.tx))
        return _gauge("huiyin_ledger_difference", "0 while taken = ended + open, in every lane.", lost)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _by_lane(name: str, help_text: str, values: dict[str, float] | dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=["lane"])
    for lane, value in values.items():
        family.add_metric([lane], value)
    return family


def _counts(totals: dict[measures.Key, float]) -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "huiyin_attempts", "Hand-overs of a message, by outcome.", labels=["provider", "outcome"]
    )
    reported = CounterMetricFamily(
        "huiyin_receipts", "Final receipts, by what they say.", labels=["provider", "delivery"]
    )
    unknown = CounterMetricFamily(
        "huiyin_unknown_codes", "Vendors' codes that no table of ours knows.", labels=["provider", "where"]
    )
    inquiries = CounterMetricFamily(
        "huiyin_inquiries", "Questions about a lost answer, by finding.", labels=["provider", "finding"]
    )
    held_back = CounterMetricFamily(
        "huiyin_held_back", "Messages a provider had no room for, by reason.", labels=["provider", "reason"]
    )
    calls = CounterMetricFamily(
        "huiyin_webhook_calls", "Calls to services, by kind of event and outcome.", labels=["kind", "outcome"]
    )
    buckets: dict[str, dict[str, float]] = defaultdict(dict)
    sums: dict[str, float] = {}
    for (name, label, detail), number in sorted(totals.items()):
        match name:
            case measures.ATTEMPTS:
                attempts.add_metric([label, detail], number)
            case measures.RECEIPTS:
                reported.add_metric([label, detail], number)
            case measures.UNKNOWN_CODES:
                unknown.add_metric([label, detail], number)
            case measures.INQUIRIES:
                inquiries.add_metric([label, detail], number)
            case measures.HELD_BACK:
                held_back.add_metric([label, detail], number)
            case telling.CALLED:
                calls.add_metric([label, detail], number)
            case measures.HANDOVER:
                buckets[label][detail] = number
            case measures.HANDOVER_SUM:
                sums[label] = number
    yield attempts
    yield reported
    yield unknown
    yield inquiries
    yield held_back
    yield calls
    yield _times(buckets, sums)


def _times(buckets: dict[str, dict[str, float]], sums: dict[str, float]) -> Metric:
    family = HistogramMetricFamily(
        "huiyin_handover_seconds", "From being taken to being accepted by a provider.", labels=["lane"]
    )
    for lane, counted in buckets.items():
        below, cumulated = 0.0, []
        for bound in (*map(str, measures.BOUNDS), "+Inf"):
            below += counted.get(bound, 0.0)
            cumulated.append((bound, below))
        family.add_metric([lane], cumulated, sums.get(lane, 0.0))
    return family
