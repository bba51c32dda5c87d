"""E-mails: what a template may say, and what no value can do to it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.content import frame
from gateway.content.frame import Frame
from gateway.content.letters import LetterError, compile_letter, letter, split
from gateway.content.rendering import MissingPersonalisationError

FRAME = Frame("常德人社", "0736-12333")
FAILED = """Subject: ((name))，您((day))的资格认证未通过

# 资格认证未通过

((name))，您((day))的资格认证未通过。
原因：((cause))

## 怎么办

1. 换到光线好的地方再试
2. 请家人“帮你认”
   - 带上((name))的身份证

- 查[办理指南](https://rs.example.cn/auth?from=mail&lang=zh)
- 打[0736-12333](tel:073612333)

^ 带上：
^ - ((name))的身份证
^
^ ((cause))

---

((cause))
"""
VALUES = {"name": "王芳芳", "day": "11月21日", "cause": "照片比对不一致"}


def sent(template: str = FAILED, frame: Frame = FRAME, **values: str) -> tuple[str, str, str]:
    return letter(compile_letter(template), VALUES | values, frame)


class Tags(HTMLParser):
    """The structure of a page: its tags with everything in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_comment(self, data: str) -> None:
        self.seen.append(data)


def test_a_letter_has_its_subject_and_reads_well_as_plain_text() -> None:
    subject, text, _ = sent()
    assert subject == "王芳芳，您11月21日的资格认证未通过"
    assert text.startswith("【常德人社】\n\n资格认证未通过\n====")
    assert "您11月21日的资格认证未通过。\n原因：照片比对不一致\n\n怎么办\n----" in text
    assert "1. 换到光线好的地方再试\n2. 请家人“帮你认”\n   • 带上王芳芳的身份证\n" in text
    assert "• 查办理指南 <https://rs.example.cn/auth?from=mail&lang=zh>\n" in text
    assert "• 打0736-12333\n\n| 带上：\n|\n| • 王芳芳的身份证\n|\n| 照片比对不一致\n" in text
    assert "咨询电话：0736-12333。" in text


def test_the_page_has_the_template_s_structure_in_its_language() -> None:
    page = Tags(sent()[2])
    tags = [entry[0] for entry in page.seen if isinstance(entry, tuple)]
    assert tags.count("li") == 6
    assert [tags.count(tag) for tag in ("h1", "h2", "ol", "ul", "hr", "a", "br", "img", "blockquote")] == [
        1, 1, 1, 3, 2, 2, 1, 0, 1,
    ]  # fmt: skip
    assert ("html", [("lang", "zh-CN")]) in page.seen
    link = next(dict(entry[1]) for entry in page.seen if isinstance(entry, tuple) and entry[0] == "a")
    assert link["href"] == "https://rs.example.cn/auth?from=mail&lang=zh"


def test_an_english_letter_has_an_english_footer() -> None:
    _, text, page = sent(frame=Frame("常德人社", "0736-12333", "en"))
    assert "please do not reply. Questions? Call 0736-12333." in text
    assert '<html lang="en">' in page


@given(st.text(), st.text(), st.text())
@settings(deadline=None)
def test_no_value_changes_the_structure(name: str, day: str, cause: str) -> None:
    """Whatever the values are, tags, attributes, lines and headers are the template's."""
    subject, text, page = sent(name=name, day=day, cause=cause)
    plain = sent()
    assert Tags(page).seen == Tags(plain[2]).seen
    assert len(text.splitlines()) == len(plain[1].splitlines())
    assert len(subject.splitlines()) == 1
    subject.encode()


@given(
    st.lists(st.sampled_from(["http", "https", ":", "/", "www", ".", "evil", "cn", "@", " ", "\n", "中国"]))
)
@settings(deadline=None)
def test_no_value_becomes_a_link_by_itself(parts: list[str]) -> None:
    """What a mail program looks for to make a link is in the template's own words only."""
    _, text, page = sent(cause="".join(parts))
    for words in (text, Tags(page).words):
        own = words.replace("https://rs.example.cn", "")
        assert not re.search(r"://|www\.[^\W\d_]{2}|[^\s.]\.(cn|evil|http|www|中国)", own)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<!-- ",
        '" onclick="x',
        "[点这里](https://evil.cn)",
        "# 大字",
        "((name))",
        "&lt;b&gt;",
    ],
)
def test_markup_in_a_value_is_words(hostile: str) -> None:
    shown = Tags(sent(cause=hostile)[2]).words.replace("\u2060", "")
    assert f"原因：{hostile.strip()}" in shown


