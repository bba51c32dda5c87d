"""Mobile numbers, and how texts are counted."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway import channels
from gateway.channels import sms
from gateway.channels.sms import AddressError, is_hotline, length, normalise, parts
from gateway.errors import HuiyinError, UnknownNameError

SIGNATURE = "常德人社"
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def test_a_channel_is_found_by_its_name() -> None:
    """The module of that name is the channel; no such module, no such channel."""
    channel = channels.load("sms")
    assert channel.SUFFIX == "sms"
    assert channel.LIMIT == 500
    assert channel.RECEIPT_WINDOW.total_seconds() == 72 * 3600
    with pytest.raises(UnknownNameError, match="'pigeon'"):
        channels.load("pigeon")


# --- addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "+8613800138000",
        "008613800138000",
        "8613800138000",
        "+86 138 0013 8000",
        "138-0013-8000",
        "(+86)138.0013.8000",
        "13800138000".translate(FULL_WIDTH),
        "+86 138-0013-8000".translate(FULL_WIDTH),
        "\u202d138 0013\u30008000\u202c",  # as copied from an address book
        " 13800138000\n",
    ],
)
def test_a_mainland_mobile_has_one_form(written: str) -> None:
    """However it is written, a mobile becomes the same E.164 number."""
    assert normalise(written) == "+8613800138000"


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "+86", "0086", "86", "+86 "]))
@settings(deadline=None)
def test_every_mainland_mobile_is_taken(number: str, prefix: str) -> None:
    """Ranges not yet allotted are taken too: they change faster than libraries."""
    assert normalise(prefix + number) == f"+86{number}"
    assert normalise(normalise(prefix + number)) == f"+86{number}"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+852 6123 4567", "+85261234567"),
        ("0085366123456", "+85366123456"),
        ("+1 (415) 555-2671", "+14155552671"),
    ],
)
def test_other_countries_need_their_code(written: str, number: str) -> None:
    """A foreign mobile with + or 00 is taken."""
    assert normalise(written) == number


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        (" - ", "empty"),
        ("0736-7255555", "landline"),
        ("+8673 6725 5555", "landline"),
        ("010-62345678", "landline"),
        ("+852 2345 6789", "landline"),
        ("12333", "hotline"),
        ("0736-12333", "hotline"),
        ("021-12333", "hotline"),
        ("95588", "hotline"),
        ("400 820 8820", "hotline"),
        ("1069012333", "hotline"),
        ("1380013800", "not_a_number"),
        ("138001380000", "not_a_number"),
        ("12800138000", "not_a_number"),
        ("+86012800138000", "not_a_number"),
        ("一三八零零一三八零零零", "not_a_number"),
        ("١٣٨٠٠١٣٨٠٠٠", "not_a_number"),  # digits, but not ours
        ("13800138000x", "not_a_number"),
        ("13800138000;ext=1", "extension"),
        ("0736-7255555转801", "extension"),
        ("0736-7255555 分机 801", "extension"),
        ("0736-7255555，801", "extension"),
        ("0736-7255555-801", "extension"),
        ("+86 736-7255555-801", "extension"),
        (" (0736)7255555-801", "extension"),
        ("0736-7255555 x801", "extension"),
        ("(0736) 7255555 ext. 801", "extension"),
        ("13800138000转1", "extension"),
        ("138-0013-8000-1", "not_a_number"),
        ("0736-7255555转", "not_a_number"),
        ("+" * 20, "not_a_number"),
        ("9" * 400, "not_a_number"),
    ],
)
def test_what_cannot_get_a_text_is_refused_with_its_reason(written: str, reason: str) -> None:
    """Each refusal knows why, and says in Chinese and English what to do."""
    with pytest.raises(AddressError) as refusal:
        normalise(written)
    error = refusal.value
    assert error.reason == reason
    assert error.zh.endswith("。")
    assert error.en.endswith(".")
    assert str(error) == f"{error.zh} {error.en}"
    assert isinstance(error, HuiyinError)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[+0]?[0-9 -]{3,18}", fullmatch=True)))
@settings(deadline=None)
def test_any_text_is_a_number_or_an_address_error(text: str) -> None:
    """Nothing a citizen types breaks the reading, and no refusal repeats what was typed."""
    number = refusal = ""
    try:
        number = normalise(text)
    except AddressError as error:
        refusal = str(error)
    digits = "".join(filter(str.isdigit, text))
    assert bool(number) != bool(refusal)
    assert not number or (re.fullmatch(r"\+[0-9]{6,15}", number) and normalise(number) == number)
    assert len(digits) < 4 or digits not in refusal


@pytest.mark.parametrize(
    "text",
    "12333 0736-12333 +86-736-12333 021-12345 12393 12348 110 119 120 122 95588 400-820-8820".split(),
)
def test_hotlines_are_known(text: str) -> None:
    """Public service numbers are recognised with and without area code."""
    assert is_hotline(text)


@pytest.mark.parametrize("text", ["", "1233", "123330", "13800138000", "0736-7255555", "1069012333", "9558"])
def test_other_numbers_are_no_hotlines(text: str) -> None:
    """A number that only resembles a hotline is none."""
    assert not is_hotline(text)


# --- counting -------------------------------------------------------------------------

GSM_ONE = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ \"#¤%&'()*+,-./0189:;<=>?¡AZÄÖÑܧ¿azäöñüà!\n\r"
GSM_TWO = "^{}\\[~]|€\f"


def naive_parts(text: str, signature: str) -> int:
    """Cut the text as a telephone would, part by part."""
    whole = f"【{signature}】{text}" if signature else text
    alphabet = set(GSM_ONE) | set(GSM_TWO) | {chr(c) for c in range(128) if chr(c).isalnum()}
    if set(whole) <= alphabet:
        sizes, single, several = [1 + (c in GSM_TWO) for c in whole], 160, 153
    else:
        sizes, single, several = [len(c.encode("utf-16-be")) // 2 for c in whole], 70, 67
    if sum(sizes) <= single:
        return 1
    pieces: list[list[int]] = [[]]
    for size in sizes:
        if sum(pieces[-1]) + size > several:
            pieces.append([])
        pieces[-1].append(size)
    return len(pieces)


gsm = st.text(st.sampled_from(GSM_ONE + GSM_TWO + "abc123"), max_size=500)
chinese = st.text(st.sampled_from("常德人社您的社保卡已挂失,。12 😀𠮷€"), max_size=300)


@given(st.one_of(gsm, chinese, st.text(max_size=200)), st.sampled_from(["", SIGNATURE]))
@example("a" * 160, "")
@example("a" * 161, "")
@example("a" * 152 + "€" + "a" * 151, "")
@example("字" * 66 + "😀" + "字" * 66, "")
@settings(deadline=None)
def test_parts_are_those_of_a_naive_count(text: str, signature: str) -> None:
    """The count is what cutting the text part by part gives."""
    assert parts(text, signature) == naive_parts(text, signature)


@pytest.mark.parametrize(
    ("text", "signature", "count"),
    [
        ("", "", 1),
        ("a" * 160, "", 1),
        ("a" * 161, "", 2),
        ("a" * 306, "", 2),
        ("a" * 307, "", 3),
        ("€" * 80, "", 1),
        ("€" * 81, "", 2),
        ("€" * 152, "", 2),
        ("€" * 153, "", 3),  # 76 pairs to a part: no pair is split
        ("字" * 70, "", 1),
        ("字" * 71, "", 2),
        ("字" * 134, "", 2),
        ("字" * 135, "", 3),
        ("😀" * 35, "", 1),
        ("😀" * 66, "", 2),
        ("😀" * 67, "", 3),  # 33 to a part
        ("a" * 64, SIGNATURE, 1),
        ("a" * 65, SIGNATURE, 2),  # a Chinese signature makes the whole text UCS-2
        ("字" * 64, SIGNATURE, 1),
        ("字" * 65, SIGNATURE, 2),
        ("ç", "", 1),
    ],
)
def test_the_edges_of_a_part(text: str, signature: str, count: int) -> None:
    """160 and 153 septets, 70 and 67 code units, the signature and its brackets counted."""
    assert parts(text, signature) == count


@given(chinese, st.text(st.sampled_from("字a😀"), max_size=30))
@settings(deadline=None)
def test_a_longer_text_never_has_fewer_parts(text: str, more: str) -> None:
    """Adding to a Chinese text adds parts or keeps them."""
    assert parts(text + more, SIGNATURE) >= parts(text, SIGNATURE)


def test_length_counts_the_signature_and_both_halves_of_an_emoji() -> None:
    """What the limit of 500 is held against."""
    assert length("字😀", SIGNATURE) == 9
    assert length("a€") == 3
    assert length("字" * 494, SIGNATURE) == sms.LIMIT


def test_the_gsm_alphabet_is_whole() -> None:
    """3GPP TS 23.038: 127 characters beside the escape, and ten in the extension table."""
    assert len(sms._GSM_BASIC) == 127
    assert len(sms._GSM_EXTENSION) == 10


@pytest.mark.parametrize(
    "text",
    [
        "您尾号6266的社保卡已临时挂失,11月28日16:05自动解除,银行账户请联系发卡行另行挂失。咨询12333",
        "验证码482913,用于社保卡临时挂失,5分钟内有效。工作人员不会索要,切勿告知他人",
        "预约成功:11月25日09:00-09:30,市社保大厅,预约号A023。请带身份证取号,取消请提前2小时。咨询12333",
    ],
)
def test_our_standard_texts_fit_one_part(text: str) -> None:
    """The texts citizens get most are one part with their signature."""
    assert parts(text, SIGNATURE) == 1
