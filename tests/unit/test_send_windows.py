"""When notices and reminders may go out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.send_windows import SendWindows, opens

CHINA = ZoneInfo("Asia/Shanghai")
OURS = SendWindows()
DAY = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=2000)).map(lambda after: DAY + after)


@pytest.mark.parametrize(
    ("channel", "at", "next_time"),
    [
        ("sms", "03:00", "08:00"),
        ("sms", "08:00", None),
        ("sms", "19:59", None),
        ("sms", "20:00", "08:00"),
        ("voice", "08:59", "09:00"),
        ("voice", "12:30", "14:00"),
        ("voice", "19:00", None),
        ("email", "03:00", None),
    ],
)
def test_texts_go_out_by_day_calls_not_at_noon_and_e_mails_at_any_time(
    channel: str, at: str, next_time: str | None
) -> None:
    """The hours of the domain handbook; nobody is called at night."""
    now = datetime.combine(date(2026, 11, 21), time.fromisoformat(at), CHINA)
    then = opens(OURS.of(channel), now, CHINA)
    assert (then and f"{then:%H:%M}") == next_time


@given(MOMENTS, st.sampled_from(["sms", "voice"]))
def test_what_waits_for_a_window_may_go_when_it_opens(now: datetime, channel: str) -> None:
    """The next opening lies ahead, within a day, and is open."""
    then = opens(OURS.of(channel), now, CHINA)
    if then is not None:
        assert now < then <= now + timedelta(days=1)
        assert opens(OURS.of(channel), then, CHINA) is None


def test_a_city_that_says_nothing_sleeps_at_night() -> None:
    """Only the demo city says that it is always awake, and says so in its source."""
    by_city = {name: city.versions[-1].send_windows for name, city in cities.shipped().items()}
    assert {name for name, windows in by_city.items() if not windows.sms} == {"changde"}
    assert "demo" in by_city["changde"].source
