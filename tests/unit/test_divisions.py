"""Division codes and their names: every one that exists is found by either."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import numdb

from gateway import cities, divisions

ALL = [one for code in range(110000, 660000) if (one := divisions.named(f"{code:06d}"))]
BELOW = [one for one in ALL if not one.is_province]


def test_the_list_is_whole() -> None:
    """34 provinces and some 3,200 divisions below: the counties of the State Council's list, and no gaps."""
    provinces = [one for one in ALL if one.is_province]
    assert len(provinces) == 31
    assert [divisions.named(code) is not None for code in ("710000", "810000", "820000")] == [True] * 3
    counties = [one for one in BELOW if not one.code.endswith("00")]
    assert 2840 <= len(counties) <= 2860
    assert 330 <= len(BELOW) - len(counties) <= 345


@pytest.mark.parametrize("city", cities.shipped().values(), ids=lambda city: city.id)
def test_every_district_of_the_shipped_cities_has_its_name(city: cities.City) -> None:
    """What a city's file calls its districts is what the list calls them."""
    districts = city.versions[-1].districts.values()
    found = {one.code: divisions.named(one.code) for one in districts}
    assert {code: it.names[-1] for code, it in found.items() if it} == {
        one.code: one.name for one in districts
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("石门", ["湖南省常德市石门县"]),
        ("湖南石门县", ["湖南省常德市石门县"]),
        (" 浦 东 ", ["上海市浦东新区"]),
        ("３１０１１５", ["上海市浦东新区"]),
        ("北京朝阳", ["北京市朝阳区"]),
        ("朝阳区", ["北京市朝阳区", "吉林省长春市朝阳区"]),
        ("东莞", ["广东省东莞市"]),
        ("仙桃市", ["湖北省仙桃市"]),
        ("内蒙赤峰松山", ["内蒙古自治区赤峰市松山区"]),
        ("临平", ["浙江省杭州市临平区"]),
        ("加格达奇", ["黑龙江省大兴安岭地区加格达奇区"]),
        ("南汇区", []),  # over since 2009
        ("310119", []),
        ("430000", []),  # nobody lives in a province and nowhere in it
        ("市辖区", []),
        ("县", []),
        ("石门石门", []),
        ("", []),
    ],
)
def test_a_place_is_found_as_people_write_it(text: str, names: list[str]) -> None:
    """Names cut short, those above left out or not, the code; never one that is over."""
    assert [one.name for one in divisions.search(text)] == names


def test_of_a_prefecture_or_province_come_those_directly_below() -> None:
    """The nearest meaning first; of a province its prefectures, of a municipality its districts."""
    changde = [one.name for one in divisions.search("常德")]
    assert changde[:2] == ["湖南省常德市", "湖南省常德市武陵区"]
    assert len(changde) == 10
    assert [one.code[4:] for one in divisions.search("湖南")] == ["00"] * 14
    assert len(divisions.search("上海市")) == 16


@settings(max_examples=40)
@given(st.sampled_from(BELOW))
def test_every_division_is_found_by_its_code_and_its_whole_name(one: divisions.Division) -> None:
    """By its code it alone; by its whole name, and by its own name, it is among what is found."""
    assert divisions.search(one.code) == [one]
    assert divisions.search(one.name)[0] == one
    assert one in divisions.search(one.names[-1])


@settings(max_examples=40)
@given(st.text(max_size=80))
def test_no_text_is_too_strange_to_be_looked_for(text: str) -> None:
    """It ends in divisions that exist, each once."""
    found = divisions.search(text)
    assert len({one.code for one in found}) == len(found)
    assert all(divisions.named(one.code) == one for one in found)


def test_our_own_entries_are_needed() -> None:
    """What python-stdnum says as well by now is to be left out of ours."""
    ours = tomllib.loads(divisions.NEWER.read_text(encoding="utf-8"))
    theirs = numdb.get("cn/loc")
    for code, entry in ours["more"].items():
        described = dict(item for _, props in theirs.info(code) for item in props.items())
        assert described.get("county", "").rpartition("]")[2] != entry["name"]
    for code, now in ours["over"].items():
        assert dict(item for _, props in theirs.info(code) for item in props.items()).get("county")
        assert divisions.named(code) is None
        assert divisions.named(now)
