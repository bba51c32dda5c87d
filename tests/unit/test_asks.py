"""How a reply to a question is read."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.notifications.asks import Asks

CHOICES = (("1", "满意"), ("2", "基本满意"), ("3", "不满意"))
RATING = Asks("rating", CHOICES)
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
GAP = r"[\W_]*"


def oracle(text: str) -> str | None:
    """The rule as one pattern for each choice, on text already in plain width."""
    for digit, word in CHOICES:
        spelt = GAP.join(word)
        answer = rf"{digit}|{spelt}|{digit}{GAP}{spelt}"
        if re.fullmatch(rf"{GAP}(?:(?:回{GAP}复|选{GAP}择|选){GAP})?(?:{answer}){GAP}", text):
            return digit
    return None


PIECES = [*"1234", "满意", "基本", "不", "回复", "选", "择", "谢谢", "10", "满", "a", "R"]
GAPS = st.text("。，.、 _-！\n\t", max_size=2)


@given(st.lists(st.tuples(GAPS, st.sampled_from(PIECES), GAPS), max_size=4), st.booleans())
@settings(max_examples=300)
def test_a_reply_is_read_as_the_rule_says(parts: list[tuple[str, str, str]], wide: bool) -> None:
    """A digit, its word, or both, perhaps after 回复; marks and widths do not matter, other words do."""
    plain = "".join(piece for part in parts for piece in part)
    assert RATING.answer(plain.translate(WIDE) if wide else plain) == oracle(plain)


@given(st.text(max_size=12))
@settings(max_examples=100)
def test_any_text_at_all_is_read(text: str) -> None:
    assert RATING.answer(text) in (None, "1", "2", "3")


@pytest.mark.parametrize(
    "text", ["1", "１", "①", "1.", " 1。\n", "1满意", "1、满意", "满意", "回复1", "回复：1 满意", "选1", "1️⃣"]
)
def test_all_these_choose_the_first(text: str) -> None:
    assert RATING.answer(text) == "1"


@pytest.mark.parametrize(
    "text", ["", "4", "4满意", "0", "10", "11", "1不满意", "12", "很满意", "1个人也没来", "谢谢"]
)
def test_what_says_something_else_is_no_answer(text: str) -> None:
    """Nor is a digit of no choice, or one beside another choice's word."""
    assert RATING.answer(text) is None


@pytest.mark.parametrize(
    "choices",
    [
        (),
        (("1", ""),),
        (("", "好"),),
        (("12", "好"),),
        (("１", "好"),),
        (("a", "好"),),
        (("1", "好"), ("1", "坏")),
        (("1", "好"), ("2", "好。")),
        (("1", "2"), ("2", "好")),
        (("1", "好" * 21),),
    ],
)
def test_a_question_with_two_meanings_cannot_be_asked(choices: tuple[tuple[str, str], ...]) -> None:
    """Nor one without choices, or whose choices cannot be keyed."""
    with pytest.raises(ValueError, match=r"choice|mean"):
        Asks("rating", choices)
