"""What happened to one matter: by reference, by message id, or by the address messages went to.

What is typed is sent in a form, never in an address line, and never shown again
in full. Each look is on record: a reference or an id as it is, an address only by
the citizens whose messages went there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from gateway import audit, channels
from gateway.channels import AddressError
from gateway.delivery import explain, why
from gateway.ops import page, timeline
from gateway.ops.timeline import Line
from gateway.runtime import Runtime
from gateway.security import mask_mobile, redact
from gateway.transactions.model import Words
from gateway.transactions.references import REFERENCE_DIGITS

LONGEST = 120  # characters taken; more is nobody's number

NOT_UNDERSTOOD = Words(
    "请填14位编号、消息编号（UUID），或手机号、邮箱。",
    "Type a 14-digit reference, a message id (UUID), a mobile number or an e-mail address.",
)
NOTHING = Words(
    "没有找到。请和来电人逐位核对。", "Nothing found. Compare it with the caller, digit by digit."
)
# What happened to a transaction or a message, by its word in the timeline.
EVENTS: Mapping[str, Words] = {
    "created": Words("开始办理", "begun"),
    "code_sent": Words("验证码已发", "code sent"),
    "code_right": Words("验证码正确", "code right"),
    "code_wrong": Words("验证码不对", "code wrong"),
    "submitted": Words("已提交", "submitted"),
    "resumed": Words("接着办理", "resumed"),
    "succeeded": Words("办好了", "done"),
    "already_done": Words("之前已办好", "done before"),
    "rejected": Words("业务系统拒绝", "refused by the back office"),
    "failed": Words("没有办成", "failed"),
    "cancelled": Words("已取消", "cancelled"),
    "checked_in": Words("到大厅签到", "checked in at the hall"),
    "check_in_undone": Words("签到撤回：按错了", "check-in undone: the wrong number"),
    "served": Words("在大厅办理了", "seen at the hall"),
    "no_show": Words("没有来", "did not come"),
    "excused": Words("没有来，不计", "did not come, excused"),
    "told_waiting": Words("已告知要等", "told to wait"),
    "answered": Words("市民答复了", "answered by the citizen"),
    "reminded": Words("已提醒", "reminded"),
    "reminder_planned": Words("计划提醒", "reminder planned"),
    "reminder_told": Words("提醒", "reminder"),
    "reminder_dropped": Words("提醒没有发", "reminder dropped"),
    "reminder_moved": Words("提醒改了时间", "reminder moved"),
    "message_taken": Words("消息已接收", "message taken"),
    "receipt_delivered": Words("回执：已送达", "receipt: delivered"),
    "receipt_undelivered": Words("回执：未送达", "receipt: undelivered"),
    "message_delivered": Words("消息已送达", "message delivered"),
    "message_undelivered": Words("消息未送达", "message undelivered"),
    "message_failed": Words("消息失败", "message failed"),
    "message_expired": Words("消息过期", "message expired"),
    "message_suppressed": Words("消息没有发：不该发或没有地址", "message suppressed"),
    "message_cancelled": Words("消息已撤回", "message withdrawn"),
    "message_accepted": Words("没有等到回执", "no receipt came"),
    "message_unknown": Words("一直不明", "left unknown"),
}
# The same of an attempt, whose words a transaction uses otherwise.
ATTEMPTS: Mapping[str, Words] = {
    "handing_over": Words("交给供应商", "handed over"),
    "accepted": Words("供应商已受理", "accepted"),
    "throttled": Words("供应商限流", "throttled"),
    "rejected": Words("供应商拒绝", "rejected"),
    "unreachable": Words("连不上供应商", "unreachable"),
    "unknown": Words("结果不明", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was looked up, as it may stand on a page, what happened to it, and why it is where it is."""

    title: Words
    lines: Sequence[Line] | None
    why: why.Words | None = None


def add(routes: Blueprint, runtime: Runtime) -> None:
    """``/ops/look-up``."""

    @routes.get("/look-up")
    def look_up() -> ResponseReturnValue:
        return render_template("ops/look_up.html", answer=None, error=None)

    @routes.post("/look-up")
    def looked_up() -> ResponseReturnValue:
        given = _plain(request.form.get("what", "")[:LONGEST])
        with runtime.db.write() as tx:
            answer = _answer(tx, runtime, given)
        if answer is None or not answer.lines:
            error = NOT_UNDERSTOOD if answer is None else NOTHING
            return render_template(
                "ops/look_up.html", answer=None, error=error
            ), 422 if answer is None else 404
        return render_template("ops/look_up.html", answer=answer, lines=_shown(runtime, answer), error=None)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _answer(tx: Connection, runtime: Runtime, given: str) -> Answer | None:
    """None for what is none of the three."""
    if len(given) == REFERENCE_DIGITS and given.isascii() and given.isdigit():
        _record(tx, runtime, "reference", given)
        title = Words(f"编号 {given}", f"Reference {given}")
        return Answer(title, timeline.of_reference(tx, runtime, given))
    key = _id(given)
    if key:
        _record(tx, runtime, "message", str(key))
        found = explain.of(tx, runtime, key)
        title, lines = Words(f"消息 {key}", f"Message {key}"), timeline.of_message(tx, key)
        return Answer(title, lines, found.why.said if found else None)
    return _at_address(tx, runtime, given)


def _at_address(tx: Connection, runtime: Runtime, given: str) -> Answer | None:
    channel = channels.load("email" if "@" in given else "sms")
    try:
        address = channel.normalise(given)
    except AddressError:
        return None
    found = timeline.of_address(tx, runtime, channel.ADDRESS, address)
    whose = ", ".join(map(str, found.citizens[:2])) or "nobody registered"
    _record(tx, runtime, channel.ADDRESS, f"{found.messages} messages of {whose}")
    shown = mask_mobile(address) if channel.ADDRESS == "mobile" else "***"
    title = Words(
        f"发往 {shown} 的最近{found.messages}条消息", f"The last {found.messages} messages to {shown}"
    )
    return Answer(title, found.lines)


def _shown(runtime: Runtime, answer: Answer) -> list[tuple[str, str, Words | None, str]]:
    where = page.zone(runtime)
    return [
        (page.date_time(line.at, where), line.what, _word(line), redact(line.detail))
        for line in answer.lines or ()
    ]


def _word(line: Line) -> Words | None:
    of_attempt = " hand-over " in line.detail and line.what in ATTEMPTS
    return ATTEMPTS[line.what] if of_attempt else EVENTS.get(line.what)


def _record(tx: Connection, runtime: Runtime, what: str, subject: str) -> None:
    audit.record(tx, runtime.vault, runtime.clock(), g.operator, f"look_up.{what}", subject)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
