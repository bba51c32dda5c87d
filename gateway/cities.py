"""A city's rules as versioned data: one TOML file per city in ``templates/cities``.

Keys above the first ``[[version]]`` hold for every version; a version adds its
own and may replace any of them. A transaction keeps the number of the version
it began under and asks for it again with ``City.rules``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, post_load, validate
from marshmallow import fields as form

from gateway.appointment_rules import Appointment, AppointmentSchema
from gateway.calendars import UNITS, Unit
from gateway.digest_hours import DigestHours, DigestHoursSchema, outside
from gateway.errors import SettingError, UnknownNameError
from gateway.notice_cap import NoticeCap, NoticeCapSchema
from gateway.pension_rules import PensionAuth, PensionAuthSchema
from gateway.rule_fields import Day, Flag, number, text, zone
from gateway.send_windows import SendWindows, SendWindowsSchema

BankSync = Literal["none", "one_way", "two_way"]
SHIPPED = Path(__file__).parents[1] / "templates" / "cities"


@dataclass(frozen=True, slots=True)
class CardLoss:
    """How a temporary loss report works. ``duration`` counts ``unit``s from when it takes effect.

    ``bank_sync``: whether the bank learns of our report (one_way) and we of the
    bank's (two_way). ``remote_cancel_allowed``: release by phone or web, while temporary.
    """

    duration: int = 7
    unit: Unit = "day"
    effective_delay_hours: int = 0
    bank_sync: BankSync = "none"
    remote_cancel_allowed: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class District:
    """A county-level division: its GB/T 2260 code and names."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Hall:
    """A service hall; ``id`` is stable, the rest is what citizens read."""

    id: str
    name: str
    address: str
    hours: str
    name_en: str = ""
    address_en: str = ""
    hours_en: str = ""
    district: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that holds in a city under one version. ``division`` is the prefix of its division codes."""

    city: str
    version: int
    in_force_from: date
    source: str
    name: str
    name_en: str
    division: str
    area_code: str
    signature: str
    hotline: str = "12333"
    time_zone: str = "Asia/Shanghai"
    card_loss: CardLoss = field(default_factory=CardLoss)
    appointment: Appointment = field(default_factory=Appointment)
    pension_auth: PensionAuth = field(default_factory=PensionAuth)
    send_windows: SendWindows = field(default_factory=SendWindows)
    notice_cap: NoticeCap = field(default_factory=NoticeCap)
    digest: DigestHours = field(default_factory=DigestHours)
    halls: tuple[Hall, ...] = ()
    districts: Mapping[str, District] = field(default_factory=dict)

    @property
    def hotline_elsewhere(self) -> str:
        """The hotline as dialled from outside the city: 0736-12333."""
        return f"{self.area_code}-{self.hotline}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class City:
    """A city's versions, oldest first."""

    id: str
    versions: tuple[Rules, ...]

    def rules(self, version: int) -> Rules:
        """The rules of this version; ``UnknownNameError`` if there is none."""
        for rules in self.versions:
            if rules.version == version:
                return rules
        raise UnknownNameError(f"{self.id} has no version {version} of its rules.")

    def rules_now(self, now: datetime) -> Rules:
        """The version in force at this moment, by the city's own date."""
        return self.rules_at(now.astimezone(self.versions[-1].zone).date())

    def midnight(self, now: datetime) -> datetime:
        """When the city's day began."""
        here = now.astimezone(self.rules_now(now).zone)
        return datetime.combine(here.date(), time(), here.tzinfo)

    def rules_at(self, day: date) -> Rules:
        """The rules in force on a day (the city's own date); ``UnknownNameError`` before the first."""
        for rules in reversed(self.versions):
            if rules.in_force_from <= day:
                return rules
        raise UnknownNameError(f"{self.id} has no rules in force on {day}.")


class Cities(dict[str, City]):
    """The cities by id, which is the file's name. An unknown one raises ``UnknownNameError``."""

    def __missing__(self, city: str) -> City:
        raise UnknownNameError(f"There is no city called {city!r}; there are {', '.join(self)}.")


@cache
def shipped() -> Cities:
    """The cities that come with this release; read once."""
    return load(SHIPPED)


