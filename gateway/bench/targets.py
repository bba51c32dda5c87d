"""What was asked of each figure, and whether it was reached. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

AT_LEAST: Mapping[str, float] = {
    "accept": 1.2,
    "aliyun_batch": 10,
    "aliyun_batch_80ms": 8,
    "twilio_single": 2.5,
    "end_to_end": 8,
}
"""Times the empty task's ceiling, by part."""
KEYED = 0.8  # of what is taken without Idempotency-Keys is taken with
URGENT_P99_MS = 1_000
URGENT_TIMES_IDLE, URGENT_FLOOR_MS = 2, 300  # whichever is more
BACKLOG_TIMES = 1.2  # the largest's cost for a message, against the smallest's
MEMORY_TIMES = 1.2  # "memory flat"
LOSERS_P99_MS = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was found, what was wanted, in words; and whether it was reached (None: no target)."""

    name: str
    found: str
    wanted: str
    ok: bool | None


def ratios(result: Mapping[str, Any]) -> dict[str, float]:
    """Each figure with a target against its measure: the empty task, the idle wait, the smallest backlog."""
    noop = result["ceilings"]["celery_noop_per_s"]
    found = {name: per_s / noop for name, per_s in _rates(result)}
    if accept := result.get("accept"):
        found["accept_keyed"] = accept["keyed_per_s"] / accept["per_s"]
    if urgent := result.get("urgent"):
        found["urgent_p99"] = urgent["loaded_p99_ms"] / urgent["idle_p99_ms"]
    backlog = result.get("backlog", ())
    if len(backlog) > 1:
        found["backlog_cost"] = backlog[0]["per_s"] / backlog[-1]["per_s"]
        found["backlog_memory"] = backlog[-1]["worker_rss_mb"] / backlog[0]["worker_rss_mb"]
    return {name: round(ratio, 2) for name, ratio in found.items()}


def _rates(result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield from result.get("send", {}).items()
    for name in ("accept", "end_to_end"):
        if name in result:
            yield name, result[name]["per_s"]


def verdicts(result: Mapping[str, Any]) -> list[Verdict]:
    """A line for each figure, in the order measured."""
    against = result["ratios"]
    found = [_rate(name, per_s, against[name]) for name, per_s in _rates(result)]
    if accept := result.get("accept"):
        found.append(_keyed(accept["keyed_per_s"], against["accept_keyed"]))
    if urgent := result.get("urgent"):
        found.append(_urgent(urgent["idle_p99_ms"], urgent["loaded_p99_ms"]))
    if "backlog_cost" in against:
        found.append(_times("backlog, cost of a message", against["backlog_cost"], BACKLOG_TIMES))
        found.append(_times("backlog, memory", against["backlog_memory"], MEMORY_TIMES))
    if release := result.get("release"):
        found.append(_release(release["losers_p99_ms"]))
    return found


def _rate(name: str, per_s: float, ratio: float) -> Verdict:
    least = AT_LEAST.get(name)
    wanted = f">= {least:g} x" if least else "-"
    return Verdict(name, f"{per_s:,}/s  {ratio} x", wanted, ratio >= least if least else None)


def _keyed(per_s: float, ratio: float) -> Verdict:
    found, wanted = f"{per_s:,}/s  {ratio} x", f">= {KEYED} x accept"
    return Verdict("accept, with keys", found, wanted, ratio >= KEYED)


def _urgent(idle: float, loaded: float) -> Verdict:
    most = min(URGENT_P99_MS, max(URGENT_TIMES_IDLE * idle, URGENT_FLOOR_MS))
    return Verdict("urgent, loaded p99", f"{loaded:.0f} ms", f"<= {most:.0f} ms", loaded <= most)


def _release(losers: float) -> Verdict:
    name, wanted = "release, losers' p99", f"<= {LOSERS_P99_MS:,} ms"
    return Verdict(name, f"{losers:.0f} ms", wanted, losers <= LOSERS_P99_MS)


def _times(name: str, ratio: float, most: float) -> Verdict:
    return Verdict(name, f"{ratio} x", f"<= {most} x", ratio <= most)


def table(found: list[Verdict]) -> Table:
    """For people."""
    shown = Table("", "found", "wanted", "", box=None)
    for one in found:
        words = {True: "reached", False: "[bold]MISSED[/bold]", None: ""}[one.ok]
        shown.add_row(one.name, one.found, one.wanted, words)
    return shown
