"""A message is refused at the door where none of a channel's providers can carry it, and only there."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.content.store import TemplateVersion
from gateway.messages import Excess, Limits, Message, excess
from gateway.notifications.carriage import Carriage

ALIYUN = Limits(text=60, signed=True, variable=35, links_in_values=False)
TWILIO = Limits(text=200, signed=True)
NAMED = {"name": "王*"}


def version(body: str, channel: str = "sms") -> TemplateVersion:
    return TemplateVersion(UUID(int=1), 1, "policy/x", channel, "zh-CN", body)


def carried(*limits: Limits, channel: str = "sms") -> Carriage:
    return Carriage(channel, limits, "常德人社")


def test_what_one_can_carry_goes_to_that_one() -> None:
    """Twilio takes a name of forty characters, Aliyun takes none beyond 35."""
    text, long = version("((name))您好"), {"name": "字" * 40}
    assert carried(ALIYUN, TWILIO).against(text, long) is None
    assert carried(ALIYUN).against(text, long) == Excess("variable", "name", 35, 40)


def test_what_nobody_can_carry_names_the_limit_of_the_first() -> None:
    """The one that carries most messages."""
    text = version("字" * 300)
    assert carried(ALIYUN, TWILIO).against(text, {}) == Excess("text", "text", 54, 300)


def test_a_variable_is_called_as_the_text_writes_it() -> None:
    """Not v1, which is what a provider knows of ((姓 名))."""
    found = carried(ALIYUN).against(version("((姓 名))您好"), {"姓名": "字" * 40})
    assert str(found) == "personalisation 姓 名 is too long: at most 35 characters, this has 40"


def test_without_an_address_no_country_stands_against_it() -> None:
    """A text is checked before anybody is named; a number abroad is refused by its own line."""
    home = Limits(countries=frozenset({"86"}), variable=35)
    assert carried(home).against(version("((name))好"), NAMED) is None
    assert carried(home).against(version("((name))好"), NAMED, "+8613800138000") is None
    assert carried(home).against(version("((name))好"), NAMED, "+85261234567") == Excess(
        "countries", "address"
    )


def test_what_holds_for_the_mainland_only_is_refused_at_the_door_for_the_mainland_only() -> None:
    """A text without an address is most people's, so it is measured as theirs."""
    abroad = Limits(text=1600, signed=True, into={"86": Limits(text=500, signed=True, links=False)})
    linked, long = version("请看https://12333.example.cn"), version("字" * 600)
    for address in ("", "+8613800138000"):
        assert carried(abroad).against(linked, {}, address) == Excess("links", "text")
        assert carried(abroad).against(long, {}, address) == Excess("text", "text", 494, 600)
    assert carried(abroad).against(linked, {}, "+85261234567") is None
    assert carried(abroad, ALIYUN).against(version("请看https://a.cn"), {}) is None


def test_a_closed_channel_and_one_without_limits_refuse_nothing() -> None:
    """Where no provider is named somebody else says so; an e-mail's text has no limit."""
    text = version("字" * 10_000)
    assert carried().against(text, {}) is None
    assert carried(ALIYUN, Limits()).against(text, {}) is None
    assert carried(ALIYUN, channel="email").against(version("字" * 10_000, "email"), {}) is None


@given(
    st.lists(st.builds(Limits, text=st.integers(0, 12), variable=st.integers(0, 5)), min_size=1, max_size=3),
    st.text("字a", max_size=8),
    st.text("字a", max_size=8),
)
@settings(deadline=None, max_examples=100)
def test_refused_is_what_each_of_them_refuses(limits: list[Limits], before: str, name: str) -> None:
    """Held to asking one provider after the other with the message written out."""
    message = Message("+8613800138000", before + name, "常德人社", params={"name": name})
    refused = all(excess(one, message) for one in limits)
    found = carried(*limits).against(version(before + "((name))"), {"name": name})
    assert (found is not None) == refused
