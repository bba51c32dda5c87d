"""Rendering and the shipped texts: what is sent is what was written, and what vendors take."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.channels import sms
from gateway.content.letters import compile_letter
from gateway.content.rendering import MissingPersonalisationError, compile_body
from gateway.content.shipped import SHIPPED
from gateway.content.store import TemplateVersion
from gateway.notifications.carriage import Carriage
from gateway.pensions import situation, ways
from gateway.transactions import registry
from gateway.transactions.model import ENDS, State, TransactionType, View, Words
from integrations.aliyun_sms import AliyunSms

NOW = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
TEXTS = sorted(SHIPPED.glob("*/*.txt"))
LONGEST_VALUE = 35  # characters of one variable, as Aliyun takes them
EVENTS = {"code", "succeeded", "already_done", "rejected", "failed", "waiting", "unfinished"}
REFERENCE = "12345678901237"
MASKED = "阿" + "*" * 20 + "提"  # names of minorities are long
GIVEN = {"code": {"code": "482913"}, "unfinished": {"reference": REFERENCE}}  # by who tells them


def test_placeholders_compare_as_notify_does() -> None:
    """Case, spaces, underscores and hyphens do not matter; Chinese names work."""
    compiled = compile_body("((First Name)) ((姓名)) ((first_name))")
    assert compiled.render({"first-name": "A", "姓 名": "王"}) == "A 王 A"


def test_a_missing_or_null_value_is_named_as_written() -> None:
    """The error names every placeholder without a value, once."""
    with pytest.raises(MissingPersonalisationError, match=r"^Missing personalisation: Name, b$"):
        compile_body("((Name)) ((b)) ((name))").render({"c": "x"})


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_placeholder(value: str, other: str) -> None:
    """Values stay text, whatever they look like."""
    assert compile_body("a((x))b((y))c").render({"x": value, "y": other}) == f"a{value}b{other}c"


def test_a_registered_text_has_plain_variable_names() -> None:
    """Names a vendor would refuse become v1, v2 …; values follow under the same names."""
    compiled = compile_body("您好((姓名))，尾号((card_tail))")
    assert compiled.provider_body() == "您好${v1}，尾号${card_tail}"
    assert compiled.provider_params({"姓名": "王", "card_tail": "1"}) == {"v1": "王", "card_tail": "1"}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_shipped_text_is_one_a_vendor_takes(path: Path) -> None:
    """No link, no 【】, no placeholders that touch, no unknown value, Chinese punctuation in Chinese."""
    body = path.read_text("utf-8").strip()
    assert not re.search(r"https?:|www\.|【|】|\)\)\(\(", body)
    if ".email." in path.name:
        compile_letter(body)
    else:
        assert len(body) + len("【常德人社】") <= sms.LIMIT
    if path.name.endswith("zh-CN.txt"):
        assert not re.search(r"[\u4e00-\u9fff][,:;?!]|[,:;?!][\u4e00-\u9fff]", body)
        assert "12333" in body or path.name.startswith("code")


def _views(kind: TransactionType) -> list[View]:
    """The type's views: every end with every reason it has words for, and still waiting."""
    rules = cities.shipped()["changde"].versions[-1]
    module = sys.modules[kind.perform.__module__]
    reasons: Iterable[str] = getattr(module, "REASONS", {})
    states = [State.SUBMITTED, *ENDS - {State.CANCELLED}]
    return [
        View("0", kind.name, state, "", rules, {}, reason, None, False, NOW, NOW, NOW)
        for state in states
        for reason in (*reasons, None)
    ]


