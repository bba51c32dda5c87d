"""The synthetic city."""

import re
import tracemalloc
from collections import Counter
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric

from gateway import cities
from gateway.demo import city, population
from gateway.demo.browser import Page
from gateway.demo.city import LIMIT, Person, elder, people

COUNT = 40_000
seeds = st.integers(0, 2**63)
indices = st.integers(0, LIMIT - 1)


@cache
def crowd() -> tuple[Person, ...]:
    return tuple(people(COUNT))


def person(index: int, seed: int) -> Person:
    return next(people(1, seed, index))


def share(kind: str, value: object) -> float:
    return [getattr(citizen, kind) for citizen in crowd()].count(value) / COUNT


def age(citizen: Person) -> int:
    return city.AS_OF.year - 1 - citizen.birth_date.year


@given(indices, seeds)
@settings(deadline=None)
def test_an_id_number_is_valid_and_says_what_the_person_is(index: int, seed: int) -> None:
    """Check character, division, birth date and sex in the number are the citizen's own."""
    citizen = person(index, seed)
    number = citizen.id_number
    assert ric.calc_check_digit(number) == number[-1]
    assert ric.get_birth_date(number) == citizen.birth_date
    assert number[:6] == citizen.district
    assert citizen.sex == ("male" if int(number[16]) % 2 else "female")
    assert number[14:17] != "000"
    # The library knows divisions by the years they existed, and takes the birth year for
    # the year the number was given out: it refuses whoever is older than the division.
    assert ric.is_valid(number) or citizen.birth_date.year < 1990


@given(seeds, st.integers(0, LIMIT - 2_000))
@settings(max_examples=20, deadline=None)
def test_nothing_that_identifies_a_person_repeats(seed: int, start: int) -> None:
    """ID numbers, mobiles, card numbers and e-mail addresses are unique in any stretch of any city."""
    some = list(people(2_000, seed, start))
    assert len({citizen.id_number for citizen in some}) == len(some)
    assert len({citizen.mobile for citizen in some}) == len(some)
    assert len({citizen.card_number for citizen in some}) == len(some)
    emails = [citizen.email for citizen in some if citizen.email]
    assert len(set(emails)) == len(emails)


@given(st.integers(0, 2**63), st.lists(indices, unique=True, min_size=2, max_size=50))
@settings(deadline=None)
def test_nothing_repeats_between_distant_citizens(seed: int, chosen: list[int]) -> None:
    """Nor do two citizens from anywhere in the city share a number."""
    some = [person(index, seed) for index in chosen]
    for kind in ("id_number", "mobile", "card_number"):
        assert len({getattr(citizen, kind) for citizen in some}) == len(some)


def unshuffle(place: int, town: city._City) -> int:
    """Take the steps of the shuffle back; there is a way back only if it is one-to-one."""
    first, second = (pow(multiplier, -1, LIMIT) for multiplier in town._multipliers)
    for shift, multiplier in ((12, first), (11, second), (13, first)):
        place ^= place >> shift ^ place >> 2 * shift  # no further term reaches into 24 bits
        place = place * multiplier % LIMIT
    return (place - town._place_shift) % LIMIT


@given(indices, seeds)
@settings(deadline=None)
def test_the_shuffle_is_one_to_one(index: int, seed: int) -> None:
    """Each place is taken by exactly one index: the ground the uniqueness stands on."""
    town = city._City(seed)
    assert unshuffle(town._place(index), town) == index


def test_every_place_has_an_id_number_of_its_own() -> None:
    """No division has more births on a day than there are sequence numbers, and none is lost."""
    ends, strata = city._layout()
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    assert (len(sizes), sum(sizes)) == (len(strata), LIMIT)
    assert all(size <= len(s.days) * city._SEQUENCES for size, s in zip(sizes, strata, strict=True))


@given(seeds, st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 39))
@settings(deadline=None)
def test_a_citizen_depends_on_seed_and_index_only(seed: int, start: int, count: int, offset: int) -> None:
    """Any slice made again holds the same people."""
    whole = list(people(count, seed, start))
    again = list(people(1, seed, start + offset % count))
    assert again == [whole[offset % count]]
    assert [citizen.index for citizen in whole] == list(range(start, start + count))


def test_the_city_of_a_seed_never_changes() -> None:
    """Shipped seeds mean the same people in every release: notes and screenshots stay true."""
    first = person(0, 12333)
    assert (first.id_number, first.name, first.mobile) == ("430721201906106874", "彭明阳", "18502223416")
    assert person(0, 12334).id_number != first.id_number


@given(indices, seeds)
@settings(deadline=None)
def test_addresses_and_numbers_have_their_form(index: int, seed: int) -> None:
    """Every field is one a form of the house would take."""
    citizen = person(index, seed)
    assert re.fullmatch(r"1[3-9][0-9]{9}", citizen.mobile)
    assert citizen.mobile[-4:] not in {"0002", "0003"}
    assert re.fullmatch(r"[A-Z0-9]{9}", citizen.card_number)
    assert re.fullmatch(r"[0-9]{4}", citizen.bank_last4)
    assert re.fullmatch(r"[\u4e00-\u9fff]{2,4}", citizen.name)
    assert citizen.address.startswith("湖南省常德市" + population.DISTRICTS[citizen.district][0])
    assert re.search(r"[0-9]+[号组]$", citizen.address)
    assert citizen.email is None or re.fullmatch(r"[a-z]+[0-9]{4}\.[0-9]+@example\.com", citizen.email)
    assert date(1925, 1, 1) <= citizen.birth_date < city.AS_OF


