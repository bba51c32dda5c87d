"""Small pictures beside the numbers, as inline SVG without scripts or styles of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEIGHT = 24
BAR, GAP = 2, 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a row of bars, from the top left corner."""

    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Values over time, the newest on the right."""

    width: int
    height: int
    most: float
    bars: Sequence[Bar]


def bars(values: Sequence[float]) -> Bars:
    """A bar for each value, the highest as high as the picture; a value above 0 is always seen."""
    most = max(values, default=0.0)
    drawn = []
    for number, value in enumerate(values):
        height = max(1.0, round(value / most * HEIGHT, 1)) if value > 0 else 0.0
        if height:
            drawn.append(Bar(number * (BAR + GAP), round(HEIGHT - height, 1), height))
    return Bars(len(values) * (BAR + GAP), HEIGHT, most, drawn)


@dataclass(frozen=True, slots=True)
class Share:
    """A piece of a band, in percent of its width."""

    name: str
    start: float
    width: float


def band(parts: Mapping[str, float]) -> Sequence[Share]:
    """Parts of a whole, side by side; none where there is no whole."""
    whole = sum(parts.values())
    shares, start = [], 0.0
    for name, value in parts.items():
        if value > 0:
            width = value / whole * 100
            shares.append(Share(name, round(start, 2), round(width, 2)))
            start += width
    return shares
