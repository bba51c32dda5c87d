"""A report as a page of its own: one file, to open, print and send; no script, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway import plots
from gateway.barometer import words, written
from gateway.barometer.report import Report
from gateway.rules.model import Rules

PAGES = Path(__file__).parents[2] / "templates" / "pages"


def values(report: Report, rules: Rules) -> dict[str, object]:
    """What the page's part that tells the report works with, here and on the console."""
    return {
        "report": report,
        "rules": rules,
        "drawn": written.drawn(report),
        "words": words,
        "at": lambda moment: f"{moment.astimezone(rules.zone):%m-%d %H:%M}",
    }


def as_html(report: Report, rules: Rules) -> str:
    """The whole file."""
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("barometer.html").render(css=plots.CSS, **values(report, rules))
