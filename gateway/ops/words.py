"""What operators read: lanes, statuses and causes by name, and what to do about each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.delivery.route_book import Event
from gateway.notifications.reasons import Reason
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.traffic.breaker import Mode, Why
from gateway.transactions.model import Words

CHANNELS: Mapping[str, Words] = {
    "sms": Words("短信", "SMS"),
    "voice": Words("语音", "voice"),
    "email": Words("邮件", "e-mail"),
}
_URGENCIES: Mapping[str, Words] = {
    "urgent": Words("加急", "urgent"),
    "normal": Words("普通", "normal"),
    "bulk": Words("群发", "bulk"),
    "test": Words("测试", "test"),
}
_WORK: Mapping[str, Words] = {
    "transactions": Words("业务系统办理", "back offices"),
    "receipts": Words("回执入库", "receipts"),
}
CLASSES: Mapping[Class, Words] = {
    Class.CODE: Words("验证码", "code"),
    Class.RESULT: Words("结果通知", "result"),
    Class.REMINDER: Words("提醒", "reminder"),
    Class.NOTICE: Words("群发通知", "notice"),
}
STATUSES: Mapping[Status, Words] = {
    Status.FAILED: Words("失败", "failed"),
    Status.UNDELIVERED: Words("未送达", "undelivered"),
    Status.EXPIRED: Words("过期", "expired"),
}
ENDS: Mapping[Status, Words] = {
    **STATUSES,
    Status.WAITING: Words("等待发送", "waiting"),
    Status.SENDING: Words("发送中", "being sent"),
    Status.ACCEPTED: Words("没有回执", "no receipt"),
    Status.UNKNOWN: Words("不明", "unknown"),
    Status.DELIVERED: Words("送达", "delivered"),
    Status.SUPPRESSED: Words("没发", "not sent"),
    Status.CANCELLED: Words("已取消", "cancelled"),
}
OUTCOMES: Mapping[str, Words] = {
    "accepted": Words("已受理", "accepted"),
    "throttled": Words("限流", "throttled"),
    "rejected": Words("拒绝", "rejected"),
    "unreachable": Words("连不上", "unreachable"),
    "unknown": Words("不明", "unknown"),
}

BREAKERS: Mapping[str, Words] = {
    Mode.CLOSED: Words("正常", "in use"),
    Mode.OPEN: Words("暂不使用", "left alone"),
    Mode.HALF_OPEN: Words("试发中", "being probed"),
}
_CHANGES: Mapping[str, Words] = {
    Why.ACCOUNT: Words("账户停用或欠费", "account blocked or empty"),
    Why.FAILING: Words("失败太多", "failing"),
    Why.SLOW: Words("比别家慢得多", "much slower than the others"),
    Why.PROBING: Words("到时再试", "time to try again"),
    Why.RECOVERED: Words("试发成功", "probes went well"),
    Why.STATE_LOST: Words("状态丢失，重新开始", "state lost, begun anew"),
    Event.CLEARED: Words("取消临时权重", "override cleared"),
    Event.EXPIRED: Words("临时权重到期", "override expired"),
}

_HEARD = re.compile(r"(\d+) calls, (\d+) failed, (\d+) blocked")


def change(why: str) -> Words:
    """Why a provider's state or weight changed; an operator's own words stay as they are."""
    if why in _CHANGES:
        return _CHANGES[why]
    own = why.removeprefix(f"{Event.SET}: ")
    return Words(f"临时权重：{own}", f"override: {own}")


def heard(counts: str) -> Words:
    """What was heard of a provider's calls before its state changed, as the history keeps it."""
    return Words(_HEARD.sub(r"\1次调用，\2次失败，\3次因账号被拒", counts), counts)


def lane(name: str) -> Words:
    """短信加急 SMS urgent."""
    if name in _WORK:
        return _WORK[name]
    channel, _, urgency = name.partition(".")
    one = CHANNELS.get(channel, Words(channel, channel))
    other = _URGENCIES.get(urgency, Words(urgency, urgency))
    return Words(f"{one.zh}{other.zh}", f"{one.en} {other.en}")


# --- why something died ------------------------------------------------------------------------

