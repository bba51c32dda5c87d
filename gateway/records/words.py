"""What is said of a change to somebody's data: what it does, how it stands, what to do next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.information_rules import EMAIL, KEY, MOBILE, PASSWORD, KeyDatum
from gateway.records import values
from gateway.records.reasons import COUNTER, ITEMS, RETURNED, REVIEW, SOMETHING
from gateway.rules.model import Rules
from gateway.transactions import on_hold
from gateway.transactions.model import Case, State, Step, View, Words

# --- before it is done ----------------------------------------------------------------------------


def effect(rules: Rules) -> Sequence[Words]:
    """What can be done here, before anything is answered."""
    return [
        Words(
            "手机、地址、邮编、邮箱和查询密码在这里改，不用材料。",
            "Mobile, address, postcode, e-mail and query password are changed here, without papers.",
        ),
        Words(
            "姓名、身份证号等要带材料到窗口改，这里告诉您带什么。",
            "Name, ID number and the like need papers at a counter; here you learn which.",
        ),
    ]


def effect_of(case: Case) -> Sequence[Words]:
    """What confirming does with these answers."""
    rules, answers = case.rules, case.answers
    item = answers.get("item", "")
    if item == KEY:
        return papers(rules, answers.get("key_datum", ""))
    what = ITEMS.get(item, SOMETHING)
    said = [Words(f"您登记的{what.zh}会改成新的。", f"Your {what.en} will be the new one.")]
    if item in (MOBILE, EMAIL):
        said.append(_told_to_both(item))
    if item in (MOBILE, EMAIL, PASSWORD):
        said += _waits(rules)
    return said


def _told_to_both(item: str) -> Words:
    old, new = ("原来的号码", "新号码") if item == MOBILE else ("原来的邮箱", "新邮箱")
    return Words(f"{old}和{new}都会收到通知。", "Both the old and the new one are told.")


def _waits(rules: Rules) -> list[Words]:
    hours = rules.information_change.hold_hours
    if not hours:
        return []
    return [
        Words(
            f"为防冒用，之后{hours}小时内不能办解除挂失等业务，其他照常。",
            f"So that nobody acts in your name, releasing a card and the like wait {hours} hours; "
            "all else goes on.",
        )
    ]


def datum(rules: Rules, key: str) -> KeyDatum | None:
    return next((one for one in rules.information_change.key_data if one.id == key), None)


def papers(rules: Rules, key: str) -> list[Words]:
    """Which papers a key datum needs, one by one."""
    one = datum(rules, key)
    if one is None:
        return [Words("请带身份证到社保窗口办理。", "Bring your ID card to a counter.")]
    listed = zip(one.papers, one.papers_en, strict=True)
    first = Words(
        f"{one.name}要到社保窗口改，请带：", f"{one.name_en} is changed at a counter. Please bring:"
    )
    return [first, *(Step(f"{zh}。", f"{en}.") for zh, en in listed)]


def held(until: datetime, rules: Rules) -> Words:
    """That contacts or password changed lately, so these wait; other items may be chosen."""
    at = values.moment(until.isoformat(), rules)
    return Words(
        f"联系方式或密码刚改过，{at.zh}后才能再改这一项。着急请拨打{rules.hotline}转人工。",
        f"Contacts or password changed lately: this can be changed after {at.en}. "
        f"If it is urgent, call {rules.hotline} and press 0 for a person.",
    )


def from_then(until: datetime, rules: Rules) -> Words:
    """The same in short, beside what cannot be chosen to any purpose."""
    at = values.moment(until.isoformat(), rules)
    return Words(f"刚改过，{at.zh}后才能改", f"not before {at.en}: something was changed lately")


def in_review(item: str, rules: Rules) -> Words:
    """That this item waits for a review already."""
    one = ITEMS[item]
    return Words(
        f"您要改的{one.zh}正在核对，请等结果。着急请拨打{rules.hotline}转人工。",
        f"A change of your {one.en} is being looked at; wait for what comes of it, "
        f"or call {rules.hotline} and press 0 for a person.",
    )


# --- how it stands ---------------------------------------------------------------------------------


def headline(view: View) -> Words | None:
    match view.state, view.stage:
        case State.SUCCEEDED, "counter":
            return Words("请带材料到窗口办", "Bring papers to a counter")
        case State.SUCCEEDED, _:
            return Words("已经改好", "Changed")
        case State.ALREADY_DONE, _:
            return Words("本来就是这样登记的", "It was recorded like this")
        case State.SUBMITTED, "pending_review":
            return Words("已收到，工作人员在核对", "Received; people are looking at it")
        case State.DRAFT | State.IDENTITY_PENDING, "returned":
            return Words("请改正后再提交", "Please put it right and send it again")
        case _:
            return None


def tone(view: View) -> str | None:
    return "wait" if view.state is State.SUCCEEDED and view.stage == COUNTER else None


def explain(view: View) -> Sequence[Words]:
    """What is true now and what to do next, sentence by sentence."""
    match view.state:
        case State.SUCCEEDED if view.stage == COUNTER:
            return _explain_counter(view)
        case State.SUCCEEDED:
            return _explain_changed(view)
        case State.ALREADY_DONE:
            return _explain_same(view)
        case State.REJECTED:
            why = values.why(view.reason)
            return [
                Words(f"没有改成：{why.zh}。", f"It was not changed: {why.en}."),
                _refused_next(view),
            ]
        case State.FAILED:
            return [Words("没有改成。", "It was not changed."), _person(view.rules)]
        case State.CANCELLED:
            return [
                Words("这次没有提交，登记没有变。", "This was never confirmed; nothing was changed."),
                Words("要改请重新办理。", "To change it, start again."),
            ]
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return _explain_waiting(view)
        case _:
            return _explain_open(view)


def _item(view: View) -> Words:
    return ITEMS.get(view.facts.get("item", ""), SOMETHING)


def _person(rules: Rules) -> Words:
    return Words(
        f"请拨打{rules.hotline}转人工，或带身份证到社保窗口办理。",
        f"Call {rules.hotline} and press 0 for a person, or bring your ID card to a counter.",
    )


def _not_you(rules: Rules) -> Words:
    return Words(
        f"不是您本人办的，请马上拨打{rules.hotline}转人工。",
        f"If this was not you, call {rules.hotline} at once and press 0 for a person.",
    )


def _explain_changed(view: View) -> list[Words]:
    item, facts = _item(view), view.facts
    new = Words(facts.get("value", ""), facts.get("value_en", ""))
    if facts.get("item") == PASSWORD:
        said = [Words("您的查询密码已设好。", "Your query password is set.")]
    else:
        said = [Words(f"您登记的{item.zh}已改为{new.zh}。", f"Your {item.en} is now {new.en}.")]
    if facts.get("item") in (MOBILE, EMAIL):
        said.append(_told_to_both(facts["item"]))
    if facts.get("counts_from"):
        at = values.moment(facts["counts_from"], view.rules)
        said.append(Words(f"新密码从{at.zh}起可用。", f"It can be used from {at.en} on."))
    if facts.get("hold_until"):
        at = values.moment(facts["hold_until"], view.rules)
        said.append(
            Words(
                f"为防冒用，{at.zh}前不能办解除挂失等业务，其他照常。",
                f"So that nobody acts in your name, releasing a card and the like wait until {at.en}.",
            )
        )
    return [*said, _not_you(view.rules)]


def _explain_same(view: View) -> list[Words]:
    item = _item(view)
    return [
        Words(f"您登记的{item.zh}本来就是这样，没有变。", f"Your {item.en} was like this; nothing changed."),
        Words("要改成别的，请重新办理。", "To change it to something else, start again."),
    ]


def _explain_counter(view: View) -> list[Words]:
    return [
        *papers(view.rules, view.facts.get("datum_id", "")),
        Words(
            "登记还没有变。可以先预约，去了不用排长队。",
            "Nothing was changed yet. Book a visit first and skip the queue.",
        ),
    ]


def _explain_waiting(view: View) -> list[Words]:
    if view.stage != REVIEW:
        return [
            Words("已收到，正在登记，通常几秒钟。", "Received; it is being recorded, usually in seconds.")
        ]
    item, due = _item(view), values.day(view.facts.get("due_at"), view.rules)
    return [
        Words(
            f"您要改的{item.zh}已收到，工作人员核对后才生效，{due.zh}前会发短信告诉您。",
            f"We have your new {item.en}. People look at it first; a text message tells you by {due.en}.",
        ),
        Words(f"这期间原来的{item.zh}照常有效。", f"Until then your present {item.en} stays."),
        _not_you(view.rules),
    ]


def _explain_open(view: View) -> list[Words]:
    if view.stage == RETURNED:
        why = values.why(view.reason)
        return [
            Words(f"请改正：{why.zh}。", f"Please put it right: {why.en}."),
            Words(
                "其他的都保留着，改好再验证、再确认就行。登记还没有变。",
                "All else is kept: correct it, prove who you are, confirm. Nothing was changed yet.",
            ),
        ]
    return [
        Words(
            "还没有确认，登记没有变。请填验证码，再确认。",
            "Not confirmed yet; nothing was changed. Enter the code, then confirm.",
        )
    ]


def _refused_next(view: View) -> Words:
    hotline = view.rules.hotline
    match view.reason:
        case "in_review":
            return Words(
                f"请等核对的结果，或拨打{hotline}转人工。",
                f"Wait for what comes of it, or call {hotline} and press 0 for a person.",
            )
        case on_hold.ON_HOLD:
            at = _hold_ends(view)
            return Words(
                f"请{at.zh}再办，着急的拨打{hotline}转人工。",
                f"Try again {at.en}; if it is urgent, call {hotline} and press 0 for a person.",
            )
        case "changed_meanwhile":
            return Words("请看看登记的内容，需要再改请重新办理。", "If it is still wrong, start again.")
        case _:
            return _person(view.rules)


def _hold_ends(view: View) -> Words:
    """From when it can be done; what was refused before this was written down has no time."""
    until = view.facts.get(on_hold.UNTIL)
    if not until:
        return Words("过些时候", "later")
    at = values.moment(until, view.rules)
    return Words(f"{at.zh}以后", f"after {at.en}")
