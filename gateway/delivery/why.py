"""Why a notification is where it is and when it moves, in one sentence. Pure.

A sentence is the status, the reason, and what comes next. Every ``Reason`` has its words here,
and so has a vendor's code in every status: there is no notification without a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.notifications.reasons import Reason
from gateway.notifications.status import Status


@dataclass(frozen=True, slots=True)
class Words:
    """In Chinese, with English beside it."""

    zh: str
    en: str

    def __add__(self, other: Words) -> Words:
        return Words(self.zh + other.zh, self.en + other.en)


@dataclass(frozen=True, slots=True)
class Why:
    """The sentence, and when the notification moves by itself; None: it does not, or not by the clock."""

    said: Words
    moves_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All an explanation looks at.

    ``provider`` and ``code`` are those of the newest attempt, the receipt's code before the
    answer's. ``paused`` tells what holds it still and by whom; ``opens_at`` when its window opens, None
    where it is open when it is due; ``obstacles`` why each provider of its channel cannot carry it.
    ``waits_with`` is how many others of its person wait for the same digest, None where it waits for none;
    ``told_with`` how many its last message told besides.
    """

    status: Status
    reason: str | None
    channel: str
    lane: str
    now: datetime
    zone: ZoneInfo
    expires_at: datetime
    due_at: datetime | None = None
    completed_at: datetime | None = None
    provider: str = ""
    code: str = ""
    paused: tuple[str, str] | None = None
    opens_at: datetime | None = None
    obstacles: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False
    waits_with: int | None = None
    told_with: int = 0


