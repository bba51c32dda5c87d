"""Run one of the product's programs on the clock of ``clock.py``: ``-m gateway.chaos.clocked MODULE …``.

The program is the one that runs everywhere; only the Runtime it builds has another clock.
"""

from __future__ import annotations

import os
import runpy
import sys
from dataclasses import replace
from pathlib import Path

from gateway import runtime
from gateway.chaos.clock import Clock
from gateway.config import Settings
from gateway.instance.supervisor import Program
from gateway.runtime import Runtime, Wake


def instead_of(program: Program) -> Program:
    """The same program on that clock."""

    def command() -> list[str]:
        _, *rest = program.command()  # -m MODULE …
        return ["-m", __name__, *rest]

    return replace(program, command=command)


def main(arguments: list[str]) -> None:
    clock, build = Clock(Path(os.environ["HUIYIN_STATE"])), runtime.build

    def build_clocked(
        settings: Settings, wake: Wake, *, sending: bool = True, working: bool = False
    ) -> Runtime:
        return replace(build(settings, wake, sending=sending, working=working), clock=clock)

    runtime.build = build_clocked
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