def test_the_divisions_are_those_of_the_city_rules() -> None:
    """Nobody lives where the city has no district."""
    rules = cities.load(Path(__file__).parents[2] / "templates" / "cities")["changde"].rules(2)
    assert {code: district.name for code, district in rules.districts.items()} == {
        code: entry[0] for code, entry in population.DISTRICTS.items()
    }


def test_the_city_looks_like_an_ageing_city() -> None:
    """Divisions, ages, sexes and leap days are met about as often as they should be."""
    total = sum(entry[1] for entry in population.DISTRICTS.values())
    for code, entry in population.DISTRICTS.items():
        assert share("district", code) == pytest.approx(entry[1] / total, abs=0.01)
    assert share("sex", "male") == pytest.approx(0.508, abs=0.01)
    assert sum(age(citizen) >= 60 for citizen in crowd()) / COUNT == pytest.approx(0.255, abs=0.01)
    assert sum(age(citizen) < 15 for citizen in crowd()) / COUNT == pytest.approx(0.153, abs=0.01)
    assert max(map(age, crowd())) >= 95
    assert 10 <= sum(citizen.birth_date.strftime("%m%d") == "0229" for citizen in crowd()) <= 50


def test_people_have_what_people_of_their_age_have() -> None:
    """A pension state goes with a pension and only with it; nearly every card is in order."""
    for citizen in crowd():
        assert (citizen.pension_state is not None) == (citizen.insured_type == "pensioner")
        assert citizen.pension_state is None or age(citizen) >= 56
        assert citizen.insured_type == "pensioner" or age(citizen) < 61
    assert {citizen.insured_type for citizen in crowd()} == {"employee", "resident", "flexible", "pensioner"}
    assert {citizen.pension_state for citizen in crowd()} == {None, *population.PENSION_STATES}
    assert {c.card_state for c in crowd()} == {"normal", "formal_lost", "replacing", "cancelled"}
    assert share("card_state", "normal") > 0.97
    assert 1 - share("email", None) == pytest.approx(0.15, abs=0.015)
    assert 0.01 < share("language", "en") < 0.03


def test_a_pensioner_s_days_fit_the_state() -> None:
    """Whoever draws a pension has done it once; only a failed try has a day and a cause."""
    for citizen in crowd():
        if citizen.pension_state is None:
            assert (citizen.pension_last_done, citizen.pension_failed_on, citizen.pension_failure) == (
                None,
            ) * 3
            continue
        assert citizen.pension_last_done is not None
        days = (city.AS_OF - citizen.pension_last_done).days
        low, high = population.LAST_DONE[citizen.pension_state]
        assert low <= days <= high
        assert (citizen.pension_failed_on is not None) == (citizen.pension_state == "failed")
        assert (citizen.pension_failure is not None) == (citizen.pension_state == "failed")
        assert citizen.pension_failed_on is None or (
            citizen.pension_last_done < citizen.pension_failed_on < city.AS_OF
        )
    causes = Counter(citizen.pension_failure for citizen in crowd() if citizen.pension_failure)
    assert set(causes) == set(population.PENSION_FAILURES)
    assert causes.most_common(1)[0][0] == "photo_mismatch"


def test_a_pension_is_paused_from_month_thirteen_and_not_before() -> None:
    """Done in August 2024, due in August 2025, paused from September 2025 (Hunan)."""
    for citizen in crowd():
        done = citizen.pension_last_done
        if done is not None and citizen.pension_state != "ended":
            months = (city.AS_OF.year - done.year) * 12 + city.AS_OF.month - done.month
            assert (months >= 13) == (citizen.pension_state in ("paused", "overdue_grace"))


def test_names_are_spread_like_names() -> None:
    """The commonest family name is common, not dominant; one name in eight is short."""
    families = Counter(citizen.name[0] for citizen in crowd())
    assert 0.04 < families.most_common(1)[0][1] / COUNT < 0.1
    assert sum(len(citizen.name) == 2 for citizen in crowd()) / COUNT == pytest.approx(0.125, abs=0.02)
    assert len({citizen.name for citizen in crowd()}) > 10_000


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_there_is_a_person_to_please_in_every_city(seed: int) -> None:
    """She is a woman of 70 or more whose authentication failed, and the first such."""
    found = elder(seed)
    assert (found.sex, found.pension_state) == ("female", "failed")
    assert age(found) >= 69
    earlier = people(found.index, seed)
    assert not any(c.sex == "female" and c.pension_state == "failed" and age(c) >= 70 for c in earlier)


def test_memory_stays_flat() -> None:
    """Walking through many people keeps none of them."""
    walk = people(LIMIT)
    next(walk)
    tracemalloc.start()
    try:
        for _ in islice(walk, 5_000):
            pass
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("count", "start"), [(-1, 0), (1, -1), (LIMIT + 1, 0), (1, LIMIT)])
def test_a_city_has_its_limit(count: int, start: int) -> None:
    """Asking for people the city has no place for is refused at once."""
    with pytest.raises(ValueError, match="citizens 0 to"):
        people(count, start=start)


def test_a_long_field_of_a_page_is_filled_in_like_a_short_one() -> None:
    """The players know a form by its fields, whatever they look like."""
    page = Page(
        '<form method="post" action="/x"><textarea name="text">\nfirst &amp; last</textarea> after</form>'
    )
    assert [form.fields for form in page.forms] == [{"text": "first & last"}]
