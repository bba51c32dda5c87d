"""How a city lets people change what is recorded of them: the ``[information_change]`` block of its rules.

What is published is little (domain.md, "Information change"): basic data by phone and web without
papers, key data with papers at a counter. The numbers are ours; a city's file replaces any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as form

from gateway.rule_fields import Day, number, text

MOBILE, ADDRESS, POSTCODE, EMAIL = "mobile", "address", "postcode", "email"
PASSWORD, KEY = "password", "key"
ITEMS = (MOBILE, ADDRESS, POSTCODE, EMAIL, PASSWORD, KEY)
REVIEWABLE = (MOBILE, ADDRESS, POSTCODE, EMAIL)  # what has a value that people could look at
CAUSES = ("many_people", "often", "always")  # a city chooses among these
EVER = ("password_alone", "by_helper")  # and these count everywhere


@dataclass(frozen=True, slots=True)
class KeyDatum:
    """Something that is changed with papers only, and which those are."""

    id: str
    name: str
    name_en: str
    papers: tuple[str, ...]
    papers_en: tuple[str, ...]


KEY_DATA = (
    KeyDatum(
        "name",
        "姓名",
        "Name",
        ("身份证原件", "户口簿，变更页有原姓名"),
        ("Your ID card", "The household register with the earlier name on its page of changes"),
    ),
    KeyDatum(
        "id_number",
        "身份证号码",
        "ID number",
        ("身份证原件", "公安机关开的号码变更证明"),
        ("Your ID card", "The police's certificate of the changed number"),
    ),
    KeyDatum(
        "birth_date",
        "出生日期",
        "Birth date",
        ("身份证原件", "户口簿", "最早记载出生日期的个人档案"),
        ("Your ID card", "The household register", "The earliest personal file that has your birth date"),
    ),
    KeyDatum(
        "sex",
        "性别",
        "Sex",
        ("身份证原件", "户口簿"),
        ("Your ID card", "The household register"),
    ),
)


@dataclass(frozen=True, slots=True)
class InformationChange:
    """What can be changed, and what people look at before it counts.

    ``hold_hours`` after another mobile, e-mail address or password, transactions that give
    power away must wait. A change is reviewed where the mobile or e-mail address serves
    ``people_per_address`` others already (*many_people*), after ``changes_per_30_days`` of the
    same item (*often*), and always for ``review_items``; of these causes only the ones in
    ``review`` count. Everywhere a new mobile or e-mail address is reviewed where a password was
    the only proof (*password_alone*) or a grown-up's relative asks (*by_helper*). A review ends
    within ``review_working_days``. ``key_data`` is changed at a counter.
    """

    items: tuple[str, ...] = ITEMS
    hold_hours: int = 24
    people_per_address: int = 5
    changes_per_30_days: int = 2
    review: tuple[str, ...] = CAUSES
    review_items: tuple[str, ...] = ()
    review_working_days: int = 3
    key_data: tuple[KeyDatum, ...] = KEY_DATA
    source: str = ""
    source_date: date | None = None


# --- the form of the block --------------------------------------------------------------------


def _some_of(known: tuple[str, ...], least: int = 0) -> form.List[str]:
    one = form.String(validate=validate.OneOf(known))
    return form.List(one, validate=validate.Length(least, len(known)))


def _papers() -> form.List[str]:
    return form.List(text(r"\S(.{0,78}\S)?"), required=True, validate=validate.Length(1, 8))


class _KeyDatumSchema(Schema):
    id = text(r"[a-z][a-z0-9_]{0,31}", required=True)
    name = text(r"\S(.{0,18}\S)?", required=True)
    name_en = text(r"\S(.{0,33}\S)?", required=True)
    papers = _papers()
    papers_en = _papers()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> KeyDatum:
        if len(data["papers"]) != len(data["papers_en"]):
            raise ValidationError("must name the same papers as papers, in their order", "papers_en")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return KeyDatum(**values)


class InformationChangeSchema(Schema):
    """The block as it stands in a city's file."""

    items = _some_of(ITEMS, least=1)
    hold_hours = number(0, 240)
    people_per_address = number(1, 1000)
    changes_per_30_days = number(1, 100)
    review = _some_of(CAUSES)
    review_items = _some_of(REVIEWABLE)
    review_working_days = number(1, 60)
    key_data = form.List(form.Nested(_KeyDatumSchema), validate=validate.Length(1, 12))
    source = form.String()
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> InformationChange:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        for name in ("items", "review", "review_items", "key_data"):
            given = [getattr(one, "id", one) for one in values.get(name, ())]
            if len(set(given)) < len(given):
                raise ValidationError("names one twice", name)
        return InformationChange(**values)