CHANNELS = {"sms": Words("短信", "SMS"), "voice": Words("语音", "voice"), "email": Words("邮件", "e-mail")}
STATUSES = {
    Status.WAITING: Words("等待中", "waiting"),
    Status.SENDING: Words("正在发送", "sending"),
    Status.ACCEPTED: Words("供应商已受理", "accepted"),
    Status.DELIVERED: Words("已送达", "delivered"),
    Status.UNDELIVERED: Words("未送达", "undelivered"),
    Status.UNKNOWN: Words("结果不明", "unknown"),
    Status.EXPIRED: Words("已过期", "expired"),
    Status.SUPPRESSED: Words("没有发", "suppressed"),
    Status.CANCELLED: Words("已撤回", "cancelled"),
    Status.FAILED: Words("失败", "failed"),
}
REASONS: Mapping[Reason, Words] = {
    Reason.OUTSIDE_WINDOW: Words("现在不是本市发{channel}的时段", "the city's {channel} window is closed"),
    Reason.CALLEE_CAP: Words("近来给此人打的电话已够多", "this person was called often enough lately"),
    Reason.FREQUENCY_CAP: Words("近来给此人的通知已够多", "this person had enough notices lately"),
    Reason.DIGEST: Words("等着同此人的其他通知合成一条", "it waits for a digest of its person's notices"),
    Reason.NOT_JOINED: Words("它不能同别的通知合成一条发", "it cannot go together with others"),
    Reason.NO_PROVIDER: Words(
        "没有供应商现在能发（{obstacles}）", "no provider can carry it now ({obstacles})"
    ),
    Reason.NUMBER_CAP: Words(
        "各家供应商近来给这个号码发得已够多", "every provider had this number often enough lately"
    ),
    Reason.RATE: Words("供应商每秒的额度用满了", "the providers' rate is used up for now"),
    Reason.QUOTA: Words("供应商今天的额度用满了", "the providers' quota of the day is used up"),
    Reason.AWAY: Words("上次没有人接", "nobody was there the last time"),
    Reason.NOT_TRIED: Words("上次没有轮到它", "its turn did not come the last time"),
    Reason.NEVER_TAKEN: Words("{provider}说没有收到过", "{provider} says that it never had it"),
    Reason.WORKER_LOST: Words(
        "{provider}的答复随工作进程丢失", "the answer of {provider} was lost with a worker"
    ),
    Reason.PROVIDER_BUG: Words("我们接{provider}的程序出错", "our code for {provider} failed"),
    Reason.OUR_BUG: Words(
        "我们的程序在交给{provider}时出错", "our code failed around the call to {provider}"
    ),
    Reason.CANNOT_ASK: Words(
        "{provider}没有答复，也不能查询", "{provider} did not answer and cannot be asked"
    ),
    Reason.NO_RECEIPT: Words("{provider}没有按时回执", "no receipt of {provider} came in time"),
    Reason.TOO_LATE: Words("没能在有效时间内发出", "it could not go out in its time"),
    Reason.NO_ADDRESS: Words("登记里没有可用的联系方式", "the register has no address for it"),
    Reason.OPTED_OUT: Words("收件人已退订", "its recipient opted out"),
    Reason.COMPLAINT: Words("收件人投诉过", "its recipient complained"),
    Reason.DEAD_ADDRESS: Words("这个号码或邮箱近来都送不到", "nothing arrives at its address lately"),
    Reason.NOT_WANTED: Words(
        "收件人选择不要这类消息", "its recipient chose not to get this kind on this channel"
    ),
    Reason.CANNOT_OPEN: Words(
        "存的数据打不开（主密钥不对或数据损坏）",
        "a stored cell cannot be opened (another master key, or damage)",
    ),
    Reason.CANNOT_RENDER: Words("模板里有变量没有值", "its text asks for a value that was not given"),
    Reason.CANNOT_CARRY: Words(
        "超出每家供应商的限制（{detail}）", "it is beyond the limits of every provider ({detail})"
    ),
    Reason.USED: Words("验证码已经用不着了", "the code is not needed any more"),
    Reason.REPLACED: Words("后来的验证码代替了它", "a newer code took its place"),
    Reason.WITHDRAWN: Words("整个群发已取消", "its broadcast was cancelled"),
    Reason.OPERATOR_CANCELLED: Words("值班人员撤回了它", "an operator withdrew it"),
}
# Where no reason of ours stands: what a vendor's code means in this status, and what it means without one.
_BY_CODE = {
    Status.WAITING: Words("{provider}上次说{code}", "{provider} said {code} the last time"),
    Status.UNKNOWN: Words("{provider}没有说清（{code}）", "{provider} gave no clear answer ({code})"),
    Status.UNDELIVERED: Words("{provider}报告{code}", "{provider} reports {code}"),
    Status.EXPIRED: Words(
        "{provider}上次说{code}，再试就过了有效时间",
        "{provider} said {code}, and another try would be too late",
    ),
    Status.FAILED: Words("{provider}以{code}拒绝，不会再收", "{provider} refused it for good with {code}"),
}
_CODE = Words("原因是{code}", "the reason is {code}")
_PLAIN = {
    Status.WAITING: Words("还没有试过", "it was not tried yet"),
    Status.SENDING: Words("正交给{provider}", "it is being handed over to {provider}"),
    Status.ACCEPTED: Words("{provider}已收下", "{provider} took it"),
    Status.DELIVERED: Words("{provider}报告已到", "{provider} reports that it arrived"),
    Status.UNDELIVERED: Words("{provider}报告没有到", "{provider} reports that it did not arrive"),
    Status.UNKNOWN: Words("{provider}没有答复", "{provider} did not answer"),
}
_NOTHING_SAID = Words("没有记下原因", "no reason was kept")
_OBSTACLES = {
    "paused": Words("已暂停", "paused"),
    "left_out": Words("被值班人员停用", "left out by an operator's weights"),
    "pending": Words("模板在审核", "text under review"),
    "refused": Words("模板未通过", "text refused"),
    "mismatch": Words("模板变量不一致", "text has other variables there"),
    "unknown_text": Words("没有报备这个模板", "text not registered"),
    "able": Words("现在可用", "able now"),
}
_CLOSED = Words("这个渠道没有开通", "the channel is closed")


def explain(facts: Facts) -> Why:
    """The one sentence about a notification with these facts."""
    reason, following, moves_at = _parts(facts)
    said = (
        STATUSES[facts.status] + Words("：", ": ") + reason + Words("；", "; ") + following + Words("。", ".")
    )
    return Why(said, moves_at)


def _parts(facts: Facts) -> tuple[Words, Words, datetime | None]:
    """Why it is there, what comes next, and when."""
    match facts.status:
        case Status.WAITING:
            return _waiting(facts)
        case Status.SENDING | Status.UNKNOWN | Status.ACCEPTED:
            return _reason(facts), *_under_way(facts)
        case _:
            return _reason(facts), _over(facts), None


# --- why -----------------------------------------------------------------------------------


def _reason(facts: Facts) -> Words:
    if not (n := facts.told_with):
        return _alone(facts)
    return _alone(facts) + Words(f"（同另外{n}条合成一条）", f" (in one message with {n} more)")


def _alone(facts: Facts) -> Words:
    if (n := facts.waits_with) is not None:
        return REASONS[Reason.DIGEST] + Words(f"（现有另外{n}条）", f", with {n} more so far")
    if facts.reason is None:
        return _fill(_PLAIN.get(facts.status, _NOTHING_SAID), facts)
    word, _, detail = facts.reason.partition(":")
    if word in REASONS:
        return _fill(REASONS[Reason(word)], facts, detail)
    theirs = facts.provider and facts.reason == facts.code
    return _fill(_BY_CODE.get(facts.status, _CODE) if theirs else _CODE, facts, code=facts.reason)


