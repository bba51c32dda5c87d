"""Verb for whoever reports how the hotline is asked: by week, by day, around a policy."""

from __future__ import annotations

import click

from gateway import cities
from gateway.barometer import asking, page, report, roll, words, written
from gateway.barometer.report import Line, Report
from gateway.cli.accounts import table
from gateway.cli.command import Context, main, pass_context
from gateway.phone.calls import counted
from gateway.rules.model import Rules
from gateway.transactions.model import Words


@main.command()
@click.option("--week", default="", help="An ISO week, like 2026-W48; the last whole one without any option.")
@click.option("--from", "first", default="", help="From this day, like 2026-11-01.")
@click.option("--to", "last", default="", help="To this day.")
@click.option("--around", default="", help="A policy: its day, or the id of its broadcast.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--html", "as_html", is_flag=True, help="Print a page of its own, with plots.")
@pass_context
def barometer(
    context: Context, *, week: str, first: str, last: str, around: str, as_csv: bool, as_html: bool
) -> None:
    """What was asked, by whom, how it ended, on time or not, and what people think of it.

    Counts what is not counted yet, then tells some days beside those before them. Numbers of fewer than
    five people are not told.
    """
    here = context.runtime()
    roll.run(here, (counted,))
    rules = cities.of(here).rules_now(here.clock())
    given = {"week": week, "from": first, "to": last, "around": around}
    with here.db.read() as tx:
        found = report.make(tx, asking.asked(tx, here, given))
    if as_csv:
        click.echo(written.as_csv(found, rules), nl=False)
    elif as_html:
        click.echo(page.as_html(found, rules), nl=False)
    else:
        context.show(written.as_json(found), lambda: _print(found, rules))


def _print(found: Report, rules: Rules) -> None:
    asked = found.asked
    about = f"{words.title(asked).en}: " if asked.policy else ""
    click.echo(f"{about}{words.span(asked.span)}, beside {words.span(asked.before)}")
    table(HEADINGS, [_row(words.NAMES[one.name], one) for one in found.headline], "")
    if found.matters:
        click.echo("\nAsked most")
        rows = [_row(words.of_matter(one.line.name), one.line) for one in found.matters]
        table(HEADINGS, rows, "")
    for by, lines in found.groups.items():
        click.echo(f"\n{words.GROUPS[by].en}")
        rows = [_row(words.of_group(by, one.name, rules), one) for one in lines]
        table(HEADINGS, rows, "nobody")
    click.echo(f"\n{words.PRIVACY.en}")


HEADINGS = ("", "now", "before", "change")


def _row(named: Words, line: Line) -> tuple[str, ...]:
    numbers = (words.number(line, line.now), words.number(line, line.before))
    return (f"{named.zh} {named.en}", *numbers, words.change(line))
