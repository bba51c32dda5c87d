"""Those who call people back: what waits in their line, with drawn luck, on the days they are there."""

from __future__ import annotations

from collections import Counter
from random import Random

from gateway import cities
from gateway.call_backs import hours
from gateway.call_backs.trying import Result
from gateway.levers import calling
from gateway.simulate.town import Town

OPERATOR = "operator 7"
AWAY = 0.04  # of the days nobody is there: promises are broken then, and the office must have been warned
LUCK = {
    Result.TALKED: 0.7,
    Result.NO_ANSWER: 0.14,
    Result.BUSY: 0.1,
    Result.WRONG_NUMBER: 0.03,
    Result.REFUSED: 0.03,
}
AT_ONCE = 30  # calls in the time between two looks


class Staff:
    """``called`` counts what came of the tries."""

    def __init__(self, seed: int) -> None:
        self.called: Counter[str] = Counter()
        self._luck = Random(f"{seed} staff")
        self._away_on = ""

    def work(self, town: Town) -> None:
        """Call whoever's turn it is."""
        runtime, now = town.runtime, town.clock()
        rules = cities.of(runtime).rules_now(now)
        if not hours.staffed(rules, now) or self._is_away(f"{now:%Y-%m-%d}"):
            return
        with runtime.db.read() as tx:
            waiting = [one for one in calling.listed(tx, runtime) if one.due]
        for one in waiting[:AT_ONCE]:
            result = self._luck.choices(list(LUCK), list(LUCK.values()))[0]
            with runtime.db.write() as tx:
                calling.take(tx, runtime, one.id, OPERATOR)
            with runtime.db.write() as tx:
                calling.tried(tx, runtime, one.id, result, OPERATOR)
            self.called[result] += 1

    def _is_away(self, day: str) -> bool:
        """Drawn once a day."""
        if day != self._away_on.removesuffix("!"):
            self._away_on = day + ("!" if self._luck.random() < AWAY else "")
        return self._away_on.endswith("!")
