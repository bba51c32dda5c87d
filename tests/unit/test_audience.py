"""Audiences and definitions: ages at their edges, what is refused, what is shipped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.audience import Audience
from gateway.broadcasts.definition import Definition, DefinitionError, read
from gateway.broadcasts.ladder import Rung
from gateway.broadcasts.recipients import ListError, read_csv
from gateway.calendars import years_before
from gateway.channels import sms
from gateway.cities import Rules
from gateway.content.rendering import compile_body
from gateway.content.shipped import SHIPPED as TEXTS
from gateway.errors import SettingError, UnknownNameError
from gateway.notifications.asks import Asks

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
DAYS = st.dates(date(1990, 1, 1), date(2035, 12, 31))
BIRTHS = st.dates(date(1900, 1, 1), date(1989, 12, 31))


def _rules() -> Rules:
    return cities.shipped()["changde"].rules_now(NOW)


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


# --- ages ----------------------------------------------------------------------------------


@given(day=DAYS, years=st.integers(0, 130))
def test_the_latest_birth_date_of_an_age_is_one_day_from_too_late(day: date, years: int) -> None:
    """Born on it one is old enough, born a day later one is not: on 29 February too."""
    born = years_before(day, years)
    assert _age(born, day) == years
    assert _age(born + timedelta(days=1), day) == years - 1


@given(day=DAYS, born=BIRTHS, ages=st.tuples(st.integers(0, 130), st.integers(0, 130)).map(sorted))
def test_an_audience_holds_exactly_the_ages_it_names(day: date, born: date, ages: list[int]) -> None:
    """Both ages are inside, the day before and after are not."""
    chosen = Audience(day, age_from=ages[0], age_to=ages[1])
    assert chosen.born_from is not None
    assert chosen.born_to is not None
    assert (chosen.born_from <= born <= chosen.born_to) == (ages[0] <= _age(born, day) <= ages[1])


def test_somebody_born_on_29_february_is_older_on_1_march() -> None:
    """Where the year has no such day."""
    assert years_before(date(2026, 2, 28), 26) == date(2000, 2, 28)
    assert years_before(date(2026, 3, 1), 26) == date(2000, 3, 1)
    assert years_before(date(2024, 2, 29), 25) == date(1999, 2, 28)


# --- definitions ------------------------------------------------------------------------------


def _given(**changes: Any) -> dict[str, Any]:
    return {"template": "policy/retirement_age", "audience": {}, **changes}


def test_districts_may_be_named_or_numbered() -> None:
    """Both become codes, each once."""
    found = read(_given(audience={"districts": ["武陵区", "430702", "430703"]}), _rules(), NOW)
    assert found.audience is not None
    assert found.audience.districts == ("430702", "430703")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"template": "card_loss/code"},
            "template: must be a text under policy/, like policy/retirement_age",
        ),
        ({"channel": "fax"}, "channel: must be one of sms, voice, email"),
        ({"pace": 0}, "pace: must be from 1 to 1,000,000"),
        ({"audience": {"age_from": "48"}}, "audience.age_from: must be a whole number"),
        ({"audience": {"age_from": 62, "age_to": 48}}, "audience.age_to: must not be below age_from (62)"),
        ({"audience": {"age_to": 131}}, "audience.age_to: must be from 0 to 130"),
        ({"audience": {"sex": "x"}}, "audience.sex: must be one of female, male, f, m"),
        ({"audience": {"retires_from": "2027"}}, "audience.retires_from: must be a month like 2027-01"),
        ({"audience": {"retires_from": "2027-01"}}, "audience.retires_to: goes with retires_from"),
        (
            {"audience": {"retires_from": "2027-02", "retires_to": "2027-01"}},
            "audience.retires_to: must not be before retires_from (2027-02)",
        ),
        ({"audience": {"districts": ["310101"]}}, "audience.districts: '310101' is no district of Changde"),
        ({"audience": {"insured_types": ["rich"]}}, "audience.insured_types.0: must be one of employee"),
        ({"audience": {"colour": "red"}}, "audience.colour: is not known here"),
        ({"then": {"channel": "sms"}}, "then.channel: must be another channel than sms"),
        ({"then": {}}, "then.channel: is a required property"),
    ],
)
def test_a_wrong_definition_names_the_key(changes: dict[str, Any], said: str) -> None:
    """One line, in plain words, with the key."""
    with pytest.raises(DefinitionError) as caught:
        read(_given(**changes), _rules(), NOW)
    assert str(caught.value).startswith(said)


def test_every_wrong_key_is_named_at_once() -> None:
    """Who corrects a definition does it once."""
    with pytest.raises(DefinitionError) as caught:
        read(_given(pace=0, channel="fax"), _rules(), NOW)
    assert {key for key, _ in caught.value.problems} == {"pace", "channel"}


def test_a_definition_comes_back_from_its_row_as_it_was() -> None:
    """What is stored is what was asked for, its day included."""
    definition = Definition(
        "n",
        "policy/x",
        date(2026, 11, 21),
        "sms",
        Audience(
            date(2026, 11, 21), districts=("430702",), age_from=48, sex="f", retires_from=date(2027, 1, 1)
        ),
        (Rung("voice", 60, 58), Rung("call_back", 600)),
        600,
        Asks("help", (("1", "能"), ("2", "不能"))),
        86_400,
    )
    assert definitions.load(definitions.dump(definition)) == definition


# --- shipped ones -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [path.stem for path in definitions.SHIPPED.glob("*.toml")])
def test_a_shipped_broadcast_is_right_and_short_enough(name: str) -> None:
    """Its texts are there in both languages; a text message has at most two parts, a call its limit."""
    rules = _rules()
    definition = read(definitions.shipped(name), rules, NOW)
    for channel in definition.channels:
        for language, person in (
            ("zh-CN", "欧**芳"),
            ("en", "欧**芳"),
            ("zh-CN", "居民朋友"),
            ("en", "Resident"),
        ):
            body = (TEXTS / f"{definition.template}.{channel}.{language}.txt").read_text("utf-8").strip()
            assert body.startswith("((name))") or channel == "voice"
            text = compile_body(body).render({"name": person, "核验码": "000000"})
            assert channel != "sms" or sms.parts(text, rules.signature) <= 2
            assert channel != "voice" or len(text) <= 250
        sent = (TEXTS / f"{definition.template}.sms.zh-CN.txt").read_text("utf-8").strip()
        assert sent.endswith("咨询12333，拒收请回复R")


def test_an_unknown_broadcast_is_told_which_there_are() -> None:
    """The names are files."""
    with pytest.raises(UnknownNameError, match=r"'\.\./x'; there are auth_help, retirement_age"):
        definitions.shipped("../x")


def test_a_wrong_file_is_one_line_with_file_key_and_reason(tmp_path: Path) -> None:
    """Whoever wrote it knows where to look."""
    path = tmp_path / "wrong.toml"
    path.write_text('template = "policy/x"\n[audience]\nage_from = "old"\n')
    with pytest.raises(SettingError) as caught:
        definitions.shipped("wrong", tmp_path)
    assert str(caught.value) == f"{path}: audience.age_from: must be a whole number"
    path.write_text("template = ")
    with pytest.raises(SettingError, match="cannot be read"):
        definitions.shipped("wrong", tmp_path)


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_list_is_read_in_every_encoding_offices_use(encoding: str) -> None:
    """With or without a mark, and as older programs save it; empty lines do not count."""
    kind, lines = read_csv("手机号,姓名\r\n13800138000,王芳\r\n\r\n13900139000,\r\n".encode(encoding))
    assert kind == "mobile"
    assert [(line.number, line.value, line.name) for line in lines] == [
        (2, "13800138000", "王芳"),
        (4, "13900139000", ""),
    ]


@pytest.mark.parametrize(
    "raw", [b"", b"name\nx\n", b"mobile,id_number\n1,2\n", b"\xff\xff\xff", b'mobile\n"' + b"1" * 200_000]
)
def test_what_is_no_list_is_refused(raw: bytes) -> None:
    """It needs one column of addresses."""
    with pytest.raises(ListError):
        read_csv(raw)