# By a piece of the code, the first that fits; the vendors' own words are in providers' documents.
_CAUSES: tuple[tuple[str, Words], ...] = (
    ("cannot_be_opened", Words(
        "数据打不开：主密钥不对，或数据损坏。先核对 HUIYIN_MASTER_KEY，不要重发。",
        "A cell cannot be opened: another master key, or damage. Check HUIYIN_MASTER_KEY; do not replay.",
    )),
    ("cannot_be_rendered", Words(
        "模板里有变量没有值。先改模板，再重发。",
        "The text asks for a value that was not given. Mend the template, then replay.",
    )),
    ("no_address", Words(
        "没有手机号或邮箱。请补登记，再重发。",
        "There is no address in the register. Have it registered, then replay.",
    )),
    ("too_late", Words(
        "过了有效时间还没能发出：多半是通道停过。通道恢复后可以重发。",
        "Its time passed before it could go: a lane stood still. Replay once it runs.",
    )),
    ("AMOUNT_NOT_ENOUGH", Words(
        "供应商账户没有余额。先充值，再重发。", "The provider's account is empty. Top it up, then replay.",
    )),
    ("ARREARS", Words("供应商账户欠费。先充值，再重发。", "The account is in arrears. Pay, then replay.")),
    ("OUT_OF_SERVICE", Words(
        "供应商账户已停用。先恢复账户，再重发。", "The account is suspended. Restore it, then replay.",
    )),
    ("TEMPLATE", Words(
        "供应商不认这个模板。先看模板审核，再重发。",
        "The provider refuses the template. Look at its review, then replay.",
    )),
    ("SIGN", Words(
        "供应商不认这个签名。先核对签名，再重发。",
        "The provider refuses the signature. Check it, then replay.",
    )),
    ("BLACK", Words(
        "内容或号码在供应商的黑名单里。改文字或换供应商，再重发。",
        "The text or number is on the provider's black list. Change one, then replay.",
    )),
    ("MOBILE", Words(
        "供应商说号码不对。多半是登记的号码有误，重发没有用，请核对登记。",
        "The provider says the number is wrong. Check the register; a replay alone does not help.",
    )),
    ("expired", Words(
        "供应商那边过期了。通道恢复后可以重发。", "It expired at the provider. Replay once all is well.",
    )),
)  # fmt: skip
_UNDELIVERED = Words(
    "运营商报告没有送到：关机、停机或空号。可以重发一次；再不行请换电话或窗口通知。",
    "It did not arrive: switched off, suspended, or no such number. Replay once, then call.",
)
_OTHER = Words(
    "供应商的原话见代码。先在供应商的控制台查清，再重发。",
    "The code is the provider's own word. Find out in its console, then replay.",
)
CODES_ARE_OVER = Words(
    "验证码不重发：早已过期，市民会自己再要一个。",
    "Codes are never replayed: they are long out of date, and people ask for another.",
)
REMINDERS_ARE_OVER = Words(
    "提醒不重发：说的日子会过去，下一次提醒到时另行判断。请先按代码排除原因。",
    "Reminders are never replayed: their day passes, and the next one is judged by itself. Remove the cause.",
)


# What of a message was too much for every provider, by the limit's name in ``messages.Limits``.
_LIMITS: Mapping[str, Words] = {
    "text": Words("正文太长", "its text is too long"),
    "json": Words("要念的内容太长", "it is too long to be spoken"),
    "variable": Words("变量“{field}”太长", "the value of {field} is too long"),
    "empty": Words("变量“{field}”是空的", "the value of {field} is empty"),
    "links": Words("正文里有网址", "there is a web address in its text"),
    "links_in_values": Words("变量“{field}”里有网址", "there is a web address in the value of {field}"),
    "countries": Words("号码在供应商到不了的国家或地区", "its number is in a country none of them reaches"),
    "files": Words("附件太大", "its attachments are too large"),
}


def too_much(reason: str) -> Words | None:
    """What no provider could carry of a message that failed for it; None for any other reason."""
    mark, _, what = reason.partition(":")
    limit, _, field = what.partition(":")
    if mark != Reason.CANNOT_CARRY or limit not in _LIMITS:
        return None
    said = _LIMITS[limit]
    zh, en = (words.replace("{field}", field) for words in (said.zh, said.en))
    return Words(f"没有供应商能发：{zh}", f"no provider can carry it: {en}")


def cause(status: Status, klass: Class, reason: str) -> Words:
    """What a cause means and what to do, in a sentence or two."""
    if klass is Class.CODE:
        return CODES_ARE_OVER
    if klass is Class.REMINDER:
        return REMINDERS_ARE_OVER
    if beyond := too_much(reason):
        return Words(
            f"{beyond.zh}。改好后重新发起，原样重发没有用。",
            f"{beyond.en[0].upper()}{beyond.en[1:]}. Mend it and ask anew; a replay alone does not help.",
        )
    for piece, words in _CAUSES:
        if piece in reason:
            return words
    return _UNDELIVERED if status is Status.UNDELIVERED else _OTHER
