"""What somebody writes to keep us busy: it is refused as soon as it is seen."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateway.api.notification_fields import SecureUrl, wrong_form
from gateway.channels import email, sms
from gateway.citizens import id_number
from gateway.content.rendering import _compared, compared
from gateway.transactions.form import PersonName

MARKS = "̖̀" * 60_000  # putting such marks in order takes the square of their number
EXTENSIONS = "13800138000" + ";ext" * 24 + "!"


@pytest.mark.parametrize(
    "text", [f"1{MARKS}", f"https://é{MARKS}.cn", EXTENSIONS], ids=["marks", "url", "ext"]
)
@pytest.mark.parametrize(
    "read",
    [
        sms.normalise,
        sms.is_hotline,
        wrong_form,
        email.normalise,
        id_number.normalise,
        PersonName().deserialize,
        SecureUrl().deserialize,
    ],
)
def test_no_text_takes_long_to_be_refused(read: Callable[[str], object], text: str) -> None:
    """Whatever stands in a field, looking at it takes less than a second of the processor."""
    begun = time.thread_time()
    try:
        read(text)
    except Exception as error:  # noqa: BLE001  # each has its own
        assert type(error).__name__ in ("AddressError", "ValidationError", "ValueError")  # noqa: PT017
    assert time.thread_time() - begun < 1


def test_a_name_of_any_length_is_compared_and_a_long_one_not_kept() -> None:
    """What callers make up does not stay in memory."""
    kept = _compared.cache_info().currsize
    assert compared("A b" * 1_000) == "ab" * 1_000
    assert _compared.cache_info().currsize == kept
