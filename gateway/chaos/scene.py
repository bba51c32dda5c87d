"""A running product that can be hurt: everything of one machine, on a clock that can be put."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gateway.bench.stage import Say, Stage, staged
from gateway.chaos import clocked, witness
from gateway.chaos.clock import Clock
from gateway.demo import seed, start
from gateway.demo.faces import Place
from gateway.demo.world import World
from gateway.instance.supervisor import Program
from gateway.runtime import Runtime

SANDBOX = {
    "receipt_retry_scale": 0.05,  # a report the API could not take comes again after 3, 15, 30 seconds
    "receipt_delay": 1.0,  # seconds; some reports come before a lost answer is missed, some long after
    "receipt_jitter": 12.0,
    "newest": witness.ALL,
    "newest_mails": witness.ALL,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """``jumps`` are the moments the clock was put, epoch seconds, with the seconds it was then ahead;
    ``citizens`` is the size of its demo city."""

    stage: Stage
    clock: Clock
    world: World
    programs: Sequence[Program]
    citizens: int
    jumps: list[tuple[float, float]] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime:
        """Ours beside the product's processes, on their clock."""
        return self.stage.runtime

    @property
    def place(self) -> Place:
        return start.place(self.stage.instance.ready)

    def put_clock(self, seconds: float) -> None:
        self.clock.put(seconds)
        self.jumps.append((time.time(), seconds))

    def offsets(self, begin: float, end: float) -> Sequence[float]:
        """All the clock was ahead by between two moments."""
        times = [at for at, _ in self.jumps]
        first, last = bisect_right(times, begin), bisect_right(times, end)
        before = self.jumps[first - 1][1] if first else 0.0
        return [before, *(ahead for _, ahead in self.jumps[first:last])]

    def process_ids(self, name: str) -> Sequence[int]:
        """Of the programs whose name begins like this, those that run."""
        found = (self.stage.instance.supervisor.process_id(program.name) for program in self.programs)
        named = zip(self.programs, found, strict=True)
        return [pid for program, pid in named if pid is not None and program.name.startswith(name)]

    def program(self, name: str) -> Program:
        return next(program for program in self.programs if program.name == name)


@contextmanager
def played(say: Say, citizens: int, *, sqlite: bool) -> Iterator[Scene]:
    """Start it, with so many citizens at least; all of it is gone afterwards."""
    hooks = replace(start.hooks(play=False), instead_of=clocked.instead_of)
    with staged(say, sqlite=sqlite, hooks=hooks) as stage:
        clock = Clock(stage.settings.state)
        stage = replace(stage, runtime=replace(stage.runtime, clock=clock))
        seed.seed(stage.runtime, citizens)
        world = World(stage.instance.sandbox_url)
        world.post("settings", **SANDBOX)
        plan = stage.instance.plan
        outside = [] if plan.settings.broker_url else [plan.broker()]
        programs = [*outside, *map(clocked.instead_of, plan.workers())]
        yield Scene(stage, clock, world, programs, citizens)
