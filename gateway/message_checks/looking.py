"""What was sent to a number on a day, told so that it says nothing but what kind of message it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from gateway.back_offices import Done, StepOutcome
from gateway.channels import sms
from gateway.content.store import templates
from gateway.delivery.store import attempts
from gateway.message_checks import fields, words
from gateway.message_checks.fields import BY_CODE
from gateway.notifications import check_codes
from gateway.notifications.check_codes import check_codes as codes
from gateway.notifications.request import Class
from gateway.notifications.store import notifications
from gateway.services.store import services
from gateway.transactions import registry
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, Words

MOST = 10  # told one by one; of more only how many


def perform(desk: Desk, case: Case) -> StepOutcome:
    """Look; nothing is changed, so it may be repeated."""
    if case.answers["way"] == BY_CODE:
        return Done(_of_code(desk, case))
    return Done(_of_number(desk, case))


def _of_code(desk: Desk, case: Case) -> dict[str, str]:
    code = case.answers["check_code"]
    row = check_codes.find(desk.tx, code)
    if row is None:
        return {"code": code}
    day = row.begun_at.astimezone(case.rules.zone).date()
    return {"code": code, "title": row.title, "title_en": row.title_en, "since": day.isoformat()}


def _of_number(desk: Desk, case: Case) -> dict[str, str]:
    day, mobile = fields.day_of(case.answers), case.answers["mobile"]
    assert day is not None  # all is answered
    begin = datetime.combine(day, time(), case.rules.zone)
    end = datetime.combine(day + timedelta(days=1), time(), case.rules.zone)
    index = desk.runtime.vault.index(sms.ADDRESS, mobile)
    rows = [row for row in _sent(desk.tx, index, begin, end) if row.transaction_id != case.id]
    found = [[f"{row.at.astimezone(case.rules.zone):%H:%M}", *_said(row)] for row in rows[:MOST]]
    facts = {"number": mobile, "day": day.isoformat(), "count": str(len(rows))}
    return {**facts, "found": json.dumps(found, ensure_ascii=False)}


def _sent(tx: Connection, index: bytes, begin: datetime, end: datetime) -> Sequence[Row[Any]]:
    """Messages handed over to a number within that time, each once, the first one first."""
    tried, one = attempts.c, notifications.c
    query = (
        select(
            tried.started_at.label("at"),
            one.id,
            one.channel,
            one.klass,
            one.transaction_id,
            templates.c.name.label("template"),
            codes.c.title,
            codes.c.title_en,
            services.c.name.label("service"),
        )
        .join(notifications, one.id == tried.notification_id)
        .outerjoin(templates, templates.c.id == one.template_id)
        .outerjoin(codes, codes.c.broadcast_id == one.broadcast_id)
        .outerjoin(services, services.c.id == one.service_id)
        .where(tried.address_index == index, tried.started_at >= begin, tried.started_at < end)
    )
    rows = tx.execute(query.order_by(tried.started_at, one.id)).all()
    return list({row.id: row for row in reversed(rows)}.values())[::-1]


def _said(row: Row[Any]) -> tuple[str, str, str, str]:
    """Channel and what it was about, in both languages; never what it said."""
    channel = words.CHANNELS.get(row.channel, words.CHANNELS["sms"])
    what = _about(row)
    return channel.zh, channel.en, what.zh, what.en


def _about(row: Row[Any]) -> Words:
    kind = words.KINDS.get(Class(row.klass), words.KINDS[Class.RESULT])
    family = (row.template or "").partition("/")[0]
    if row.title:
        return Words(f"政策通知《{row.title}》", f"a notice: {row.title_en or row.title}")
    if family in registry.types():
        if registry.get(family).discreet:  # whoever holds the telephone may not be whose matter it is
            return kind
        title = registry.get(family).title
        return Words(f"{kind.zh}（{title.zh}）", f"{kind.en} ({title.en})")
    if row.service:
        return Words(f"{row.service}的{kind.zh}", f"{kind.en} from {row.service}")
    return kind
