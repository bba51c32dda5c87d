"""The verbs for the calendar, and who counts by a notice that was loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import time_machine

from gateway import cities
from gateway.calendars import Day
from gateway.cli.command import actor
from gateway.levers import years
from gateway.levers.accounts import Desk
from tests.flows.shell import Shell
from tests.world import World

NOTICE = """[[notice]]
year = 2027
source = "国务院办公厅关于2027年部分节假日安排的通知（样例）"
holidays = [{ from = 2026-12-31, to = 2027-01-03 }]
workdays = [2026-12-27]
"""


def test_a_notice_counts_for_every_process_and_every_version_within_seconds(world: World) -> None:
    """Whatever rules something began under, its days are counted by the calendar that is known now."""
    other = replace(world.runtime, kept={})
    before = [cities.of(here).versions[0].calendar for here in (world.runtime, other)]
    with world.runtime.db.write() as tx:
        years.load(Desk(tx, world.runtime.vault, world.clock(), "cli"), NOTICE, "2027.toml")
    world.clock.advance(seconds=3)
    city = cities.of(other)
    after = [rules.calendar for rules in (*city.versions, cities.begun_under(world.runtime, city.id, 1))]
    start = date(2026, 12, 30)
    assert [one.add_working_days(start, 1) for one in before] == [Day(date(2026, 12, 31), False)] * 2
    assert [one.add_working_days(start, 1) for one in after] == [Day(date(2027, 1, 4), False)] * len(after)


def test_a_notice_is_looked_at_loaded_and_shown(shell: Shell, tmp_path: Path) -> None:
    """From December on the next year's is missed; a file says what it changes before it is loaded."""
    shell.json("migrate")
    file = tmp_path / "2027.toml"
    file.write_text(NOTICE, "utf-8")
    with time_machine.travel(datetime(2026, 11, 30, 15, tzinfo=UTC), tick=False):
        assert shell.json("calendar", "check")["ok"]
    with time_machine.travel(datetime(2026, 11, 30, 16, tzinfo=UTC), tick=False):  # 1 December in Changde
        missed = shell("calendar", "check", "--json")
        assert (missed.exit_code, json.loads(missed.stdout)["year"]) == (1, 2027)
        assert "gateway calendar load FILE" in json.loads(missed.stdout)["said"]
        said = shell.json("calendar", "diff", str(file))
        assert not shell.json("calendar", "show", "2027")["holidays"]
        assert shell.json("calendar", "load", str(file)) == said
        assert (said["changed"], said["firm"], said["moved"][:2]) == (
            [2027],
            [2027],
            [{"day": "2026-12-27", "works": True}, {"day": "2026-12-31", "works": False}],
        )
        assert shell.json("calendar", "check")["ok"]
        shown = shell.json("calendar", "show", "2027")
        assert (shown["comes"], shown["by"], shown["holidays"]) == (
            "loaded",
            actor(),
            [["2026-12-31", "2027-01-03"]],
        )
        assert shell.json("calendar", "load", str(file))["changed"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            NOTICE.replace("2027", "2028").replace("2026-12-31", "2027-12-31").replace("[2026-12-27]", "[]"),
            "2028 cannot be out",
        ),
        (NOTICE.replace("[2026-12-27]", "[2026-12-28]"), "2026-12-28 is no weekend"),
        (NOTICE.replace("2027-01-03", "2028-01-03"), "2026-12-31 to 2028-01-03 is no holiday"),
        ("", "the file holds [[notice]] blocks"),
        ("notice = []", "holds no [[notice]]"),
        ("[" * 5000, "cannot be read"),
    ],
)
def test_a_wrong_notice_is_refused_in_one_line(shell: Shell, tmp_path: Path, text: str, said: str) -> None:
    """Whatever is wrong with a file, nothing is loaded and the line says what to correct."""
    shell.json("migrate")
    file = tmp_path / "x.toml"
    file.write_text(text, "utf-8")
    with time_machine.travel(datetime(2026, 11, 28, tzinfo=UTC), tick=False):
        done = shell("calendar", "load", str(file))
        assert (done.exit_code, said in done.stderr, done.stderr.count("\n")) == (2, True, 1)
        assert shell.json("calendar", "show", "2027")["comes"] == "computed"
