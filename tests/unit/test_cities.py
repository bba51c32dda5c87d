"""A city's rules as versioned data."""

from datetime import date
from pathlib import Path

import pytest

from gateway import cities
from gateway.cities import CardLoss
from gateway.errors import SettingError, UnknownNameError

FOLDER = Path(__file__).parents[2] / "templates" / "cities"
CITIES = cities.load(FOLDER)
CHANGDE = CITIES["changde"]

GOOD = """
name = "某市"
name_en = "Somewhere"
division = "4399"
area_code = "0799"
signature = "某市人社"
districts = { 439901 = { name = "某区", name_en = "Some District" } }
[[halls]]
id = "one"
name = "大厅"
address = "某路1号"
hours = "8:30–12:00"
district = "439901"
[[version]]
version = 1
in_force_from = 2025-01-01
source = "test"
[[version]]
version = 2
in_force_from = 2026-01-01
source = "test"
signature = "某市新人社"
card_loss = { duration = 24, unit = "hour" }
"""


def write(folder: Path, text: str) -> Path:
    (folder / "somewhere.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("day", "version", "duration"),
    [
        (date(2025, 12, 31), 1, 5),
        (date(2026, 1, 1), 2, 7),
        (date(2030, 1, 1), 2, 7),
    ],
)
def test_the_rules_of_a_day_are_those_last_come_into_force(day: date, version: int, duration: int) -> None:
    """A version holds from its date until the next one's."""
    rules = CHANGDE.rules_at(day)
    assert (rules.version, rules.card_loss.duration) == (version, duration)


def test_a_transaction_keeps_the_version_it_began_under() -> None:
    """An old version can still be asked for by its number."""
    assert CHANGDE.rules(1).card_loss.duration == 5
    assert CHANGDE.rules(1) is CHANGDE.rules_at(date(2025, 6, 1))


def test_no_rules_before_the_first_version() -> None:
    """A day before every version, or a number nobody gave, has no rules."""
    with pytest.raises(UnknownNameError, match="no rules in force on 2000-01-01"):
        CHANGDE.rules_at(date(2000, 1, 1))
    with pytest.raises(UnknownNameError, match="no version 9"):
        CHANGDE.rules(9)


def test_an_unknown_city_is_named_beside_the_known_ones() -> None:
    """A wrong name in the settings is answered with the right ones."""
    with pytest.raises(UnknownNameError, match="'atlantis'; there are changde, shanghai"):
        CITIES["atlantis"]
    assert "atlantis" not in CITIES
    assert sorted(CITIES) == ["changde", "shanghai"]


def test_the_demo_city() -> None:
    """Changde has nine divisions, its hotline with and without area code, and release from afar."""
    rules = CHANGDE.rules(2)
    assert (rules.hotline, rules.hotline_elsewhere, rules.signature) == ("12333", "0736-12333", "常德人社")
    assert len(rules.districts) == 9
    assert rules.districts["430702"].name == "武陵区"
    assert rules.card_loss.remote_cancel_allowed
    assert {hall.district for hall in rules.halls} <= set(rules.districts)
    assert str(rules.zone) == "Asia/Shanghai"


def test_shanghai_differs_where_it_does() -> None:
    """Another city's figures stand in its own file."""
    rules = CITIES["shanghai"].rules_at(date(2026, 1, 1))
    assert (rules.card_loss.duration, rules.hotline_elsewhere) == (5, "021-12333")
    assert rules.districts["310151"].name == "崇明区"
    assert not rules.card_loss.remote_cancel_allowed


def test_defaults_of_the_loss_report() -> None:
    """Unless a city says otherwise: seven days, at once, no word to the bank, no release from afar."""
    assert CardLoss() == CardLoss(7, "day", 0, "none", False, "")


def test_a_version_may_replace_what_stands_above(tmp_path: Path) -> None:
    """Keys above the first version hold for all; a version's own come first."""
    city = cities.load(write(tmp_path, GOOD))["somewhere"]
    assert [rules.signature for rules in city.versions] == ["某市人社", "某市新人社"]
    assert [rules.card_loss for rules in city.versions] == [CardLoss(), CardLoss(24, "hour")]
    assert city.rules(2).halls[0].name == "大厅"


def test_rules_cannot_be_changed_in_place() -> None:
    """Rules are shared by all requests, so nobody may write into them."""
    with pytest.raises(TypeError):
        CHANGDE.rules(1).districts["430702"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        CHANGDE.rules(1).signature = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('area_code = "0799"', "", "area_code: Missing"),
        ('area_code = "0799"', "area_code = 799", "area_code: Not a valid string"),
        ('area_code = "0799"', 'area_code = "0799\\n"', "area_code"),
        ('name = "某市"', 'name = "某市"\nfoo = 1', "foo: Unknown field"),
        ('name = "某市"', 'name = "某市"\ntime_zone = "Asia/Changde"', "time_zone: is no time zone"),
        ('name = "某市"', 'name = "某市"\ntime_zone = "../UTC"', "time_zone: is no time zone"),
        ('signature = "某市人社"', 'signature = "【某市人社】"', "signature"),
        ("439901 =", "430702 =", "districts: 430702 does not begin with"),
        ('district = "439901"', 'district = "439902"', "halls: one is in 439902"),
        ('hours = "8:30–12:00"', "", "halls.0.hours: Missing"),
        ("duration = 24", "duration = 0", "2: card_loss.duration"),
        ("duration = 24", 'duration = "24"', "2: card_loss.duration"),
        ("duration = 24", "duration = 24.0", "2: card_loss.duration"),
        ('unit = "hour"', 'unit = "week"', "2: card_loss.unit"),
        ('unit = "hour"', 'unit = "hour", remote_cancel_allowed = "yes"', "remote_cancel_allowed: must be"),
        ('unit = "hour"', 'unit = "hour", bank_sync = "both"', "card_loss.bank_sync"),
        ("in_force_from = 2025-01-01", 'in_force_from = "2025-01-01"', "in_force_from: must be a date"),
        ("in_force_from = 2026-01-01", "in_force_from = 2025-01-01", "after 2025-01-01"),
        ("version = 2", "version = 1", "1 comes after 1"),
        ("[[version]]", "[[versions]]", "version: there must be"),
        ("[[halls]]", "[[halls]", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """The refusal names file, key and reason."""
    assert old in GOOD
    with pytest.raises(SettingError) as refusal:
        cities.load(write(tmp_path, GOOD.replace(old, new)))
    assert "somewhere.toml" in str(refusal.value)
    assert complaint in str(refusal.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A file saved in another encoding is named, not misread."""
    (tmp_path / "somewhere.toml").write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(SettingError, match=r"somewhere\.toml:2: cannot be read"):
        cities.load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A house without a city cannot start."""
    with pytest.raises(SettingError, match="holds no city"):
        cities.load(tmp_path)
