"""When notices and reminders may go out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import calendars, cities
from gateway.send_windows import SPARE, SendWindows, SendWindowsSchema, opening, opens

CHINA = ZoneInfo("Asia/Shanghai")
OURS = SendWindows()
WORKS = calendars.shipped().is_working_day
LIFE = timedelta(hours=72)
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


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def _held(
    now: datetime, expires_at: datetime, channel: str = "sms", klass: str = "notice"
) -> datetime | None:
    return opening(OURS, channel, klass, now, CHINA, WORKS).hold(expires_at)


@pytest.mark.parametrize(
    ("now", "life", "until"),
    [
        ("2026-11-27 21:00", 72, "2026-11-30 08:00"),  # Friday night: Monday, not Saturday
        ("2026-11-28 10:00", 72, "2026-11-30 08:00"),  # an open window on a Saturday is passed over
        ("2026-11-28 10:00", 24, None),  # … unless it would be too old on Monday
        ("2026-11-27 21:00", 24, "2026-11-28 08:00"),  # then Saturday's is taken
        ("2026-11-27 21:00", 59, "2026-11-28 08:00"),  # and so where Monday leaves it no time at all
        ("2026-09-30 21:00", 72, "2026-10-01 08:00"),  # a week of holidays is longer than its life
        ("2026-10-10 10:00", 72, None),  # a Saturday that is worked
        ("2026-11-26 21:00", 72, "2026-11-27 08:00"),
        ("2026-11-27 10:00", 72, None),
    ],
)
def test_what_can_wait_waits_for_a_working_day(now: str, life: int, until: str | None) -> None:
    """Working days first, while it is then still worth sending with an hour to spare."""
    expected = _at(until) if until else None
    assert _held(_at(now), _at(now) + timedelta(hours=life)) == expected


@pytest.mark.parametrize("klass", ["code", "result"])
def test_weekends_are_for_what_can_wait_only(klass: str) -> None:
    """A call with a result that is repeated keeps the hours of the day alone."""
    assert _held(_at("2026-11-28 10:00"), _at("2026-12-01 10:00"), "voice", klass) is None


def test_an_e_mail_disturbs_nobody_on_a_sunday() -> None:
    """A channel without spans is open on every day."""
    assert _held(_at("2026-11-29 03:00"), _at("2026-12-02 03:00"), "email") is None


KINDS = st.tuples(st.sampled_from(["sms", "voice"]), st.sampled_from(["notice", "reminder"]))
LIVES = st.timedeltas(timedelta(0), timedelta(days=12))


@given(MOMENTS, LIVES, KINDS)
def test_whoever_is_held_goes_in_a_window_and_in_time(
    now: datetime, life: timedelta, kind: tuple[str, str]
) -> None:
    """The end of a hold is an opening; it is past the age limit only where no earlier window is open."""
    channel, klass = kind
    until = _held(now, now + life, channel, klass)
    if until is None:
        assert opens(OURS.of(channel, klass), now, CHINA) is None
        return
    assert until > now
    assert opens(OURS.of(channel, klass), until, CHINA) is None
    if until >= now + life:
        assert until == opens(OURS.of(channel, klass), now, CHINA)


@given(MOMENTS, LIVES, KINDS)
def test_whoever_was_held_once_is_not_held_again(
    now: datetime, life: timedelta, kind: tuple[str, str]
) -> None:
    """Looked at again when the hold ends, it goes."""
    until = _held(now, now + life, *kind)
    if until is not None:
        assert _held(until, now + life, *kind) is None


@given(MOMENTS, KINDS)
def test_a_free_day_is_used_only_where_waiting_is_too_long(now: datetime, kind: tuple[str, str]) -> None:
    """Whatever goes on a day nobody works would not have lived to the next working day's window."""
    goes = _held(now, now + LIFE, *kind) or now
    day = goes.astimezone(CHINA).date()
    if not WORKS(day):
        worked = next(later for n in range(1, 30) if WORKS(later := day + timedelta(days=n)))
        begins = datetime.combine(worked, OURS.of(*kind)[0][0], CHINA)
        assert begins + SPARE > now + LIFE


def test_a_class_may_have_hours_of_its_own() -> None:
    """A city that calls for reminders in the morning alone says so; the rest stays as it is."""
    own = SendWindowsSchema().load({"reminder": {"voice": [["09:00", "11:00"]]}})
    assert own.of("voice", "reminder") == ((time(9), time(11)),)
    assert own.of("voice", "notice") == OURS.of("voice")
    assert own.of("sms", "reminder") == OURS.of("sms")


def test_a_city_may_send_on_every_day() -> None:
    """``working_days_first = []`` leaves the hours of the day alone."""
    always = SendWindowsSchema().load({"working_days_first": []})
    saturday = _at("2026-11-28 10:00")
    assert opening(always, "sms", "notice", saturday, CHINA, WORKS).hold(saturday + LIFE) is None


def test_a_city_that_says_nothing_sleeps_at_night() -> None:
    """Only the demo city says that it is always awake, and says so in its source."""
    by_city = {name: city.versions[-1].send_windows for name, city in cities.shipped().items()}
    assert {name for name, windows in by_city.items() if not windows.sms} == {"changde"}
    assert "demo" in by_city["changde"].source
