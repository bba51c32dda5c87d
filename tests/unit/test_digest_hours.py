"""When notices go together, and what their message says of them."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import calendars, cities
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.definition import DefinitionError
from gateway.delivery.joining import MOST, titles
from gateway.delivery.store import VALUE
from gateway.digest_hours import DigestHours, moment
from gateway.errors import SettingError
from gateway.notifications.request import TITLE
from gateway.send_windows import SendWindows
from tests.unit.test_cities import GOOD, write

ZONE = ZoneInfo("Asia/Shanghai")
WORKS = calendars.shipped().is_working_day


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("since", "hours", "then"),
    [
        ("2026-11-24T09:59", ["10:00"], "2026-11-24T10:00"),
        ("2026-11-24T10:00", ["10:00"], "2026-11-24T10:00"),
        ("2026-11-24T10:00:01", ["10:00"], "2026-11-25T10:00"),
        ("2026-11-24T10:01", ["10:00", "16:00"], "2026-11-24T16:00"),
        ("2026-11-27T10:01", ["10:00"], "2026-11-30T10:00"),  # a Friday
        ("2026-09-30T12:00", ["10:00"], "2026-10-08T10:00"),  # over the National Day holidays
    ],
)
def test_a_digest_goes_at_its_hour_of_a_working_day(since: str, hours: list[str], then: str) -> None:
    """The first at or after the moment asked about."""
    digest = DigestHours(tuple(map(time.fromisoformat, hours)))
    assert moment(digest, SendWindows(), _at(since), ZONE, WORKS) == _at(then)


def test_a_city_may_have_digests_on_every_day_or_none() -> None:
    """Where notices wait for no working day, their digest does not; without hours there is none."""
    every_day = SendWindows(working_days_first=())
    assert moment(DigestHours(), every_day, _at("2026-11-28T09:00"), ZONE, WORKS) == _at("2026-11-28T10:00")
    assert moment(DigestHours(()), SendWindows(), _at("2026-11-28T09:00"), ZONE, WORKS) is None


@pytest.mark.parametrize(
    ("given_hours", "said"),
    [
        ('["07:00"]', "version.*digest: 07:00 is outside the hours of sms for notices"),
        ('["13:00"]', "digest: 13:00 is outside the hours of voice for notices"),
        ('["16:00", "10:00"]', "must be hours in their order"),
        ("[10]", "must be a time of the day"),
    ],
)
def test_a_digest_has_hours_at_which_it_may_go(given_hours: str, said: str, tmp_path: Path) -> None:
    """A city's file with others is refused: what waits for such an hour would never go."""
    with pytest.raises(SettingError, match=said):
        cities.load(write(tmp_path, f"{GOOD}digest = {{ hours = {given_hours} }}\n"))


# --- its words -----------------------------------------------------------------------------------

NAMES = st.lists(st.text("甲乙丙abc 、", min_size=1, max_size=TITLE), min_size=2, max_size=MOST)


@given(names=NAMES, language=st.sampled_from(["zh-CN", "en"]))
def test_there_is_room_for_one_title_at_least(names: list[str], language: str) -> None:
    """In a value a registered text takes; whatever is left out is counted."""
    told = titles(names, language)
    assert told
    assert len(told) <= VALUE
    assert told.startswith(names[0])
    joint, rest = ("、", "等{}条") if language == "zh-CN" else (", ", " and {} more")
    shown = [
        n
        for n in range(1, len(names))
        if told == joint.join(names[:n]) + rest.format(len(names) if language == "zh-CN" else len(names) - n)
    ]
    assert shown or told == joint.join(names)


def test_titles_that_have_no_room_are_not_cut() -> None:
    """Nobody is told half a title."""
    assert titles(["很长" * 20, "短"], "zh-CN") is None
    assert titles(["延迟退休", "认证帮办", "社保卡换发", "灵活就业人员参保登记", "家属参保"], "zh-CN") == (
        "延迟退休、认证帮办、社保卡换发、灵活就业人员参保登记、家属参保"
    )
    assert titles(
        ["延迟退休", "认证帮办", "社保卡换发", "灵活就业人员参保登记新规", "家属参保办法说明"], "zh-CN"
    ) == ("延迟退休、认证帮办、社保卡换发、灵活就业人员参保登记新规等5条")


# --- asked for in a broadcast --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        ({"title": None}, "title", "is needed for a digest"),
        ({"title": "长" * (TITLE + 1)}, "title", f"must have 1 to {TITLE} plain characters"),
        ({"title": "看www.gov.cn"}, "title", "no web address"),
        ({"pace": 100}, "digest", "cannot go with pace"),
        ({"asks": {"kind": "a", "choices": [["1", "能"], ["2", "不能"]]}}, "digest", "cannot go with asks"),
        (
            {"within_seconds": 86_400, "then": {"channel": "call_back"}},
            "digest",
            "cannot go with within_seconds",
        ),
        ({"digest": "yes"}, "digest", "must be true or false"),
    ],
)
def test_what_cannot_wait_for_others_is_refused(more: dict[str, object], key: str, said: str) -> None:
    """Before anybody is counted, naming the key."""
    rules = cities.shipped()["changde"].rules_at(date(2026, 11, 24))
    keys = {"template": "policy/retirement_age", "audience": {}, "digest": True, "title": "延迟退休", **more}
    with pytest.raises(DefinitionError) as raised:
        definitions.read({k: v for k, v in keys.items() if v is not None}, rules, _at("2026-11-24T09:00"))
    assert any(name == key and said in words for name, words in raised.value.problems)


def test_what_was_asked_for_is_what_is_kept() -> None:
    """A definition comes back from its row as it was, with a title in two languages; a question has none."""
    rules = cities.shipped()["changde"].rules_at(date(2026, 11, 24))
    keys = {
        "template": "policy/retirement_age",
        "digest": True,
        "title": "延迟退休",
        "title_en": "Retirement",
    }
    made = definitions.read({**keys, "audience": {}}, rules, _at("2026-11-24T09:00"))
    assert definitions.load(definitions.dump(made)) == made
    assert (made.titled("zh-CN"), made.titled("en"), made.digest) == ("延迟退休", "Retirement", True)
    asks = {"kind": "a", "choices": [["1", "能"], ["2", "不能"]]}
    question = {"template": "policy/auth_help", "title": "认证帮办", "asks": asks, "audience": {}}
    assert definitions.read(question, rules, _at("2026-11-24T09:00")).titled("zh-CN") is None
