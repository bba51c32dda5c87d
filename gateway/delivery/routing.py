"""Which provider carries a message. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def choose(weights: Mapping[str, int], just_tried: str | None, draw: float) -> str:
    """One of the weighted providers, not the one just tried where there is another.

    ``draw`` in [0, 1) decides among them, in proportion to their weights.
    """
    open_to = {name: weight for name, weight in weights.items() if weight > 0}
    rest = {name: weight for name, weight in open_to.items() if name != just_tried} or open_to
    mark = draw * sum(rest.values())
    for name, weight in rest.items():
        mark -= weight
        if mark < 0:
            return name
    return next(reversed(rest))
