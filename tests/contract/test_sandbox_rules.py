"""The sandbox's own rules that need a clock or a million rows to be seen."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

import pytest

from integrations.sandbox.cards import Cards
from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import Shelf, handset
from integrations.sandbox.inbound import Replies, Reply
from integrations.sandbox.limits import DAY, HOUR, MINUTE, Account, Limits, call_accounts, code_accounts
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.params import reference
from integrations.sandbox.phones import Phones
from integrations.sandbox.receipts import parts
from integrations.sandbox.repeated import Repeated
from integrations.sandbox.scratch import open_scratch
from integrations.sandbox.signature import Doorkeeper, Refused, string_to_sign
from integrations.sandbox.texts import Template, fill, objection

NOON = 1795233600.0  # 2026-11-21 12:00:00 in China


class Handset:
    """One number's codes."""

    def __init__(self) -> None:
        self.limits = Limits()

    def code(self, at: float, sign: str = "常德人社") -> str | None:
        return self.charged(code_accounts("13800138000", sign), at)

    def call(self, at: float) -> str | None:
        return self.charged(call_accounts("13800138000"), at)

    def charged(self, accounts: Sequence[Account], at: float) -> str | None:
        try:
            self.limits.charge([accounts], at)
        except Refused as refusal:
            return refusal.message
        return None


def test_one_code_a_calendar_minute() -> None:
    handset = Handset()
    assert handset.code(NOON + 58) is None
    assert handset.code(NOON + 59) == "触发分钟级流控Permits:1"
    assert handset.code(NOON + MINUTE) is None


def test_five_codes_a_calendar_hour() -> None:
    handset = Handset()
    assert [handset.code(NOON + HOUR - 5 * MINUTE + n * MINUTE) for n in range(5)] == [None] * 5
    assert handset.code(NOON + HOUR) is None, "a new hour begins"
    handset = Handset()
    assert [handset.code(NOON + n * MINUTE) for n in range(5)] == [None] * 5
    assert handset.code(NOON + 5 * MINUTE) == "触发小时级流控Permits:5"


def test_ten_codes_in_24_hours() -> None:
    handset = Handset()
    assert [handset.code(NOON + n * HOUR) for n in range(10)] == [None] * 10
    assert handset.code(NOON + DAY - 1) == "触发天级流控Permits:10"
    assert handset.code(NOON + DAY) is None


def test_forty_codes_a_day_over_all_signatures() -> None:
    handset = Handset()
    assert [handset.code(NOON + n, sign=f"签名{n}") for n in range(40)] == [None] * 40
    assert handset.code(NOON + 41, sign="签名41") == "触发天级流控Permits:40"


def test_one_call_a_minute_five_an_hour_twenty_a_day() -> None:
    handset = Handset()
    assert handset.call(NOON + 1) is None
    assert handset.call(NOON + 59) == "触发分钟级流控Permits:1"
    assert [handset.call(NOON + n * MINUTE) for n in range(1, 5)] == [None] * 4
    assert handset.call(NOON + 6 * MINUTE) == "触发小时级流控Permits:5"
    assert [handset.call(NOON + n * HOUR) for n in range(1, 16)] == [None] * 15
    assert handset.call(NOON + 16 * HOUR) == "触发天级流控Permits:20"
    assert handset.call(NOON + DAY + 2) is None


def test_a_call_refused_for_one_number_is_charged_to_nobody() -> None:
    limits = Limits()
    both = [call_accounts("13800138000"), call_accounts("13800138001")]
    limits.charge(both[1:], NOON)
    with pytest.raises(Refused):
        limits.charge(both, NOON)
    limits.charge(both[:1], NOON)


def test_a_handset_goes_by_one_number_however_it_is_written() -> None:
    assert {handset(number) for number in ("13800138000", "+8613800138000")} == {"13800138000"}
    assert handset("+85291234567") == "85291234567"