@pytest.mark.parametrize("kind", registry.types().values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_event_of_a_type_is_worded_with_values_it_has(kind: TransactionType, language: str) -> None:
    """Whatever happens, there are words for the citizen, and no placeholder in them stays empty."""
    for event in EVENTS | set(kind.events):
        path = SHIPPED / kind.name / f"{event}.sms.{language}.txt"
        compiled = compile_body(path.read_text("utf-8").strip())
        for view in _views(kind):
            compiled.values(GIVEN.get(event) or kind.personalise(view))


@pytest.mark.parametrize("kind", registry.types().values(), ids=lambda kind: kind.name)
def test_every_value_fits_into_a_variable(kind: TransactionType) -> None:
    """A value longer than the vendor's limit would make its message unsendable."""
    for view in _views(kind):
        assert {name: v for name, v in kind.personalise(view).items() if len(v) > LONGEST_VALUE} == {}


def _longest(kind: TransactionType) -> dict[str, str]:
    """The longest value each variable of a type has, with facts as long as they get in the cities shipped."""
    halls = [hall for city in cities.shipped().values() for hall in city.versions[-1].halls]
    days = ("due", "pause_from", "failed_on", "call_back", "home_visit", "start", "end", "by")
    late = dict.fromkeys(days, "2027-09-30")
    booked = dict.fromkeys(("starts_at", "ends_at"), "2026-09-30T02:00:00+00:00")
    long = {
        "kind": "pensioner_elsewhere",
        "number": "A999",
        "card_tail": "6266",
        "until": "2026-09-30T02:00:00+00:00",
    }
    long |= {"item": "mobile", "value": "w***@" + "e" * 30, "value_en": "w***@" + "e" * 30}
    if kind.name == "relation_transfer":
        long |= {"from": "152921", "to": "511132"}  # 阿拉善盟阿拉善左旗, 乐山市峨边彝族自治县
    long |= {"datum": "身份证号码", "datum_en": "ID number"}
    long["hall"] = max((hall.name for hall in halls), key=len)
    long["hall_en"] = max((hall.name_en for hall in halls), key=len)
    found = {"name": MASKED, "reference": REFERENCE}
    for view in _views(kind):
        for status, failure in itertools.product(situation.STATUSES, ways.CAUSES):
            facts = {**long, **late, **booked, "name": MASKED, "status": status, "failure": failure}
            said = kind.personalise(replace(view, reference=REFERENCE, facts=facts))
            found |= {name: value for name, value in said.items() if len(value) > len(found.get(name, ""))}
    return found


def _carried(folder: str, values: Mapping[str, str]) -> bool:
    """Whether the vendor with the narrowest limits takes each text message in it with these values."""
    carriage = Carriage("sms", (AliyunSms.limits,), "常德人社")
    texts = [path.read_text("utf-8").strip() for path in (SHIPPED / folder).glob("*.sms.*.txt")]
    versions = [TemplateVersion(UUID(int=1), 1, folder, "sms", "zh-CN", text) for text in texts]
    return bool(versions) and all(carriage.against(one, values) is None for one in versions)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_who_hung_up_reads_which_matter_is_unfinished(language: str) -> None:
    """Each type has its own words for it: none is another's, copied."""
    texts = [path.read_text("utf-8") for path in SHIPPED.glob(f"*/unfinished.sms.{language}.txt")]
    assert len(texts) == len(set(texts)) == len(registry.types())


def test_every_policy_text_is_carried_with_a_long_name() -> None:
    assert _carried("policy", {"name": MASKED, "核验码": "000000"})
    assert not _carried("policy", {"name": "长" * 36, "核验码": "000000"})


@pytest.mark.parametrize("kind", registry.types().values(), ids=lambda kind: kind.name)
def test_every_shipped_text_is_carried_with_its_longest_values(kind: TransactionType) -> None:
    """And no value is cut to fit, which would end it in mid-word."""
    assert _carried(kind.name, {**_longest(kind), **GIVEN["code"]})
    words: Mapping[str, Words] = getattr(sys.modules[kind.perform.__module__], "REASONS", {})
    written = [one for reason in words.values() for one in (reason.zh, reason.en)]
    halls = [hall for city in cities.shipped().values() for hall in city.versions[-1].halls]
    written += [one for hall in halls for one in (hall.name, hall.name_en)]
    assert [one for one in written if len(one) > AliyunSms.limits.variable] == []


@pytest.mark.parametrize("kind", registry.types().values(), ids=lambda kind: kind.name)
def test_every_state_of_a_type_is_explained(kind: TransactionType) -> None:
    """No state leaves a citizen without a sentence in both languages."""
    for view in _views(kind):
        assert kind.explain(view)
        assert all(words.zh and words.en for words in kind.explain(view))
