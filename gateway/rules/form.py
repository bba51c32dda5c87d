"""The form of a city's file: what may stand in a version, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, post_load
from marshmallow import fields as form

from gateway import referral_rules
from gateway.appointment_rules import AppointmentSchema
from gateway.card_rules import CardLossSchema
from gateway.digest_hours import DigestHoursSchema, outside
from gateway.filing_rules import FilingSchema
from gateway.hotline_rules import HotlineHoursSchema
from gateway.identity_rules import IdentitySchema
from gateway.information_rules import InformationChangeSchema
from gateway.notice_cap import NoticeCapSchema
from gateway.payment_rules import PensionPaymentSchema
from gateway.pension_rules import PensionAuthSchema
from gateway.referral_rules import ReferralSchema
from gateway.rule_fields import Day, number, text, zone
from gateway.rules.model import District, Hall, Rules, Source
from gateway.send_windows import SendWindowsSchema
from gateway.transfer_rules import RelationTransferSchema
from gateway.work_order_rules import WorkOrderSchema


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


class _SourceSchema(Schema):
    source = text(required=True)
    source_date = Day()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Source:
        return Source(**data)


class RulesSchema(Schema):
    """One version: its own keys over those above all versions, and the city's id."""

    city = text(r"[a-z][a-z0-9_]*", required=True)
    version = number(1, 1_000_000, required=True)
    in_force_from = Day(required=True)
    source = text(required=True)
    source_date = Day()
    sources = form.Dict(keys=text(r"[a-z0-9_]+(\.[a-z0-9_]+)*"), values=form.Nested(_SourceSchema))
    name = text(required=True)
    name_en = text(required=True)
    division = text(r"[0-9]{2}|[0-9]{4}|[0-9]{6}", required=True)
    area_code = text(r"0[0-9]{2,3}", required=True)
    signature = text(r"[^\s【】]{2,12}", required=True)  # what providers take as a signature
    hotline = text(r"[0-9]{5,12}")
    time_zone = form.String(validate=zone)
    identity = form.Nested(IdentitySchema)
    card_loss = form.Nested(CardLossSchema)
    appointment = form.Nested(AppointmentSchema)
    information_change = form.Nested(InformationChangeSchema)
    pension_auth = form.Nested(PensionAuthSchema)
    pension_payment = form.Nested(PensionPaymentSchema)
    relation_transfer = form.Nested(RelationTransferSchema)
    filing = form.Nested(FilingSchema)
    hotline_hours = form.Nested(HotlineHoursSchema)
    work_order = form.Nested(WorkOrderSchema)
    send_windows = form.Nested(SendWindowsSchema)
    notice_cap = form.Nested(NoticeCapSchema)
    digest = form.Nested(DigestHoursSchema)
    referrals = form.List(form.Nested(ReferralSchema))
    halls = form.List(form.Nested(_HallSchema))
    districts = form.Dict(keys=text(r"[0-9]{6}"), values=form.Nested(_DistrictSchema))

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Rules:
        halls = tuple(data.pop("halls", ()))
        if "referrals" in data:
            data["referrals"] = tuple(data["referrals"])
            referral_rules.check(data["referrals"])
        districts = {code: District(code, **names) for code, names in data.pop("districts", {}).items()}
        _belong(data["division"], halls, districts)
        sources = MappingProxyType(data.pop("sources", {}))
        rules = Rules(**data, halls=halls, districts=MappingProxyType(districts), sources=sources)
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
