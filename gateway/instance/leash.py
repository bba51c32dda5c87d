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


def main(arguments: list[str]) -> None:
    parent, command = int(arguments[0]), arguments[1:]
    tie(parent)
    if command[0] != "-m":
        os.execv(command[0], command)
    os.register_at_fork(after_in_child=partial(tie, os.getpid()))
    sys.argv = command[1:]
    runpy.run_module(command[1], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
