"""What the bench makes of its figures, and the instruments that need no running product."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bench import posting, targets
from gateway.bench.accepting import percentile_99

FOUND: dict[str, Any] = {
    "ceilings": {"celery_noop_per_s": 1_000},
    "accept": {"per_s": 1_199, "keyed_per_s": 958},
    "send": {"aliyun_batch": 10_000, "smtp": 900},
    "end_to_end": {"per_s": 7_990},
    "urgent": {"idle_p99_ms": 20.0, "loaded_p99_ms": 300.0},
    "backlog": [
        {"rows": 10_000, "per_s": 1_200, "worker_rss_mb": 100.0},
        {"rows": 1_000_000, "per_s": 1_000, "worker_rss_mb": 121.0},
    ],
    "release": {"losers_p99_ms": 1_000.1},
}


def test_each_figure_is_held_against_its_own_target() -> None:
    """Just reached is reached; what has no target has no verdict."""
    result = {**FOUND, "ratios": targets.ratios(FOUND)}
    assert {one.name: one.ok for one in targets.verdicts(result)} == {
        "accept": True,  # 1.199 is shown, and meant, as 1.2
        "accept, with keys": True,
        "aliyun_batch": True,
        "smtp": None,
        "end_to_end": False,
        "urgent, loaded p99": True,
        "backlog, cost of a message": True,
        "backlog, memory": False,
        "release, losers' p99": False,
    }


@pytest.mark.parametrize(("idle", "loaded", "ok"), [(20, 301, False), (400, 800, True), (700, 1_001, False)])
def test_a_code_behind_a_mass_may_take_twice_its_idle_time_or_300_ms_but_never_a_second(
    idle: float, loaded: float, ok: bool
) -> None:
    urgent = {"idle_p99_ms": idle, "loaded_p99_ms": loaded}
    result = {"ceilings": {"celery_noop_per_s": 1}, "urgent": urgent}
    [found] = targets.verdicts({**result, "ratios": targets.ratios(result)})
    assert found.ok is ok


def test_parts_that_were_not_asked_for_are_not_judged() -> None:
    result = {"ceilings": {"celery_noop_per_s": 1}, "backlog": FOUND["backlog"][:1]}
    assert targets.verdicts({**result, "ratios": targets.ratios(result)}) == []


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_a_99th_percentile_lies_among_the_largest(values: list[float]) -> None:
    """Few values do not hide their worst."""
    found = percentile_99(values)
    assert found <= max(values) * (1 + 1e-9)
    assert sum(value > found for value in values) <= len(values) // 100


ANSWER = b"HTTP/1.1 201 CREATED\r\nServer: x\r\ncontent-length: 5\r\n\r\nhello"


@given(st.integers(0, len(ANSWER)))
def test_an_answer_is_whole_with_its_last_byte_and_not_before(cut: int) -> None:
    """Servers write head and body apart."""
    assert posting.is_whole(ANSWER[:cut]) == (cut == len(ANSWER))


@pytest.fixture
def server() -> Iterator[str]:
    """Answers each request on each connection with its number, head and body in two pieces."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve(line: socket.socket) -> None:
            with line:
                while request := line.recv(1024):
                    body = request.partition(b"#")[2]
                    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
                    line.sendall(body)

        def listen() -> None:
            while True:
                try:
                    line, _ = door.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(line,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)


def test_every_prepared_request_is_answered_once_and_timed(server: str) -> None:
    """Whole answers, each to its own request, over the connections asked for."""
    requests = [b"POST / HTTP/1.1\r\n\r\n#%d" % number for number in range(50)]
    posted = posting.post(server, requests, 4)
    bodies = {int(answer.partition(b"\r\n\r\n")[2]) for answer in posted.answers}
    assert bodies == set(range(50))
    assert len(posted.latencies) == 50
    assert 0 < max(posted.latencies) <= posted.seconds
