"""Other offices: what people look for leads to the line that is theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from gateway import cities, referral_rules
from gateway.referral_rules import REFERRALS

CITIES = cities.shipped()


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("医保", "12393"),
        ("我的医保卡怎么报销", "12393"),
        ("公积金", "12329"),
        ("低保", "12345"),
        ("个税退税", "12366"),
        ("找律师", "12348"),
        ("收到一条可疑的假短信", "96110"),
        ("12348", "12348"),
        ("看病的事要打官司", "12348"),  # the longer word says more
        (" Housing  FUND ", "12329"),
    ],
)
def test_a_word_of_a_citizen_leads_to_its_office_first(asked: str, number: str) -> None:
    """In every shipped city, whatever stands around the word."""
    for city in CITIES.values():
        found = referral_rules.find(city.versions[-1].referrals, asked)
        assert found, f"{city.id} sends {asked} nowhere"
        assert found[0].number == number


@given(st.text(max_size=80))
def test_a_search_finds_each_office_once_at_most_and_never_fails(asked: str) -> None:
    found = referral_rules.find(REFERRALS, asked)
    assert len(set(found)) == len(found)
    assert set(found) <= set(REFERRALS)
    assert asked.split() or not found


def test_a_city_s_list_names_nobody_twice_and_keeps_the_lines_people_are_sent_to() -> None:
    by_id = {one.id: one for one in REFERRALS}
    referral_rules.check([by_id["medical"], by_id["government"]])
    with pytest.raises(ValidationError, match="same id"):
        referral_rules.check([*REFERRALS, by_id["tax"]])
    with pytest.raises(ValidationError, match="must have government"):
        referral_rules.check([by_id["medical"]])
