"""Chance in the sandbox, made by one seed: the same requests in the same order meet the same luck.

Each part that leaves something to chance (its ids, its delays, whom a fault's ``share`` hits) throws dice
of its own, so one part's throws never change another's. There is one world in a process, and one seed.
"""

from __future__ import annotations

from random import Random


class Dice:
    """One ``random.Random`` for each part, by its name; all begin with the seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._of: dict[str, Random] = {}

    def of(self, part: str) -> Random:
        """That part's dice; they stay the same object when they begin anew."""
        if part not in self._of:
            self._of[part] = Random(f"{self.seed}/{part}")
        return self._of[part]

    def begin(self, seed: int) -> None:
        """Let all begin anew, with this seed."""
        self.seed = seed
        for part, dice in self._of.items():
            dice.seed(f"{seed}/{part}")


DICE = Dice()
"""The process's."""
