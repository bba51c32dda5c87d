"""What a filing asks for: its form, what may be chosen, and what does not go together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from gateway import referral_rules
from gateway.filings import fields, kinds, words
from gateway.filings.kinds import KINDS
from gateway.transactions.form import Chosen, Who, described
from gateway.transactions.model import CHOSEN, Case, Keypad, Option, Words

DAY_KEYS = Keypad(8, 8)


def _from_now(days: int) -> Callable[[date], str]:
    """A day as it is keyed, so many days later."""
    return lambda today: f"{today + timedelta(days):%Y%m%d}"


class Form(Who):
    """What is filed. What cannot be keyed comes last, so that a caller keys all the rest.

    The commitment stands after what it is about: whoever changes that agrees anew.
    """

    kind = Chosen(
        **described(
            Words("备案种类", "Kind of filing"),
            Words("您要办哪一种备案？", "What do you want to file?"),
            Words("选一项。", "Choose one."),
            CHOSEN,
        )
    )
    request = Chosen(
        **described(
            Words("办什么", "What to do"),
            Words("您要登记，还是取消？", "File it, or end one there is?"),
            Words("选一项。", "Choose one."),
            CHOSEN,
        )
    )
    reason = Chosen(
        **described(
            Words("原因", "Reason"),
            Words("是什么原因？", "Why?"),
            Words("选最接近的。", "Choose the nearest."),
            CHOSEN,
            when=kinds.is_filed,
        )
    )
    lasting = Chosen(
        **described(
            Words("期限", "How long"),
            Words("有没有结束日期？", "Does it have an end?"),
            Words("以后还可以改。", "It can be changed later."),
            CHOSEN,
            when=kinds.may_last,
        )
    )
    destination = fields.Place(
        **described(
            Words("居住地代码", "Place"),
            Words("您住在哪个县或区？", "In which county or district do you live?"),
            Words(
                "写名称，例如“石门县”“上海浦东新区”，或者6位代码。",
                "Its name, like 石门县 or 上海浦东新区, or its code of 6 digits.",
            ),
            Keypad(6, 6),
            when=kinds.is_elsewhere,
            shown=fields.place,
            near=fields.places,
            example="310115",
        )
    )
    contact = fields.Telephone(
        **described(
            Words("联系电话", "Telephone"),
            Words("打哪个电话能找到您？", "By which telephone can you be reached?"),
            Words("手机11位，座机加区号。", "A mobile of 11 digits, or a landline with its area code."),
            Keypad(10, 12),
            when=kinds.is_filed,
            shown=fields.telephone,
            example="13800138000",
        )
    )
    start = fields.Day(
        **described(
            Words("开始日期", "First day"),
            Words("从哪一天开始？", "From which day on?"),
            Words("8位数字，例如2026年11月1日填20261101。", "8 digits: 20261101 for 1 November 2026."),
            DAY_KEYS,
            when=kinds.is_filed,
            shown=fields.day,
            example=_from_now(30),
        )
    )
    end = fields.Day(
        **described(
            Words("结束日期", "Last day"),
            Words("到哪一天结束？", "Until which day?"),
            Words("8位数字，例如2028年10月31日填20281031。", "8 digits: 20281031 for 31 October 2028."),
            DAY_KEYS,
            when=kinds.has_end,
            shown=fields.day,
            example=_from_now(395),
        )
    )
    commitment = Chosen(
        **described(
            Words("承诺书", "Commitment"),
            Words("请看承诺书，同意再往下办。", "Read the commitment; go on if you agree to it."),
            Words("不同意就不能备案。", "Without it nothing can be filed."),
            CHOSEN,
            when=kinds.is_filed,
        )
    )
    address = fields.Address(
        **described(
            Words("详细地址", "Address"),
            Words("您的详细地址是什么？", "What is your address?"),
            Words(
                "街道、小区和门牌号，例如“世纪大道100号3栋201室”。",
                "Street, estate and door number, like 世纪大道100号3栋201室.",
            ),
            None,
            when=kinds.is_filed,
            example="世纪大道100号3栋201室",
        )
    )


# --- what may be chosen, and what does not go together -----------------------------------------


def _kinds(_: object, case: Case) -> Sequence[Option]:
    ours = [Option(one, KINDS[one].words, KINDS[one].about) for one in case.rules.filing.kinds]
    line = referral_rules.of(case.rules.referrals, referral_rules.MEDICAL).number
    note = Words(f"医保局办理，电话{line}", f"made with the medical-insurance bureau, {line}")
    return [*ours, Option(kinds.MEDICAL, Words("异地就医备案", "Treatment elsewhere"), note)]


def _requests(_: object, __: Case) -> Sequence[Option]:
    return [Option(value, said) for value, said in kinds.REQUESTS.items()]


def _lasting(_: object, __: Case) -> Sequence[Option]:
    return [Option(value, said) for value, said in kinds.LASTING.items()]


def _reasons(_: object, case: Case) -> Sequence[Option]:
    kind = kinds.of(case.answers)
    return [Option(value, said) for value, said in kind.reasons.items()] if kind else []


def _commitment(_: object, case: Case) -> Sequence[Option]:
    """The one text there is; its version is the answer that is kept."""
    rule = case.rules.filing
    note = Words(rule.commitment.rstrip("。"), rule.commitment_en.rstrip("."))
    return [Option(rule.commitment_version, Words("我同意", "I agree"), note)]


HERE = Words(
    "这里是本市。没有离开本市的，不用备案；请填您在外地的住处。",
    "This is in our city. Who lives here need not file; name the place you live at elsewhere.",
)
AFTER_START = Words("结束日期要在开始日期和今天以后。", "The last day comes after the first and today.")


def check(case: Case) -> Mapping[str, Words]:
    """What does not go together, by the answer to give anew."""
    given, wrong = case.answers, dict[str, Words]()
    if given.get("kind") == kinds.MEDICAL:
        wrong["kind"] = words.medical(case.rules)
    if given.get("destination", "").startswith(case.rules.division) and kinds.is_elsewhere(given):
        wrong["destination"] = HERE
    if "start" in given:
        wrong |= _too_far(case, date.fromisoformat(given["start"]))
    if "start" in given and "end" in given:
        wrong |= _too_long(case, date.fromisoformat(given["start"]), date.fromisoformat(given["end"]))
    return wrong


def _too_far(case: Case, start: date) -> Mapping[str, Words]:
    rule, today = case.rules.filing, case.now.astimezone(case.rules.zone).date()
    first, last = today - timedelta(rule.start_days_back), today + timedelta(rule.start_days_ahead)
    if first <= start <= last:
        return {}
    began, ended = fields.day(first.isoformat()), fields.day(last.isoformat())
    zh, en = f"{began.zh}到{ended.zh}", f"{began.en} and {ended.en}"
    return {"start": Words(f"开始日期要在{zh}之间。", f"The first day lies between {en}.")}


def _too_long(case: Case, start: date, end: date) -> Mapping[str, Words]:
    today, months = case.now.astimezone(case.rules.zone).date(), case.rules.filing.longest_months
    if end <= max(start, today):
        return {"end": AFTER_START}
    if (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day) < months:
        return {}
    return {"end": Words(f"最长{months}个月。更长的请选“长期”。", f"{months} months at most.")}


CHOICES: Mapping[str, Callable[[object, Case], Sequence[Option]]] = {
    "kind": _kinds,
    "request": _requests,
    "lasting": _lasting,
    "reason": _reasons,
    "commitment": _commitment,
}
