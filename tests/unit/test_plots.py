"""Plots stand in a page under a policy that allows neither script nor style in the text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import plots

NUMBERS = st.none() | st.integers(0, 10**6)
TEXTS = st.text("abc <>&\"'/医保", max_size=12)


@pytest.mark.parametrize("draw", [plots.bars, plots.lines])
@settings(max_examples=25)
@given(about=TEXTS, name=TEXTS, values=st.lists(NUMBERS, max_size=40))
def test_a_plot_is_a_picture_with_words_and_nothing_that_acts(
    draw: plots.Draw, about: str, name: str, values: list[int | None]
) -> None:
    """Whatever it is given, hostile words too: well-formed, no script, style, id, link or event."""
    labels = [f"11-{number:02}" for number in range(len(values))]
    root = ET.fromstring(draw(about, labels, {name: values, "2": values}))  # noqa: S314 - our own
    assert (root.get("role"), root.get("aria-label")) == ("img", about)
    for part in root.iter():
        assert part.tag.rpartition("}")[2] in {"svg", "g", "rect", "path", "text", "circle"}
        acting = [key for key in part.attrib if key in ("style", "id") or key[:2] == "on" or "href" in key]
        assert acting == []


def test_every_value_above_nothing_is_drawn_and_none_is_left_out() -> None:
    drawn = plots.bars("a", ["1", "2", "3"], {"this week": [5, None, 7]})
    assert drawn.count('class="bar"') == 2
    assert "this week" not in drawn  # one series needs no legend; the words around say what it is
