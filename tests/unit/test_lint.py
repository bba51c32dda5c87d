"""What keeps a text from being published, and how a text is counted, timed and priced before it is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway import route_settings
from gateway.channels import voice
from gateway.content import lint, preview, price
from gateway.content.shipped import SHIPPED, class_of
from gateway.content.store import TemplateVersion
from gateway.errors import SettingError
from tests.conftest import settings
from tests.unit.test_channel_sms import chinese, gsm, naive_parts


def text(body: str, channel: str = "sms", klass: str = "result", language: str = "zh-CN") -> TemplateVersion:
    return TemplateVersion(UUID(int=1), 1, "x/y", channel, language, body, "x", klass)


def rules(version: TemplateVersion, **examples: object) -> list[tuple[str, str]]:
    return [(one.rule, one.severity) for one in lint.check(version, examples)]


GOOD = "您尾号((tail))的社保卡已挂失。咨询12333"


@pytest.mark.parametrize(
    ("version", "rule"),
    [
        (text(GOOD + " https://a.cn"), "link"),
        (text("详情见www.rs.gov.cn", "voice"), "link"),
        (text("【常德人社】" + GOOD), "brackets"),
        (text("您好((name)"), "placeholder"),
        (text("您好((a?b))"), "placeholder"),
        (text("您好((a))((b))"), "touching"),
        (text("((a)) ((b))"), "touching"),
        (text("((a))"), "only_variables"),
        (text("((a??" + "长" * 36 + "))。"), "condition"),
        (text("验证码((code))，有效期((n))分钟", klass="code"), "code"),
        (text("长" * 487), "length"),
        (text("长" * 239, "voice"), "length"),
        (text("说。" * 70, "voice"), "spoken"),
        (text("word " * 80, "voice", language="en"), "length"),
        (text("Subject: x\n\n---", "email"), "text_part"),
        (text("no subject", "email"), "letter"),
        (text("Subject: x\n\n[a](https://b.cn/((c)))", "email"), "letter"),
    ],
)
def test_what_no_vendor_carries_or_nobody_could_trust_is_an_error(
    version: TemplateVersion, rule: str
) -> None:
    """Each says what to do, in both languages."""
    found = {one.rule: one for one in lint.errors(version)}
    assert rule in found
    assert found[rule].zh
    assert found[rule].en
    assert found[rule].place


def test_an_example_that_is_too_long_for_a_variable_is_named() -> None:
    """By the variable's name as written, however the example's is; one that fits is no finding."""
    version = text("您好((User Name))，咨询12333")
    assert rules(version, username="长" * 35) == []
    [found] = lint.check(version, {"user_name": ["长" * 18, "长" * 18]})
    assert (found.rule, found.severity, found.place) == ("value", "error", "User Name")


def test_plain_words_are_advice() -> None:
    """Officialese with what to say instead, and sentences nobody reads at once; none stops a text."""
    assert rules(text("兹通知您届时携带((x))。")) == [("officialese", "warning")] * 2
    assert rules(text("Prior to this, utilise ((x)).", language="en")) == [("officialese", "warning")] * 2
    assert rules(text("长" * 61 + "。")) == [("long_sentence", "warning")]
    assert rules(text("word " * 26, language="en")) == [("long_sentence", "warning")]
    assert rules(text("Terminated priorly", language="en")) == []
    assert lint.errors(text("兹" * 100)) == ()


@pytest.mark.parametrize(
    "path", sorted(SHIPPED.glob("*/*.txt")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_shipped_text_could_be_published(path: Path) -> None:
    event, channel, language = path.name.removesuffix(".txt").split(".")
    name = f"{path.parent.name}/{event}"
    one = text(path.read_text("utf-8").strip(), channel, class_of(name), language)
    assert lint.errors(replace(one, name=name)) == ()


@given(st.one_of(gsm, chinese), st.sampled_from(["", "常德人社"]))
@example("a" * 161, "")
@example("a" * 65, "常德人社")
def test_a_preview_counts_as_cutting_the_text_part_by_part_does(body: str, signature: str) -> None:
    """Parts as a naive count has them; what is left of the last part really fits, one more does not."""
    counted = preview.count(body, signature)
    assert counted.parts == naive_parts(body, signature)
    assert counted.room in ((160, 153) if counted.alphabet == "gsm" else (70, 67))
    plain = all(ord(c) < 0x7F and c not in "^{}\\[~]|\f" for c in body)
    if plain and counted.alphabet == ("unicode" if signature else "gsm"):
        assert preview.count(body + "a" * counted.left, signature).parts == counted.parts
        assert preview.count(body + "a" * (counted.left + 1), signature).parts == counted.parts + 1


def test_a_call_is_timed_by_what_is_said() -> None:
    """45 characters take ten seconds, 25 words too; a mark between words is a breath."""
    assert voice.seconds("说" * 45) == 10
    assert voice.seconds("word " * 25) == 10
    assert voice.seconds("说，说。") == pytest.approx(2 / 4.5 + 0.5)


def test_a_price_is_what_the_settings_say_or_unknown(tmp_path: Path) -> None:
    """By provider, calling code and what it charges for; no price is ever invented."""
    environment = {"ALIYUN_SMS_PRICE": "0.045 CNY", "ALIYUN_SMS_PRICE_852": "0.4 HKD", "B_PRICE": "0.1 CNY"}
    here = replace(
        settings(tmp_path, "sqlite://"),
        tariffs=route_settings.tariffs(environment, ["aliyun_sms", "b"]),
        providers={"sms": {"aliyun_sms": 3, "other": 1}, "voice": {"b": 1}, "email": {}},
        destinations={"sms": {"1": {"aliyun_sms": 0, "other": 1}}},
    )
    long = price.estimate(here, "sms", "+8613800138000", "长" * 70, "常德人社")
    assert (long.parts, long.amount, long.currency) == (2, Decimal("0.090"), "CNY")
    abroad = price.estimate(here, "sms", "+85251234567", "a", "")
    assert (abroad.parts, abroad.amount, abroad.currency) == (1, Decimal("0.4"), "HKD")
    unknown = price.estimate(here, "sms", "+12025550123", "a", "")
    assert (unknown.provider, unknown.parts, unknown.amount, unknown.currency) == ("other", 1, None, "")
    call = price.estimate(here, "voice", "+8613800138000", "说" * 140, "")
    assert (call.parts, call.amount) == (2, Decimal("0.2"))
    for wrong in ("0.045", "0.045 yuan", "-1 CNY", "1e3 CNY"):
        with pytest.raises(SettingError, match=r"ALIYUN_SMS_PRICE must be an amount and a currency"):
            route_settings.tariffs({"ALIYUN_SMS_PRICE": wrong}, ["aliyun_sms"])
    with pytest.raises(SettingError, match="calling code"):
        route_settings.tariffs({"ALIYUN_SMS_PRICE_HK": "1 CNY"}, ["aliyun_sms"])