@pytest.mark.parametrize("value", ["^ 缩进", "- 一", "• 一", "1. 一", "---", "> 一", "| 一"])
def test_a_line_that_begins_with_a_value_is_a_paragraph(value: str) -> None:
    """However the value begins; only the template makes insets, lists and rules."""
    _, text, page = sent("Subject: a\n\n((cause))\n\n^ ((cause))", cause=value)
    tags = [entry[0] for entry in Tags(page).seen if isinstance(entry, tuple)]
    assert [tags.count(tag) for tag in ("blockquote", "ul", "ol", "li", "hr")] == [1, 0, 0, 0, 1]
    assert f"\n{value}\n\n| {value}\n" in text


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ("^ 一\n二\n\n^三\n\n四", "| 一\n| 二\n|\n| 三\n\n四"),  # goes on to the blank line, and over it
        ("前\n^ 一", "前\n\n| 一"),
        (
            "^ # 题\n^ - 一\n^   1. 二\n^ ---",
            "| 题\n| " + "=" * 20 + "\n|\n| • 一\n|   1. 二\n|\n| " + "-" * 20,
        ),
        ("- 一\n  ^ 二\n  ^ 三\n- 四", "• 一\n  | 二\n  | 三\n• 四"),
        ("^ ^ 一", "| | 一"),
        ("•一\n• 二\n  • 三\n* 四", "• 一\n• 二\n  • 三\n\n• 四"),
        ("3. 一\n4. 二", "3. 一\n4. 二"),
        ("一\n---\n二", "一\n\n" + "-" * 20 + "\n\n二"),
        ("2^3 和 a ^ b", "2^3 和 a ^ b"),
        ("[打12333](tel:12333)，[来电](tel:12333)", "打12333，来电 <12333>"),
    ],
)
def test_blocks_stand_in_one_another(body: str, plain: str) -> None:
    """Insets as Notify writes them, lists in lists and in insets, rules, links."""
    text = sent(f"Subject: a\n\n{body}")[1]
    assert text.removeprefix("【常德人社】\n\n").partition("\n\n-- \n")[0] == plain


@given(st.text("^-•*1. #\n[](a)", max_size=60).filter(lambda body: "((" not in body))
@settings(max_examples=100)
def test_no_template_breaks_the_page(body: str) -> None:
    """Whatever is written, every element that is opened is closed, in order."""
    try:
        page = Tags(sent(f"Subject: a\n\n{body}")[2])
    except LetterError:
        return
    opened: list[str] = []
    for entry in page.seen:
        if isinstance(entry, tuple) and entry[0] not in ("meta", "br", "hr"):
            opened.append(entry[0])
        elif isinstance(entry, str):
            assert opened.pop() == entry
    assert opened == []


def test_a_notice_says_in_both_languages_how_to_stop_such_mails() -> None:
    """With the link on a line of its own, and that results and codes still come."""
    link = "https://12333.example.gov.cn/u/" + "a" * 30
    for language in ("zh-CN", "en"):
        _, text, page = sent(frame=Frame("常德人社", "0736-12333", language, link))
        words = Tags(page).words
        for part in (text, words):
            assert "办理结果和验证码仍会照常发给您" in part
            assert "Results and codes will still reach you" in part
        assert text.endswith(f"\n{link}\n")
        assert f'href="{link}"' in page
    assert "停止" not in sent()[1] + sent()[2]


def test_a_value_cannot_turn_the_reading_order_round() -> None:
    subject, text, _ = sent(name="王\u202e芳")
    assert "\u202e" not in subject + text


def test_what_is_not_in_the_subset_stays_as_it_is_written() -> None:
    template = "Subject: a\n\n*x* `y` <b>z</b>\n> q\n\n![pic](https://a.cn/x.png)"
    _, text, page = sent(template)
    assert "*x* `y` <b>z</b>\n> q" in text
    assert "*x* `y` &lt;b&gt;z&lt;/b&gt;" in page
    assert "<img" not in page


@pytest.mark.parametrize(
    "destination", ["http://a.cn", "javascript:alert(1)", "((name))", "https://a.cn/((name))", "//a.cn", ""]
)
def test_a_link_to_no_fixed_place_is_refused(destination: str) -> None:
    with pytest.raises(LetterError, match="fixed https:"):
        compile_letter(f"Subject: a\n\n[x]({destination})")


@pytest.mark.parametrize(
    "template", ["您好", "Subject: \n\n您好", "Subject: a\n您好", "", "\nBody\nSubject: a\n\n"]
)
def test_a_text_without_a_subject_is_no_letter(template: str) -> None:
    with pytest.raises(LetterError, match="Subject"):
        split(template)


def test_a_subject_stands_apart_from_the_body() -> None:
    assert split("Subject: 您好 \r\n\r\n第一段\r\n\r\n第二段\r\n") == ("您好", "第一段\n\n第二段")


def test_every_missing_value_is_named_once() -> None:
    with pytest.raises(MissingPersonalisationError) as refusal:
        letter(compile_letter(FAILED), {"day": "11月21日"}, FRAME)
    assert refusal.value.names == ("name", "cause")


def test_old_eyes_can_read_it() -> None:
    """Main text has 18 px and line height 1.5; every colour has a contrast of 4.5:1 on white."""
    assert "font:18px/1.5 " in frame.STYLES["body"]
    for colour in (frame.INK, frame.LINK):
        assert contrast_on_white(colour) >= 4.5
    assert set(re.findall(r"color:(#\w+)", sent()[2])) == {frame.INK, frame.LINK}


def contrast_on_white(colour: str) -> float:
    """By WCAG 2.1: relative luminance of sRGB."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
