"""Whom calls reach, and that what they do not reach is refused in words about calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import channels
from gateway.channels import AddressError, sms, voice


@pytest.mark.parametrize(
    ("written", "reason", "zh"),
    [
        ("0736-7255555", "landline", "固定电话"),
        ("0736-7255555转801", "extension", "分机"),
        ("0736-7255555-801", "extension", "分机"),
        ("13800138000,1", "extension", "分机"),
        ("12333", "hotline", "服务号码"),
        ("1069012333", "hotline", "服务号码"),
        ("", "empty", "请输入"),
        ("1380013800", "not_a_number", "不是手机号码"),
    ],
)
def test_what_cannot_be_called_is_refused_with_a_reason_about_calls(
    written: str, reason: str, zh: str
) -> None:
    """Nobody who asked for a call is told about text messages."""
    with pytest.raises(AddressError) as refusal:
        voice.normalise(written)
    assert refusal.value.reason == reason
    assert zh in refusal.value.zh
    assert "短信" not in refusal.value.zh
    assert "texts" not in refusal.value.en


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[+0]?[0-9 ,x转-]{3,18}", fullmatch=True)))
@settings(deadline=None)
def test_a_call_reaches_the_mobiles_a_text_reaches(text: str) -> None:
    """The same number, or a refusal for the same reason."""
    assert read(voice, text) == read(sms, text)


def read(channel: object, text: str) -> tuple[str, str]:
    try:
        return channel.normalise(text), ""  # type: ignore[attr-defined]
    except AddressError as error:
        return "", error.reason


def test_only_calls_are_tried_again_by_us() -> None:
    """Mail servers and carriers keep trying themselves; a call is over at once."""
    assert list(voice.RETRIES) == [timedelta(minutes=2), timedelta(minutes=30), timedelta(hours=2)]
    assert [channels.load(name).RETRIES for name in ("sms", "email")] == [(), ()]


def test_the_caps_widen() -> None:
    """A longer time allows more calls, and never more than the shorter times in it would."""
    counts = [count for count, _ in voice.CAPS]
    times = [time for _, time in voice.CAPS]
    assert counts == sorted(counts)
    assert times == sorted(times)
    assert max(counts) * min(times) <= max(times)