def _fill(words: Words, facts: Facts, detail: str = "", code: str = "") -> Words:
    channel, obstacles = CHANNELS.get(facts.channel, Words(facts.channel, facts.channel)), _obstacles(facts)
    provider = Words(facts.provider or "供应商", facts.provider or "a provider")
    values = {"detail": detail or "-", "code": code or facts.code or "-"}
    zh = words.zh.format(channel=channel.zh, provider=provider.zh, obstacles=obstacles.zh, **values)
    en = words.en.format(channel=channel.en, provider=provider.en, obstacles=obstacles.en, **values)
    return Words(zh, en)


def _obstacles(facts: Facts) -> Words:
    if not facts.obstacles:
        return _CLOSED
    told = [(name, _OBSTACLES[why]) for name, why in sorted(facts.obstacles.items())]
    return Words(
        "，".join(f"{name}{why.zh}" for name, why in told),
        ", ".join(f"{name}: {why.en}" for name, why in told),
    )


# --- what comes next -------------------------------------------------------------------------


def _waiting(facts: Facts) -> tuple[Words, Words, datetime | None]:
    """A pause tells more than the reason left by the try before; so does a window that has closed."""
    if facts.expires_at <= facts.now:
        return _out_of_time(facts)
    if facts.paused:
        what, actor = facts.paused
        ends = _at(facts, facts.expires_at)
        held = Words(f"{actor}暂停了{what}", f"{what} is paused by {actor}")
        goes = Words(f"恢复后才发，{ends}作废", f"it goes when that is resumed, and expires at {ends}")
        return held, goes, None
    if facts.due_at is None:
        return _reason(facts), Words("没有定下一步", "nothing is planned for it"), None
    if facts.due_at > facts.now:
        return _reason(facts), *_goes(facts, facts.opens_at or facts.due_at)
    if facts.opens_at:
        closed = _fill(REASONS[Reason.OUTSIDE_WINDOW], facts)
        return closed, *_goes(facts, facts.opens_at)
    due = Words("已到时候，下一次领取就发", f"it is due and goes with the next claim of {facts.lane}")
    return _reason(facts), due, facts.now


def _out_of_time(facts: Facts) -> tuple[Words, Words, datetime | None]:
    """It ends when it is looked at, which a pause puts off."""
    over = Words("它的有效时间已过", "its time is over")
    if facts.paused:
        what, actor = facts.paused
        later = Words(
            f"{actor}暂停了{what}，恢复时作废", f"it expires when {what}, paused by {actor}, is resumed"
        )
        return over, later, None
    at = max(facts.due_at or facts.now, facts.now)
    return over, Words("下一次领取时作废", "the next claim ends it as expired"), at


def _goes(facts: Facts, at: datetime) -> tuple[Words, datetime]:
    """When it goes; whatever it waits for may come after its own time."""
    if at >= facts.expires_at:
        ends = _at(facts, facts.expires_at)
        return Words(f"等不到了，{ends}作废", f"it expires before that, at {ends}"), facts.expires_at
    return Words(f"{_at(facts, at)}再发", f"it will go at {_at(facts, at)}"), at


def _under_way(facts: Facts) -> tuple[Words, datetime | None]:
    due = facts.due_at
    if due is None:
        return Words("只有迟到的回执还能改变它", "only a late receipt can still change it"), None
    if due <= facts.now:
        return Words("下一次领取就处理", f"the next claim of {facts.lane} looks after it"), facts.now
    at = _at(facts, due)
    if facts.reason == Reason.CANNOT_ASK:
        return Words(f"等回执到{at}", f"its report is awaited until {at}"), due
    following = {
        Status.SENDING: Words(f"{at}还没有答复就算不明", f"without an answer by {at} it counts as unknown"),
        Status.UNKNOWN: Words(f"{at}再查询", f"it is asked again at {at}"),
        Status.ACCEPTED: Words(f"等回执到{at}", f"its receipt is awaited until {at}"),
    }
    return following[facts.status], due


def _over(facts: Facts) -> Words:
    if facts.replayed:
        return Words("已重发，另有一条代替它", "another took its place by a replay")
    at = _at(facts, facts.completed_at) if facts.completed_at else "-"
    return Words(f"{at}起就此结束", f"that is its end, since {at}")


def _at(facts: Facts, moment: datetime) -> str:
    """By the city's clock: the time alone for today, seconds where there are some."""
    local = moment.astimezone(facts.zone)
    day = "" if local.date() == facts.now.astimezone(facts.zone).date() else f"{local:%Y-%m-%d} "
    return day + (f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}")
