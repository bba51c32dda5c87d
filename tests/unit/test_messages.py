"""What stands against a message, held to an oracle that writes it out and measures it."""

from __future__ import annotations

import json
import string
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.messages import Attachment, Excess, Limits, Message, excess

PLAIN = Message("+8613800138000", "您的社保卡已挂失", "常德人社", params={"name": "王*"})

pieces = [
    "字",
    "a",
    "1",
    '"',
    "\\",
    "\n",
    "\x01",
    "😀",
    ".",
    "-",
    "_",
    "www.",
    "http://",
    ".cn",
    ".COM",
    "gov",
]
words = st.lists(st.sampled_from(pieces), max_size=8).map("".join)
letters = st.builds(
    Message,
    address=st.sampled_from(["+8613800138000", "+85261234567", "+14155552671"]),
    text=words,
    signature=st.sampled_from(["", "常德人社"]),
    params=st.dictionaries(st.sampled_from(["name", "day"]), words, max_size=2),
    attachments=st.lists(
        st.builds(Attachment, st.just("a.pdf"), st.just("application/pdf"), st.binary(max_size=9)), max_size=2
    ).map(tuple),
)
plain = st.builds(
    Limits,
    text=st.integers(0, 30),
    signed=st.booleans(),
    json=st.integers(0, 40),
    variable=st.integers(0, 12),
    links=st.booleans(),
    links_in_values=st.booleans(),
    countries=st.sampled_from([None, frozenset({"86"}), frozenset({"86", "852"}), frozenset()]),
    files=st.integers(0, 12),
)
limits = st.builds(
    lambda one, into: replace(one, into=into),
    plain,
    st.dictionaries(st.sampled_from(["86", "852"]), plain, max_size=2),
)


def naive(limits: Limits, message: Message) -> set[tuple[str, str]]:
    """Every limit the message is beyond, and where: written out whole, then measured."""
    code = next(code for code in ("86", "852", "1") if message.address[1:].startswith(code))
    limits = limits.into.get(code, limits)
    signed = limits.signed and message.signature
    whole = f"【{message.signature}】{message.text}" if signed else message.text
    spoken = json.dumps({"text": message.text}, ensure_ascii=False, separators=(",", ":"))
    checks = {
        ("text", "text"): 0 < limits.text < len(whole),
        ("json", "text"): 0 < limits.json < len(spoken),
        ("links", "text"): not limits.links and has_link(message.text),
        ("countries", "address"): limits.countries is not None and code not in limits.countries,
        ("files", "attachments"): sum(len(one.body) for one in message.attachments) > limits.files,
    }
    for name, value in message.params.items():
        checks["variable", name] = 0 < limits.variable < len(value)
        checks["links_in_values", name] = not limits.links_in_values and has_link(value)
    return {where for where, beyond in checks.items() if beyond}


def has_link(text: str) -> bool:
    """A scheme, www., or a word, a dot and one of five endings that no word character follows."""
    low, known = text.lower(), string.ascii_lowercase + string.digits + "-"
    for place in range(len(low)):
        if low.startswith(("http://", "https://", "www."), place):
            return True
        for ending in (".com", ".cn", ".net", ".org", ".gov"):
            after = low[place + len(ending) : place + len(ending) + 1]
            if (
                low.startswith(ending, place)
                and low[:place][-1:] in set(known)
                and after not in {*string.ascii_lowercase, *string.digits, "_"}
            ):
                return True
    return False


@given(limits, letters)
@settings(deadline=None, max_examples=300)
def test_what_is_found_is_what_measuring_finds(limits: Limits, message: Message) -> None:
    """Something is found exactly where something stands against it, and it is one of those."""
    found, known = excess(limits, message), naive(limits, message)
    assert (found is None) == (not known)
    assert found is None or (found.limit, found.field) in known


@given(limits, letters)
@settings(deadline=None, max_examples=200)
def test_a_refusal_in_numbers_says_how_much_room_there_is(limits: Limits, message: Message) -> None:
    """Cut down to ``most``, the text or the value stands against that limit no more."""
    found = excess(limits, message)
    if found is None or found.limit not in ("text", "variable") or found.most < 0:
        return
    assert found.given > found.most
    if found.limit == "text":
        shorter = message._replace(text=message.text[: found.most])
    else:
        shorter = message._replace(params={**message.params, found.field: "字" * found.most})
    again = excess(limits, shorter)
    assert again is None or (again.limit, again.field) != (found.limit, found.field)


def test_without_limits_everything_is_carried_but_attachments() -> None:
    """Zero and None name no limit; files have to be taken by somebody."""
    assert excess(Limits(), PLAIN._replace(text="字" * 10_000 + "https://example.cn")) is None
    attached = PLAIN._replace(attachments=(Attachment("a.pdf", "application/pdf", b"%PDF"),))
    assert excess(Limits(), attached) == Excess("files", "attachments", 0, 4)


def test_a_limit_goes_up_to_its_number() -> None:
    """500 characters with the signature are carried, one more is not, and the text's room is told."""
    aliyun = Limits(text=500, signed=True, variable=35)
    assert excess(aliyun, PLAIN._replace(text="字" * 494)) is None
    assert excess(aliyun, PLAIN._replace(text="字" * 495)) == Excess("text", "text", 494, 495)
    assert excess(aliyun, PLAIN._replace(params={"name": "字" * 35})) is None
    assert excess(aliyun, PLAIN._replace(params={"name": "字" * 36})) == Excess("variable", "name", 35, 36)


@pytest.mark.parametrize(
    "text", ["https://x", "见www.changde.gov.cn", "changde.gov.cn/rs", "A-1.COM", "a.net，"]
)
def test_a_web_address_is_known_with_and_without_its_scheme(text: str) -> None:
    """Carriers refuse both."""
    assert excess(Limits(links=False), PLAIN._replace(text=text)) == Excess("links", "text")


@pytest.mark.parametrize("text", ["3.14", "第1.2节", "16:05", "a.m.", "12333.", "网.cn", "x.community"])
def test_a_dot_alone_makes_no_web_address(text: str) -> None:
    """Numbers, sections and abbreviations are said as they are."""
    assert excess(Limits(links=False), PLAIN._replace(text=text)) is None


@pytest.mark.parametrize(
    "limit", [one.name for one in fields(Limits) if one.name not in ("signed", "into", "caps")]
)
def test_every_limit_has_words_in_both_languages_and_none_repeats_a_value(limit: str) -> None:
    """The field and the numbers; Chinese ends without a full stop, as it goes on in a line."""
    found = Excess(limit, "name", 35, 40)
    assert "name " in str(found)
    assert "name" in found.zh
    assert "{" not in str(found) + found.zh


def test_a_refusal_names_field_and_limit() -> None:
    """In the words a system and a person read."""
    found = Excess("variable", "name", 35, 40)
    assert str(found) == "personalisation name is too long: at most 35 characters, this has 40"
    assert found.zh == "变量“name”过长：最多35个字，现有40个"
    assert Excess("text", "text", 494, 495).zh == "正文过长：最多494个字，现有495个"
    assert str(Excess("files", "attachments", 0, 4)) == "attachments cannot go this way"


def test_no_message_shows_its_attachments_in_a_log() -> None:
    """A file's bytes are not repeated."""
    assert "%PDF" not in repr(Attachment("a.pdf", "application/pdf", b"%PDF"))