def load(folder: Path) -> Cities:
    """Read every city in a folder.

    Raises ``SettingError`` with file, key and reason for the first thing that is wrong.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise SettingError(f"{folder}: holds no city; put one there, like changde.toml.")
    return Cities({path.stem: _city(path) for path in paths})


def _city(path: Path) -> City:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: cannot be read: {error}") from None
    blocks = document.pop("version", None)
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise SettingError(f"{path}: version: there must be at least one [[version]]")
    versions: list[Rules] = []
    for place, block in enumerate(blocks, start=1):
        try:
            rules = _RulesSchema().load({**document, **block, "city": path.stem})
        except ValidationError as error:
            raise SettingError(f"{path}: [[version]] {place}: {_first(error.messages)}") from None
        _follows(path, versions, rules)
        versions.append(rules)
    return City(path.stem, tuple(versions))


def _follows(path: Path, earlier: list[Rules], rules: Rules) -> None:
    """Versions stand in the file in the order they come into force."""
    if not earlier:
        return
    last = earlier[-1]
    if rules.version <= last.version:
        raise SettingError(f"{path}: version: {rules.version} comes after {last.version}; count upwards")
    if rules.in_force_from <= last.in_force_from:
        raise SettingError(
            f"{path}: in_force_from: version {rules.version} must come into force after {last.in_force_from}"
        )


def _first(messages: Any) -> str:
    """The first complaint as ``key.key: reason``."""
    keys: list[str] = []
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        keys.append(str(key))
    reason = messages[0] if isinstance(messages, list) else messages
    return f"{'.'.join(key for key in keys if key != '_schema')}: {reason}"


# --- the form of a file ---------------------------------------------------------------


class _CardLossSchema(Schema):
    duration = number(1, 366)
    unit = form.String(validate=validate.OneOf(UNITS))
    effective_delay_hours = number(0, 240)
    bank_sync = form.String(validate=validate.OneOf(["none", "one_way", "two_way"]))
    remote_cancel_allowed = Flag()
    source = form.String()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> CardLoss:
        return CardLoss(**data)


class _HallSchema(Schema):
    id = text(r"[a-z][a-z0-9_]*", required=True)
    name = text(required=True)
    address = text(required=True)
    hours = text(required=True)
    name_en = text()
    address_en = text()
    hours_en = text()
    district = text(r"[0-9]{6}")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Hall:
        return Hall(**data)


class _DistrictSchema(Schema):
    name = text(required=True)
    name_en = text(required=True)


class _RulesSchema(Schema):
    city = text(r"[a-z][a-z0-9_]*", required=True)
    version = number(1, 1_000_000, required=True)
    in_force_from = Day(required=True)
    source = text(required=True)
    name = text(required=True)
    name_en = text(required=True)
    division = text(r"[0-9]{2}|[0-9]{4}|[0-9]{6}", required=True)
    area_code = text(r"0[0-9]{2,3}", required=True)
    signature = text(r"[^\s【】]{2,12}", required=True)  # what providers take as a signature
    hotline = text(r"[0-9]{5,12}")
    time_zone = form.String(validate=zone)
    card_loss = form.Nested(_CardLossSchema)
    appointment = form.Nested(AppointmentSchema)
    pension_auth = form.Nested(PensionAuthSchema)
    send_windows = form.Nested(SendWindowsSchema)
    notice_cap = form.Nested(NoticeCapSchema)
    digest = form.Nested(DigestHoursSchema)
    halls = form.List(form.Nested(_HallSchema))
    districts = form.Dict(keys=text(r"[0-9]{6}"), values=form.Nested(_DistrictSchema))

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Rules:
        halls = tuple(data.pop("halls", ()))
        districts = {code: District(code, **names) for code, names in data.pop("districts", {}).items()}
        _belong(data["division"], halls, districts)
        rules = Rules(**data, halls=halls, districts=MappingProxyType(districts))
        for hour, channel in outside(rules.digest, rules.send_windows):
            raise ValidationError(f"{hour:%H:%M} is outside the hours of {channel} for notices", "digest")
        return rules


def _belong(division: str, halls: tuple[Hall, ...], districts: Mapping[str, District]) -> None:
    """Codes that contradict each other are refused."""
    for code in districts:
        if not code.startswith(division):
            raise ValidationError(f"{code} does not begin with the division {division}", "districts")
    for hall in halls:
        if hall.district and hall.district not in districts:
            raise ValidationError(f"{hall.id} is in {hall.district}, which is no district here", "halls")
    if len({hall.id for hall in halls}) < len(halls):
        raise ValidationError("two have the same id", "halls")
