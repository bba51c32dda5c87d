"""Plots for the office: SVG that stands in a page, without script or style of its own. Pure.

pygal draws; what it adds for lone files (script, style, tooltips, ids) is taken out again. How it looks is
``CSS``, the same on the console, in a file and in print, by light and by night.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pygal
from pygal.style import Style

# pygal leaves a finder of the old kind behind, for maps: each later import that finds nothing would warn.
sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != pygal.__name__]

WIDTH, HEIGHT = 760, 240  # CSS pixels; a page scales it to its width
SIZE = 12  # of the letters
MOST_LABELS = 16  # below the plot; of more, every so many is written
CSS = """\
.chart { display: block; width: 100%; height: auto; max-width: 60rem; margin: .3rem 0 1rem; }
.chart text { font-family: inherit; font-size: 12px; fill: currentColor; }
.chart .background { fill: none; }
.chart .line { fill: none; stroke: currentColor; stroke-width: .6; opacity: .25; }
.chart .axis.x .guides .line { display: none; }
.chart .axis.x text { text-anchor: middle; }
.chart .axis.y text { text-anchor: end; }
.chart .bar rect { stroke: none; }
.chart .series .line { fill: none; stroke-width: 2.5; opacity: 1; }
.chart .dot { stroke: none; }
.chart .color-0 { --of: #0b6b74; }
.chart .color-1 { --of: #b4550d; }
.chart .color-2 { --of: #6d4aa8; }
.chart .color-3 { --of: #4f7a1c; }
.chart .color-0, .chart .color-1, .chart .color-2, .chart .color-3 { fill: var(--of); }
.chart .color-0 rect, .chart .color-1 rect, .chart .color-2 rect, .chart .color-3 rect { fill: var(--of); }
.chart .series .line { stroke: var(--of); }
.chart .color-1 .line { stroke-dasharray: 7 4; }
.chart .color-2 .line { stroke-dasharray: 2 4; }
.chart .legend text { fill: currentColor; }
@media screen and (prefers-color-scheme: dark) {
  .chart .color-0 { --of: #8ed6d3; }
  .chart .color-1 { --of: #ffb46b; }
  .chart .color-2 { --of: #c9b3f5; }
  .chart .color-3 { --of: #b5dd86; }
}
@media print { .chart { break-inside: avoid; } }
"""
_STYLE = Style(label_font_size=SIZE, major_label_font_size=SIZE, legend_font_size=SIZE, value_font_size=SIZE)
_NOT_OURS = ("defs", "desc", "title")
Draw = Callable[[str, Sequence[str], "Series"], str]
Series = Mapping[str, Sequence[float | None]]


def bars(about: str, labels: Sequence[str], series: Series) -> str:
    """Bars side by side, a group for each label; ``about`` says in words what is seen. None: no bar."""
    return _drawn(pygal.Bar, about, labels, series)


def lines(about: str, labels: Sequence[str], series: Series) -> str:
    """A line through the values of each series, broken where there is None."""
    return _drawn(pygal.Line, about, labels, series)


def _drawn(kind: Any, about: str, labels: Sequence[str], series: Series) -> str:
    chart = kind(
        width=WIDTH,
        height=HEIGHT,
        margin=6,
        margin_right=24,
        style=_STYLE,
        classes=("chart",),
        css=[],
        js=[],
        no_prefix=True,
        disable_xml_declaration=True,
        pretty_print=False,
        print_values=False,
        dots_size=3,
        min_scale=2,
        max_scale=5,
        allow_interruptions=True,
        include_x_axis=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(series) or 1,
        show_legend=len(series) > 1,
        truncate_legend=-1,
        truncate_label=-1,
        no_data_text="–",
        show_minor_x_labels=False,
    )
    chart.x_labels = list(labels)
    chart.x_labels_major = list(labels[:: -(-len(labels) // MOST_LABELS) or 1])
    for name, values in series.items():
        chart.add(name, list(values))
    chart.value_formatter = _number
    chart.add_xml_filter(lambda root: _bare(root, about))
    return str(chart.render(is_unicode=True))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _bare(root: Any, about: str) -> Any:
    """The picture alone, with its words for whoever does not see it."""
    root.set("role", "img")
    root.set("aria-label", about)
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag in _NOT_OURS or _is_tooltip(child):
                parent.remove(child)
        parent.attrib.pop("id", None)
    return root


def _is_tooltip(part: Any) -> bool:
    return part.tag == "g" and "tooltip-overlay" in part.get("class", "")
