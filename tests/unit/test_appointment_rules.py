"""The rules of appointments in a city's file: right ones are read, wrong ones refused with their key."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from gateway import cities
from gateway.appointment_rules import Appointment, Limits, Matter, NoShows, Quotas, Timetable, WaitingList
from gateway.errors import SettingError
from tests.unit.test_cities import GOOD

BLOCK = """
[version.appointment]
window_days = 5
slot_minutes = 20
hours = [["09:00", "12:00"], ["13:30", "16:30"]]
capacity = 6
quotas = { web = 3, phone = 2, walk_in = 1 }
limits = { per_week = 3 }
no_shows = { count = 2 }
timetables = [{ from = "12-01", to = "02-29", hours = [["10:00", "15:00"]] }]
release = "07:30"
matters = [{ id = "card", name = "社保卡", name_en = "Card", letter = "K" }]
source = "test"
"""


def load(folder: Path, block: str) -> Appointment:
    (folder / "somewhere.toml").write_text(GOOD + block, encoding="utf-8")
    return cities.load(folder)["somewhere"].rules(2).appointment


def test_a_block_is_read_and_the_rest_are_defaults(tmp_path: Path) -> None:
    rules = load(tmp_path, BLOCK)
    assert rules.hours == ((time(9), time(12)), (time(13, 30), time(16, 30)))
    assert (rules.capacity, rules.quotas, rules.release) == (6, Quotas(3, 2, 1), time(7, 30))
    assert rules.limits == Limits(per_matter=1, per_day=1, per_week=3, per_month=6)
    assert (rules.no_shows, rules.waiting) == (NoShows(count=2), WaitingList())
    assert rules.timetables == (Timetable((12, 1), (2, 29), ((time(10), time(15)),)),)
    assert rules.matters == (Matter("card", "社保卡", "Card", "K"),)
    assert (rules.hold_minutes, rules.cancel_hours) == (5, 2)


def test_a_city_without_a_block_has_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Appointment()


@pytest.mark.parametrize("city", ["changde", "shanghai"])
def test_shipped_cities_say_where_their_rules_come_from(city: str) -> None:
    for rules in cities.shipped()[city].versions:
        assert rules.appointment.source
        assert rules.appointment.quotas.of("api") == rules.appointment.quotas.of("web")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("window_days = 5", "window_days = 0", "appointment.window_days"),
        ("slot_minutes = 20", 'slot_minutes = "20"', "appointment.slot_minutes"),
        ('["09:00", "12:00"]', '["9:00", "12:00"]', "appointment.hours.0.0: must be a time of the day"),
        ('["09:00", "12:00"]', '["12:00", "09:00"]', "appointment.hours: must be spans"),
        ('["13:30", "16:30"]', '["11:30", "16:30"]', "appointment.hours: must be spans"),
        ('["13:30", "16:30"]', '["13:30"]', "appointment.hours: must be spans"),
        ("capacity = 6", "capacity = 5", "appointment.quotas: are more than the capacity of 5"),
        ("walk_in = 1", "walk_in = -1", "appointment.quotas.walk_in"),
        ("walk_in = 1", "walkin = 1", "appointment.quotas.walkin"),
        ("per_week = 3", "per_week = 0", "appointment.limits.per_week"),
        ("window_days = 5", "window_days = 5\nfirst_day = 6", "appointment.first_day: is later"),
        ('release = "07:30"', "release = 7", "appointment.release: must be a time of the day"),
        ('from = "12-01"', 'from = "12-32"', "appointment.timetables.0.from: must be a day of the year"),
        ('from = "12-01"', "from = 2026-12-01", "appointment.timetables.0.from: must be a day of the year"),
        ('["10:00", "15:00"]', '["15:00", "10:00"]', "appointment.timetables.0.hours: must be spans"),
        (
            "timetables = [",
            'timetables = [{ from = "02-01", to = "03-01", hours = [["10:00", "15:00"]] }, ',
            "appointment.timetables: two hold on one day",
        ),
        ("count = 2", "count = -1", "appointment.no_shows.count"),
        ('letter = "K"', 'letter = "KK"', "appointment.matters.0.letter"),
        (
            "matters = [",
            'matters = [{ id = "card", name = "养老", name_en = "Pension", letter = "B" }, ',
            "appointment.matters: two have the same id",
        ),
        (
            "matters = [",
            'matters = [{ id = "pension", name = "养老", name_en = "Pension", letter = "K" }, ',
            "appointment.matters: two have the same letter",
        ),
    ],
)
def test_a_wrong_block_is_refused_with_file_key_and_reason(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in BLOCK
    with pytest.raises(SettingError) as refusal:
        load(tmp_path, BLOCK.replace(old, new))
    assert ": [[version]] 2: " in str(refusal.value)
    assert complaint in str(refusal.value)
