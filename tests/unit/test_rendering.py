"""Placeholders, conditions and lists: what is written is what is read, whatever the values are."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.content.frame import Frame
from gateway.content.letters import compile_letter, letter
from gateway.content.rendering import YES, MissingPersonalisationError, compile_body, in_words
from gateway.content.store import TemplateVersion
from gateway.messages import Limits
from gateway.notifications.carriage import Carriage
from integrations.aliyun_sms import AliyunSms

FRAME = Frame("常德人社", "0736-12333")
FIRST = UUID(int=1)
NAMES = ("name", "姓名", "Card Tail", "v1", "card-tail")
_text = st.text(st.characters(exclude_characters="()"))
_name = st.sampled_from(NAMES)
_piece = st.one_of(_text, st.tuples(_name), st.tuples(_name, _text))
_value = st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text()), st.sampled_from(sorted(YES)))


def _written(pieces: list[Any]) -> str:
    return "".join(one if isinstance(one, str) else f"(({'??'.join(one)}))" for one in pieces)


def _told(value: Any) -> str:
    """The reference: a list is told, all else is its own words."""
    if not isinstance(value, list):
        return str(value)
    words = [word.strip() for word in value if word.strip()]
    return words[0] if len(words) == 1 else "、".join(words[:-1]) + f"和{words[-1]}" if words else ""


def _expected(pieces: list[Any], values: dict[str, Any]) -> str:
    said = ""
    for one in pieces:
        if isinstance(one, str):
            said += one
        elif len(one) == 1:
            said += _told(values[_key(one[0])])
        elif _told(values[_key(one[0])]).strip().lower() in YES:
            said += one[1]
    return said


def _key(name: str) -> str:
    return re.sub(r"[ _-]", "", name).lower()


@given(st.lists(_piece), st.fixed_dictionaries({_key(name): _value for name in NAMES}))
@example(["(", ("name",), ")"], dict.fromkeys(map(_key, NAMES), "((姓名))"))
def test_rendering_loses_and_invents_nothing(pieces: list[Any], values: dict[str, Any]) -> None:
    """Every word stands where it was written; a value stays text; the vendor puts the same together."""
    compiled = compile_body(_written(pieces))
    assert compiled.render(values) == _expected(pieces, values)
    text, params = compiled.rendered(values)
    assert text == _expected(pieces, values)
    assert len(set(compiled.variables.values())) == len(compiled.variables)
    if "$" not in _written(pieces):
        assert re.sub(r"\$\{(\w+)\}", lambda one: params[one[1]], compiled.provider_body()) == text


@given(st.sampled_from(["是", " YES ", "True", "1", "show", "对", 1, True]))
def test_a_condition_is_met_by_a_yes_in_whatever_form(value: Any) -> None:
    """Notify's words and two of ours; whatever else is said means no."""
    compiled = compile_body("请带身份证((家属??和户口簿))。")
    assert compiled.render({"家属": value}) == "请带身份证和户口簿。"
    for no in ("no", "否", "0", "", "yes and no", False, ["yes", "yes"]):
        assert compiled.render({"家属": no}) == "请带身份证。"
    with pytest.raises(MissingPersonalisationError, match="家属"):
        compiled.render({"家属": None})


def test_a_list_is_told_as_people_tell_it() -> None:
    """With 顿号 and 和 in Chinese, with commas and "and" in English; what is empty is not told."""
    given = {"x": ["身份证", None, " ", "户口簿", 3]}
    assert compile_body("带((x))").render(given) == "带身份证、户口簿和3"
    assert compile_body("Bring ((x))", "en").render(given) == "Bring 身份证, 户口簿 and 3"
    assert [in_words(one, "en") for one in ([], ["a"], ["a", "b"])] == ["", "a", "a and b"]


LIST = "Subject: 带((x))\n\n# 带((x))\n\n请带：\n((x))\n\n- 带((x))\n\n((x))见。"


def test_a_list_in_an_email_is_bullets_in_a_paragraph_and_told_elsewhere() -> None:
    """In the plain text and in the HTML; what stands around it keeps its place."""
    subject, text, page = letter(compile_letter(LIST), {"x": ["<b>", "c"]}, FRAME)
    assert subject == "带<b>和c"
    assert (
        "带<b>和c\n====================\n\n请带：\n\n• <b>\n• c\n\n• 带<b>和c\n\n• <b>\n• c\n\n见。" in text
    )
    bare = re.sub(r' style="[^"]*"', "", page)
    bullets = "<ul>\n<li>&lt;b&gt;</li>\n<li>c</li>\n</ul>\n"
    assert (
        f"<h1>带&lt;b&gt;和c</h1>\n<p>请带：</p>\n{bullets}<ul>\n<li>带&lt;b&gt;和c</li>\n</ul>\n{bullets}<p>见。</p>"
        in bare
    )


@given(st.lists(st.text(), min_size=1))
def test_no_list_breaks_the_page(words: list[str]) -> None:
    """Whatever it holds, the page has the elements of its template and one bullet for each word."""
    told = [word for one in words if (word := one.strip())]
    _, _, page = letter(compile_letter("Subject: x\n\n((x))"), {"x": words}, FRAME)
    assert page.count("<li ") == len(told)
    assert page.count("<ul ") == bool(told)
    assert page.count("<p ") == page.count("</p>")


def test_the_api_shows_subject_and_body_as_they_were_written() -> None:
    """An e-mail keeps its line ends; in a text message each is one character."""
    mail = TemplateVersion(FIRST, 1, "x/y", "email", "en", "Subject: Hi ((n))\n\nA ((n))\r\n\r\nB ((l))\r\n")
    assert (mail.subject, mail.text) == ("Hi ((n))", "A ((n))\r\n\r\nB ((l))\r\n")
    assert mail.words({"n": "x", "l": ["a", "b"]}) == ("Hi x", "A x\r\n\r\nB \n\n* a\n* b\n\n\r\n")
    text = TemplateVersion(FIRST, 1, "x/y", "sms", "en", "A ((n))\r\n\r\nB")
    assert (text.subject, text.text, text.words({"n": "x"})) == (None, "A ((n))\r\n\r\nB", (None, "A x\n\nB"))


def test_a_vendor_of_registered_texts_carries_a_condition_or_says_what_stands_against_it() -> None:
    """Aliyun knows it as a variable, which may not be empty; who carries free text carries both."""
    one = TemplateVersion(FIRST, 1, "x/y", "sms", "zh-CN", "请带身份证((家属??和户口簿))，谢谢")
    assert one.compiled.provider_body() == "请带身份证${v1}，谢谢"
    strict, free = Carriage("sms", (AliyunSms.limits,), "常德人社"), Carriage("sms", (Limits(),), "常德人社")
    assert strict.against(one, {"家属": "是"}) is None
    against = strict.against(one, {"家属": "否"})
    assert str(against) == "personalisation 家属 is empty: this text is registered and needs something there"
    assert free.against(one, {"家属": "否"}) is None