def test_a_shelf_keeps_the_newest_and_counts_all() -> None:
    shelf = Shelf[Reply](2)
    for number, at in (("13800138000", 1.0), ("13800138001", 2.0), ("+8613800138000", 3.0)):
        shelf.put(Reply(number, "1", at, str(at), "aliyun_sms"))
    assert (shelf.taken, [reply.at for reply in shelf.since(0.0)]) == (3, [2.0, 3.0])
    assert [reply.at for reply in shelf.of("+8613800138000")] == [3.0]
    assert list(shelf.newest_numbers("138", 9)) == ["13800138000", "13800138001"]


@pytest.mark.parametrize(("number", "answers"), [("", "yes"), (None, "yes"), ("13800138000", "never")])
def test_a_way_to_take_calls_that_is_none_is_refused(number: object, answers: object) -> None:
    with pytest.raises(ValueError, match=r"number|answers"):
        Phones(Repeated(), 9).set_answers(number, answers)


@pytest.mark.parametrize(
    ("number", "text", "through"),
    [("x", "1", "aliyun_sms"), ("13800138000", "", "aliyun_sms"), ("13800138000", "1", "pigeon")],
)
def test_a_reply_that_is_none_is_refused(number: object, text: object, through: object) -> None:
    replies = Replies(9)
    replies.doors["aliyun_sms"] = lambda reply: None
    with pytest.raises(ValueError, match=r"number|text|through"):
        replies.send(number, text, through)


def template(content: str = "卡${card}已挂失", kind: int = 1) -> Template:
    return Template("SMS_1", "模板", content, kind, 0.0, "")


@pytest.mark.parametrize("value", ["1", "字" * 35])
def test_a_value_has_1_to_35_characters(value: str) -> None:
    assert fill(template(), "常德人社", {"card": value}) == f"【常德人社】卡{value}已挂失"


