"""A city's rules: every version it ever had, and which one holds on a day.

A transaction keeps the number of the version it began under and asks for it
again with ``City.rules``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from gateway import calendars
from gateway.appointment_rules import Appointment
from gateway.calendars import Calendar
from gateway.card_rules import CardLoss
from gateway.digest_hours import DigestHours
from gateway.errors import UnknownNameError
from gateway.filing_rules import Filing
from gateway.hotline_rules import HotlineHours
from gateway.identity_rules import Identity
from gateway.information_rules import InformationChange
from gateway.notice_cap import NoticeCap
from gateway.payment_rules import PensionPayment
from gateway.pension_rules import PensionAuth
from gateway.referral_rules import REFERRALS, Referral
from gateway.send_windows import SendWindows
from gateway.transfer_rules import RelationTransfer
from gateway.work_order_rules import WorkOrder


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
class Source:
    """Where a rule stands, and of when that is: the day it was issued, or read where it bears none."""

    source: str
    source_date: date | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """All that holds in a city under one version. ``division`` is the prefix of its division codes.

    A block has a source of its own; ``sources`` has those of single rules (``card_loss.unit``) and of
    parts that are no block. What has none stands where the version does. ``given`` is what the file
    says, as written there: what it leaves out is ours. ``calendar`` belongs to no version: it is the
    country's, as it is known now.
    """

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
    identity: Identity = field(default_factory=Identity)
    card_loss: CardLoss = field(default_factory=CardLoss)
    appointment: Appointment = field(default_factory=Appointment)
    information_change: InformationChange = field(default_factory=InformationChange)
    pension_auth: PensionAuth = field(default_factory=PensionAuth)
    pension_payment: PensionPayment = field(default_factory=PensionPayment)
    relation_transfer: RelationTransfer = field(default_factory=RelationTransfer)
    filing: Filing = field(default_factory=Filing)
    hotline_hours: HotlineHours = field(default_factory=HotlineHours)
    work_order: WorkOrder = field(default_factory=WorkOrder)
    send_windows: SendWindows = field(default_factory=SendWindows)
    notice_cap: NoticeCap = field(default_factory=NoticeCap)
    digest: DigestHours = field(default_factory=DigestHours)
    referrals: tuple[Referral, ...] = REFERRALS
    halls: tuple[Hall, ...] = ()
    districts: Mapping[str, District] = field(default_factory=dict)
    source_date: date | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    calendar: Calendar = field(default_factory=calendars.shipped, compare=False, repr=False)

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

    def by(self, calendar: Calendar) -> City:
        """The same city, with its days counted by this calendar."""
        return City(self.id, tuple(replace(rules, calendar=calendar) for rules in self.versions))

    def rules(self, version: int) -> Rules:
        """The rules of this version; ``UnknownNameError`` if there is none."""
        for rules in self.versions:
            if rules.version == version:
                return rules
        there = ", ".join(str(rules.version) for rules in self.versions)
        raise UnknownNameError(f"{self.id} has no version {version} of its rules; there are {there}.")

    def rules_now(self, now: datetime) -> Rules:
        """The version in force at this moment, each by the date of its own zone."""
        for rules in reversed(self.versions):
            if rules.in_force_from <= now.astimezone(rules.zone).date():
                return rules
        raise UnknownNameError(f"{self.id} has no rules in force on {now:%Y-%m-%d}.")

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
