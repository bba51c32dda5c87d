"""Run a program that cannot outlive its parent: ``leash.py PARENT (-m MODULE | PROGRAM) ARGUMENT…``.

The kernel kills it when the parent goes, however the parent goes, so ``kill -9``
leaves no orphan behind. What a module forks (gunicorn's workers) is tied to it in
the same way. Linux only; elsewhere the program simply runs.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from contextlib import suppress
from functools import partial

PR_SET_PDEATHSIG = 1  # prctl(2); the setting survives exec, not fork


def tie(parent: int) -> None:
    """Die with the process ``parent``; at once if it is already gone."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def yield_as_a_group() -> None:
    """A higher ``nice`` value counts for the session, where the kernel shares out by sessions (sched(7))."""
    modesty = os.getpriority(os.PRIO_PROCESS, 0)
    if modesty > 0:
        with suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:  # noqa: PTH123 - starts fast
            group.write(str(modesty))


def main(arguments: list[str]) -> None:
    parent, command = int(arguments[0]), arguments[1:]
    tie(parent)
    yield_as_a_group()
    if command[0] != "-m":
        os.execv(command[0], command)
    os.register_at_fork(after_in_child=partial(tie, os.getpid()))
    sys.argv = command[1:]
    runpy.run_module(command[1], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