@pytest.mark.parametrize(
    ("value", "kind", "code"),
    [
        ("", 1, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("字" * 36, 1, "isv.PARAM_LENGTH_LIMIT"),
        (6266, 1, "isv.INVALID_JSON_PARAM"),
        ("12333.cn", 1, "isv.PARAM_NOT_SUPPORT_URL"),
        ("【12333", 1, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("123", 0, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("1234567", 0, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("１２３４", 0, "isv.TEMPLATE_PARAMS_ILLEGAL"),
    ],
)
def test_a_value_that_breaks_a_rule_has_the_vendor_s_code(value: object, kind: int, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        fill(template(kind=kind), "常德人社", {"card": value})
    assert refusal.value.code == code


def test_a_text_has_500_characters_at_most_its_signature_included() -> None:
    full = template("字" * 493 + "${n}")
    assert len(fill(full, "常德人社", {"n": "1"})) == 500
    with pytest.raises(Refused, match=r"isv\.PARAM_LENGTH_LIMIT"):
        fill(full, "常德人社", {"n": "12"})


@pytest.mark.parametrize("name", ["id", "email", "mobile", "nick", "site", "卡号", "1a"])
def test_a_variable_s_name_is_a_word_the_vendor_has_no_other_use_for(name: str) -> None:
    assert objection("卡${" + name + "}已挂失", 1) == "变量名不合规"
    assert objection("卡${card_id}已挂失", 1) == ""


def test_a_long_message_counts_by_67_characters() -> None:
    assert [parts("字" * length) for length in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]


def test_the_string_to_sign_is_the_vendor_s() -> None:
    params = {"Signature": "x", "b": "a b*~/", "A": "中"}
    assert string_to_sign("POST", params) == "POST&%2F&A%3D%25E4%25B8%25AD%26b%3Da%2520b%252A~%252F"


def signed_params(**more: str) -> dict[str, str]:
    """What the door looks at; the signature is that of whoever knows the secret."""
    params = {
        "AccessKeyId": "sandbox",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "n1",
        "Timestamp": "2026-11-21T04:00:00Z",
    } | more
    digest = hmac.new(b"sandbox&", string_to_sign("POST", params).encode(), hashlib.sha1).digest()
    return {"Signature": base64.b64encode(digest).decode()} | params


def refusal_of(door: Doorkeeper, params: dict[str, str]) -> str:
    with pytest.raises(Refused) as refusal:
        door.check("POST", params, NOON)
    return refusal.value.code


def test_the_door_opens_once_for_each_nonce() -> None:
    door = Doorkeeper(Credentials.read({}), open_scratch())
    door.check("POST", signed_params(), NOON)
    assert refusal_of(door, signed_params()) == "SignatureNonceUsed"


@pytest.mark.parametrize("timestamp", ["2026-11-21T03:44:59Z", "2026-11-21T04:15:01Z"])
def test_a_call_more_than_fifteen_minutes_off_is_expired(timestamp: str) -> None:
    door = Doorkeeper(Credentials.read({}), open_scratch())
    assert refusal_of(door, signed_params(Timestamp=timestamp)) == "InvalidTimeStamp.Expired"


def test_a_call_changed_on_its_way_does_not_match() -> None:
    door = Doorkeeper(Credentials.read({}), open_scratch())
    assert refusal_of(door, signed_params() | {"PhoneNumbers": "13800138000"}) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("said", [{"SignatureMethod": "ROT13"}, {"SignatureVersion": "9.9"}])
def test_a_call_that_says_it_is_signed_otherwise_does_not_match(said: dict[str, str]) -> None:
    door = Doorkeeper(Credentials.read({}), open_scratch())
    assert refusal_of(door, signed_params(**said)) == "SignatureDoesNotMatch"


def test_no_reference_is_given_twice_in_a_millisecond() -> None:
    assert len({reference(NOON) for _ in range(2_000)}) == 2_000


def test_faults_are_spent_newest_first() -> None:
    faults = Faults()
    faults.put({"target": "card_core", "mode": "down"})
    faults.put({"target": "card_core", "mode": "silent", "number": "A1", "times": 2})
    hits = [faults.match("card_core", "card/report-loss", ["A1"]) for _ in range(3)]
    assert [fault and fault.mode for fault in hits] == ["silent", "silent", "down"]
    faults.put({"target": "card_core", "mode": "ok"})
    assert faults.listed() == []


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"target": "moon", "mode": "down"},
        {"target": "receipts", "mode": "x"},
        {"target": "receipts", "mode": "down", "x": 1},
        {"target": "receipts", "mode": "down", "number": "13800138000"},
        {"target": "receipts", "mode": "refuse", "share": 0.5},
        {"target": "receipts", "mode": "down", "times": 1},
    ],
)
def test_a_switch_that_is_none_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"fault|target"):
        Faults().put(fault)


@pytest.mark.parametrize(
    "change", [{"x": 1}, {"limits": 1}, {"receipt_delay": "1"}, {"receipt_delay": -1}, {"newest": True}]
)
def test_a_setting_that_is_none_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"setting|kind"):
        Options().changed(change)


def person(number: str = "A12345678", **more: str) -> dict[str, str]:
    row = {"id_number": "430726195207071266", "name": "王芳", "city": "430700", "card_number": number}
    return row | {"bank": "中国建设银行", "card_state": "normal"} | more


def test_loading_a_city_again_keeps_each_card_s_state(tmp_path: Path) -> None:
    cards = Cards(tmp_path / "city.sqlite")
    cards.load([person(card_state="formal_lost")])
    cards.load([person(name="王芳芳")])
    answer = cards.query({"AAC002": "430726195207071266", "AAC003": "王芳芳", "AAB301": "430700"})
    assert [card["state"] for card in answer["data"]] == ["formal_lost"]


@pytest.mark.parametrize("row", [{}, {**person(), "bank": 1}, person(card_state="lost"), "王芳"])
def test_a_row_that_is_none_is_refused(tmp_path: Path, row: object) -> None:
    with pytest.raises(ValueError, match=r"row|card_state"):
        Cards(tmp_path / "city.sqlite").load([row])  # type: ignore[list-item]
