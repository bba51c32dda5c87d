"""Fields of a filing, read however people write them: a place, a day, a telephone, an address. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields

from gateway import divisions
from gateway.channels import AddressError, sms
from gateway.divisions import Division
from gateway.transactions.model import Option, Words

LONGEST = 200  # characters of any of them, however it is written
SHORTEST_ADDRESS, LONGEST_ADDRESS = 4, 80
NAMED = 3  # places that are named where a text may mean several
OFFERED = 40  # places that may be picked where a text may mean several

NO_PLACE = Words(
    "没有找到这个地方。请写到县或区，例如“石门县”“上海浦东新区”，或者填6位代码。去国外或港澳台的，请拨12333。",
    "There is no such place. Name the county or district, or write its code of 6 digits. "
    "For Hong Kong, Macao, Taiwan or abroad call 12333.",
)
BAD_DAY = Words(
    "日期不对。请填8位数字，例如2026年12月1日填20261201。",
    "This is no date. Write 8 digits: 20261201 for 1 December 2026.",
)
BAD_TELEPHONE = Words(
    "电话号码不对。请填11位手机号码，或者带区号的座机。",
    "This is no telephone number. Write a mobile of 11 digits, or a landline with its area code.",
)
BAD_ADDRESS = Words(
    "请写清楚街道、小区和门牌号，4到80个字。",
    "Write street, estate and door number, 4 to 80 characters.",
)
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_LANDLINE = re.compile(r"0[0-9]{9,11}")


def plain(text: str) -> str:
    """Full width to plain characters, blanks dropped."""
    return "".join(unicodedata.normalize("NFKC", text).split())


class Place(fields.String):
    """A division below the provinces, by code or name; deserialises to its code."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = divisions.search(super()._deserialize(value, attr, data, **kwargs))
        if not found:
            raise ValidationError([NO_PLACE])
        if len(found) > 1:
            raise ValidationError([_which(found)])
        return found[0].code


def _which(found: Sequence[Division]) -> Words:
    zh = "、".join(f"{one.name}（{one.code}）" for one in found[:NAMED])
    en = ", ".join(f"{one.name} ({one.code})" for one in found[:NAMED])
    more = len(found) > NAMED
    return Words(
        f"有{len(found)}个地方符合：{zh}{'等' if more else ''}。请选一个，或者填它的代码。",
        f"{len(found)} places may be meant: {en}{' …' if more else ''}. Choose one, or write its code.",
    )


def places(text: str) -> Sequence[Option]:
    """What a text may mean, to be picked from."""
    return [Option(one.code, Words(one.name, one.name)) for one in divisions.search(text)[:OFFERED]]


def place(code: str) -> Words:
    """A place by its name, from the province down; a code that is none any more stays a code."""
    found = divisions.named(code)
    return Words(found.name if found else code, found.name if found else code)


class Day(fields.String):
    """A day as people write it: 20261201, 2026-12-1, 2026年12月1日; deserialises to ISO 8601."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        found = _DAY.fullmatch(plain(text)) if len(text) <= LONGEST else None
        try:
            year, month, day = map(int, filter(None, found.groups() if found else ()))
            return date(year, month, day).isoformat()
        except ValueError:
            raise ValidationError([BAD_DAY]) from None


def day(text: str) -> Words:
    """A day in words."""
    if not text:
        return Words("长期", "for good")
    it = date.fromisoformat(text)
    return Words(f"{it.year}年{it.month}月{it.day}日", f"{it.day} {it:%b} {it.year}")


class Telephone(fields.String):
    """A mainland telephone number; deserialises to its digits: 13800138000, 07367255555."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            number = sms.normalise(text)
        except AddressError:
            number = re.sub(r"[-()]", "", plain(text[:LONGEST]))
            if not _LANDLINE.fullmatch(number) or len(text) > LONGEST:
                raise ValidationError([BAD_TELEPHONE]) from None
        if number.startswith("+") and not number.startswith(sms.HOME):
            raise ValidationError([BAD_TELEPHONE])
        return number.removeprefix(sms.HOME)


def telephone(number: str) -> Words:
    """A number as it may stand on a page others can see."""
    return Words(f"尾号{number[-4:]}", f"ending in {number[-4:]}")


class Address(fields.String):
    """Where somebody lives or works, below the division; deserialises to one line."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        line = " ".join(unicodedata.normalize("NFC", text[: LONGEST + 1]).split())
        if len(text) > LONGEST or not SHORTEST_ADDRESS <= len(line) <= LONGEST_ADDRESS:
            raise ValidationError([BAD_ADDRESS])
        if not line.isprintable() or not any(letter.isalpha() for letter in line):
            raise ValidationError([BAD_ADDRESS])
        return line
