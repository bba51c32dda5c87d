"""What each kind of fault does when it begins and when it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from gateway.chaos.plan import FARTHEST_JUMP, Fault
from gateway.chaos.scene import Scene

Act = Callable[[Scene, Fault], None]

# What too many calls at once are answered with: HTTP status and code, by provider.
THROTTLED: Mapping[str, tuple[int, str]] = {
    "aliyun_sms": (429, "Throttling.User"),
    "aliyun_voice": (429, "Throttling.User"),
    "twilio_sms": (429, "20429"),
    "twilio_voice": (429, "20429"),
    "smtp": (0, "450 4.7.1"),
}
# A hang ends after the caller has gone (its timeout is 3 s, mail's 10 s), yet before anybody asks what
# became of it: what is taken later than that nobody could tell from what never was.
HANG_MS = {"smtp": 10_500}
USUAL_HANG_MS = 3_500


def nothing(_scene: Scene, _fault: Fault) -> None:
    """It was over when it began."""


# --- processes ------------------------------------------------------------------------------


def _signal(number: signal.Signals) -> Act:
    def act(scene: Scene, fault: Fault) -> None:
        running = scene.process_ids(fault.place)
        if running:  # else it is being started again, from the fault before
            with suppress(ProcessLookupError):
                os.kill(running[int(fault.size * len(running))], number)

    return act


def _second_beat(scene: Scene, fault: Fault) -> None:
    scene.stage.instance.supervisor.start(replace(scene.program("beat"), name=fault.place))


def _no_second_beat(scene: Scene, fault: Fault) -> None:
    scene.stage.instance.supervisor.kill(fault.place)


def _restart_database(mode: str) -> Act:
    def act(scene: Scene, _fault: Fault) -> None:
        if scene.stage.database:
            scene.stage.database.restart(mode)

    return act


# --- the world outside ------------------------------------------------------------------------


def _switch(mode: str) -> Act:
    def act(scene: Scene, fault: Fault) -> None:
        scene.world.post("faults", target=fault.place, mode=mode)

    return act


def _throttle(scene: Scene, fault: Fault) -> None:
    status, code = THROTTLED[fault.place]
    scene.world.post("faults", target=fault.place, mode="error", status=status, code=code)


def _hang(scene: Scene, fault: Fault) -> None:
    latency = HANG_MS.get(fault.place, USUAL_HANG_MS)
    scene.world.post("faults", target=fault.place, mode="slow", latency_ms=latency)


def _receipts_late(scene: Scene, fault: Fault) -> None:
    latency = int(3_000 + 7_000 * fault.size)
    scene.world.post("faults", target=fault.place, mode="late", latency_ms=latency)


# --- the clock -----------------------------------------------------------------------------------


def jump(fault: Fault) -> float:
    """Seconds, from two to ``FARTHEST_JUMP``, the short ones as likely as the long."""
    ahead = 2.0 * float((FARTHEST_JUMP / 2.0) ** fault.size)
    return ahead if fault.kind == "clock_forward" else -ahead


def _put_clock(scene: Scene, fault: Fault) -> None:
    scene.put_clock(jump(fault))


def _put_clock_right(scene: Scene, _fault: Fault) -> None:
    scene.put_clock(0.0)


_KILL, _TERMINATE, _OK = _signal(signal.SIGKILL), _signal(signal.SIGTERM), _switch("ok")
ACTS: Mapping[str, tuple[Act, Act]] = {
    "kill_general": (_KILL, nothing),
    "kill_urgent": (_KILL, nothing),
    "kill_api": (_KILL, nothing),
    "kill_beat": (_KILL, nothing),
    "restart_worker": (_TERMINATE, nothing),
    "second_beat": (_second_beat, _no_second_beat),
    "broker_wiped": (_KILL, nothing),  # it keeps nothing on disk
    "database_restart_fast": (_restart_database("fast"), nothing),
    "database_restart_immediate": (_restart_database("immediate"), nothing),
    "provider_5xx": (_switch("down"), _OK),
    "provider_429": (_throttle, _OK),
    "provider_hang": (_hang, _OK),
    "provider_silent": (_switch("silent"), _OK),
    "receipts_early": (_switch("early"), _OK),
    "receipts_twice": (_switch("twice"), _OK),
    "receipts_reversed": (_switch("reversed"), _OK),
    "receipts_late": (_receipts_late, _OK),
    "clock_forward": (_put_clock, _put_clock_right),
    "clock_backward": (_put_clock, _put_clock_right),
}
