"""The verbs for a city's rules and the doctor: what they say, and what they refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from gateway.cli.command import actor
from gateway.rules import files
from tests.flows.shell import Shell

NOW = datetime(2026, 11, 28, 4, tzinfo=UTC)
NEXT = """
[[version]]
version = 3
in_force_from = 2026-12-15
source = "通知 a notice"
source_date = 2026-11-20
[version.card_loss]
duration = 10
unit = "working_day"
remote_cancel_allowed = true
source = "通知 a notice"
source_date = 2026-11-20
"""
CHANGES = [
    {"rule": "card_loss.duration", "before": "7", "after": "10"},
    {"rule": "card_loss.unit", "before": "day", "after": "working_day"},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "changde.toml"
    path.write_text(files.shipped_text("changde") + NEXT, "utf-8")
    return path


@time_machine.travel(NOW, tick=False)
def test_rules_are_looked_at_tried_loaded_and_looked_at_again(shell: Shell, file: Path) -> None:
    """A dry run says what a load will do and does nothing; the version then stands beside its source."""
    shell.json("migrate")
    assert shell.json("rules", "diff", "2", str(file))["differences"] == CHANGES
    said = shell.json("rules", "load", str(file), "--dry-run")
    assert (said["new"], said["same"], said["changes"][0]["differences"]) == ([3], [1, 2], CHANGES)
    assert [one["version"] for one in shell.json("rules", "show")["versions"]] == [1, 2]
    assert {**shell.json("rules", "load", str(file)), "dry_run": True} == said
    shown = shell.json("rules", "show", "changde", "--version", "3")
    assert [one["comes"] for one in shown["versions"]] == [
        "with the release",
        "with the release",
        f"loaded 2026-11-28 12:00 by {actor()}",
    ]
    duration = next(one for one in shown["rules"] if one["rule"] == "card_loss.duration")
    assert duration == {
        "rule": "card_loss.duration",
        "value": "10",
        "since_version": 3,
        "source": "通知 a notice",
        "source_date": "2026-11-20",
        "whose": "city",
        "given": True,
    }
    assert shell.json("rules", "show")["version"] == 2
    assert shell.json("rules", "diff", "2", "3")["differences"] == CHANGES
    assert "Nothing new" in shell("rules", "load", str(file)).stdout
    for words in (
        ["show"],
        ["show", "shanghai", "--defaults"],
        ["diff", "1", "shanghai:1"],
        ["diff", "2", "2"],
    ):
        assert shell("rules", *words).exit_code == 0


@time_machine.travel(NOW, tick=False)
def test_what_is_still_the_products_is_listed(shell: Shell) -> None:
    """Given as a default or left out alike, and demo data; nothing that is a city's own."""
    shell.json("migrate")
    listed = shell.json("rules", "show", "--defaults")["rules"]
    assert {one["whose"] for one in listed} == {"product", "demo"}
    names = {one["rule"] for one in listed}
    assert {"pension_auth.grace_days", "card_loss.duration", "notice_cap.per_day"} <= names
    assert not {"pension_auth.cycle", "districts.430702.name"} & names


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["diff", "2", "next"], "'next' is no version. Write 2, changde:2 or a file like my.toml."),
        (["diff", "2", "9"], "changde has no version 9"),
        (["show", "atlantis"], "There is no city called 'atlantis'; there are changde, shanghai"),
        (["load", "nowhere.toml"], "nowhere.toml: cannot be read: No such file"),
    ],
)
def test_a_wrong_name_is_a_line_that_says_what_there_is(shell: Shell, words: list[str], said: str) -> None:
    """Exit code 2 and no traceback."""
    shell.json("migrate")
    done = shell("rules", *words)
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


@time_machine.travel(NOW, tick=False)
def test_a_wrong_file_is_refused_with_every_line(shell: Shell, file: Path) -> None:
    """Exit code 2; nothing is loaded."""
    shell.json("migrate")
    file.write_text(
        file.read_text("utf-8")
        .replace("duration = 10", "duraton = 10")
        .replace("in_force_from = 2026-12-15", "in_force_from = soon")
    )
    done = shell("rules", "load", str(file))
    assert (done.exit_code, f"{file}:" in done.stderr) == (2, True)
    assert [one["version"] for one in shell.json("rules", "show")["versions"]] == [1, 2]


def test_the_doctor_says_what_is_wrong_and_what_to_do(shell: Shell, file: Path) -> None:
    """A schema that is missing; then rules, and the calendar of a year that is not announced."""
    done = shell("doctor")
    assert (done.exit_code, "Run: python3 run.py migrate" in done.stdout) == (1, True)
    shell.json("migrate")
    shell.json("rules", "load", str(file))
    with time_machine.travel(NOW, tick=False):
        found = {one["what"]: one for one in shell.json("doctor")["findings"]}
    assert found["rules"]["said"] == "changde, version 2 since 2026-01-01; version 3 from 2026-12-15"
    assert {what: one["state"] for what, one in found.items()} == {
        "settings": "ok",
        "schema": "ok",
        "rules": "ok",
        "city's own rules": "look",
        "calendar": "ok",
        "audit chain": "ok",
    }
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC), tick=False):
        found = {one["what"]: one for one in shell.json("doctor")["findings"]}
    assert (
        found["calendar"]["state"],
        "Working days of 2027 are only computed" in found["calendar"]["said"],
    ) == (
        "look",
        True,
    )
    with time_machine.travel(datetime(2030, 1, 5, tzinfo=UTC), tick=False):
        done = shell("doctor")
    assert (done.exit_code, "2030" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("url", "proxies", "state"),
    [
        ("https://12333.example.gov.cn", "0", "look"),
        ("https://12333.example.gov.cn", "1", None),
        ("http://127.0.0.1:12333", "0", None),
    ],
)
def test_the_doctor_sees_a_proxy_that_hides_where_people_come_from(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, url: str, proxies: str, state: str | None
) -> None:
    """Something before us ends TLS: unless we are told of it, one address stands for the whole city."""
    monkeypatch.setenv("PUBLIC_URL", url)
    monkeypatch.setenv("TRUSTED_PROXIES", proxies)
    found = {one["what"]: one for one in json.loads(shell("doctor", "--json").stdout)["findings"]}
    assert found.get("places", {}).get("state") == state
    assert state is None or "TRUSTED_PROXIES=1" in found["places"]["said"]
