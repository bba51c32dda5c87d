"""What the page shows, as values its templates only have to write down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from integrations.sandbox.handsets import Handsets, Shelf, Text
from integrations.sandbox.inbound import Replies, Reply
from integrations.sandbox.mailbox import Mailboxes
from integrations.sandbox.mails import Mail
from integrations.sandbox.options import Options
from integrations.sandbox.page_words import (
    ACCOUNT_WORDS,
    CALL_WORDS,
    CARD_WORDS,
    CAUSE_WORDS,
    EXTENSION_WORDS,
    FILING_WORDS,
    HEARD_WORDS,
    KIND_WORDS,
    MAIL_WORDS,
    ORDER_KIND_WORDS,
    ORDER_WORDS,
    PENSION_WORDS,
    REVIEW_WORDS,
    TEXT_WORDS,
    TRANSFER_CAUSES,
    TRANSFER_WORDS,
    mode_words,
)
from integrations.sandbox.phones import Call, Phones
from integrations.sandbox.receipts import CHINA
from integrations.sandbox.services import Heard, Services

PHONES = 12  # handsets on the page
MESSAGES = 5  # newest messages and calls in each of them
MESSAGES_ALONE = 50  # when one handset was searched for
BOXES, MAILS = 6, 3  # mailboxes, and newest mails in each of them
CARDS = 12  # cards that changed last
TOLD = 6  # newest events a service heard of
REVIEWS = 30  # newest templates

Part = dict[str, Any]


# --- handsets -------------------------------------------------------------------------------


def threads(handsets: Handsets, phones: Phones, replies: Replies, search: str) -> list[Part]:
    """The handsets in which something happened last, newest first, with their newest messages and calls."""
    numbers = _newest_numbers((handsets, phones, replies), search)
    shown = MESSAGES_ALONE if len(numbers) == 1 else MESSAGES
    return [_thread(handsets, phones, replies, number, shown) for number in numbers]


def _newest_numbers(shelves: Sequence[Shelf[Any]], search: str) -> list[str]:
    newest: dict[str, float] = {}
    for shelf in shelves:
        for number in shelf.newest_numbers(search, PHONES):
            newest[number] = max(newest.get(number, 0.0), shelf.of(number)[-1].at)
    return sorted(newest, key=lambda number: newest[number], reverse=True)[:PHONES]


def _thread(handsets: Handsets, phones: Phones, replies: Replies, number: str, shown: int) -> Part:
    texts = handsets.of(number)
    others: list[Call | Reply] = [*phones.of(number), *replies.of(number)]
    thread: list[Text | Call | Reply] = sorted([*texts, *others], key=lambda item: item.at)
    return {
        "key": number,
        "number": spaced(number),
        "rings": phones.rings_by_hand(number),
        "earlier": max(0, len(thread) - shown),
        "thread": [_bubble(item) for item in thread[-shown:]],
        "answers": phones.answers(number),
        "presses": phones.keys(number),
        "through": texts[-1].provider if texts else "",
    }


def spaced(number: str) -> str:
    """A number as people read it."""
    return f"{number[:3]} {number[3:7]} {number[7:]}"


def _bubble(item: Text | Call | Reply) -> Part:
    kind = "reply" if isinstance(item, Reply) else "call" if isinstance(item, Call) else "text"
    sign, bracket, words = item.text.removeprefix("【").partition("】")
    bubble = {"kind": kind, "sign": sign if bracket else "", "words": words if bracket else item.text}
    bubble |= _when(item.at)
    if isinstance(item, Reply):
        return bubble
    if isinstance(item, Call):
        called = {"id": item.id, "plays": item.plays, "slow": item.slow, "pressed": item.keys}
        return bubble | called | {"words": item.text, "sign": ""} | _state(CALL_WORDS[item.status])
    return bubble | _state(TEXT_WORDS[item.status])


# --- mailboxes ------------------------------------------------------------------------------


def boxes(mailboxes: Mailboxes) -> list[Part]:
    """The mailboxes written to last, and in each the newest mails, newest first."""
    return [_box(mailboxes, address) for address in mailboxes.newest_numbers("", BOXES)]


def _box(mailboxes: Mailboxes, address: str) -> Part:
    mails = mailboxes.of(address)
    return {
        "address": address,
        "key": mails[0].id,
        "behaves": mailboxes.behaves(address),
        "earlier": max(0, len(mails) - MAILS),
        "mails": [_letter(mailboxes.opened(mail)) for mail in reversed(mails[-MAILS:])],
    }


def _letter(mail: Mail) -> Part:
    files = [{"name": one.name, "url": one.url, "size": _size(one.size)} for one in mail.attachments]
    return {"mail": mail, "files": files} | _when(mail.at) | _state(MAIL_WORDS[mail.status])


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, round(size / 1024))} KB"


# --- a service ------------------------------------------------------------------------------


def told(services: Services) -> list[Part]:
    """What the service heard last, newest first."""
    return [_told(one) for one in list(services.heard)[: -TOLD - 1 : -1]]


def _told(one: Heard) -> Part:
    body = one.body if isinstance(one.body, dict) else {}
    style = _state(HEARD_WORDS[one.answered < 300])
    return {"kind": one.kind, "body": body, "answered": one.answered} | _when(one.at) | style


# --- reviews and faults -----------------------------------------------------------------------


def reviews(listed: Sequence[Mapping[str, str]]) -> list[Part]:
    """What the reviewers decide on: names first, then the newest templates, those that wait before all."""
    names = [one for one in listed if "signature" in one]
    templates = [one for one in listed if "template" in one][: -REVIEWS - 1 : -1]
    shown = [_review(one, "signature") for one in names] + [_review(one, "template") for one in templates]
    return sorted(shown, key=lambda one: one["state"] != "pending")


def _review(one: Mapping[str, str], kind: str) -> Part:
    style = _state(REVIEW_WORDS[one["state"]])
    return {"kind": kind, "name": one[kind], "text": one.get("text", ""), **one, **style}


def filed(listed: Sequence[Mapping[str, Any]]) -> list[Part]:
    """What was filed last; what waits for a reviewer before all."""
    shown = [_filed(one) for one in listed]
    return sorted(shown, key=lambda one: one["style"] != "waiting")


def _filed(one: Mapping[str, Any]) -> Part:
    zh, en = KIND_WORDS[one["kind"]]
    cause = CAUSE_WORDS.get(one["cause"] or "", one["cause"] or "")
    told = {"kind": zh, "kind_english": en, "why": " ".join(filter(None, (cause, one["note"])))}
    return {**one, **told, **_state(FILING_WORDS[one["state"]])}


def transferred(listed: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The newest transfers; those under way before all."""
    causes = {code: TRANSFER_CAUSES.get(code, code) for code in (one["cause"] for one in listed) if code}
    shown = [
        {
            **one,
            "old": one["from"],
            "why": " ".join(filter(None, (causes.get(one["cause"]), one["note"]))),
            **_state(TRANSFER_WORDS[one["state"]]),
        }
        for one in listed
    ]
    return sorted(shown, key=lambda one: one["style"] != "waiting")


def ordered(listed: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The newest work orders; what is under way before all."""
    shown = [_ordered(one) for one in listed]
    return sorted(shown, key=lambda one: one["style"] != "waiting")


def _ordered(one: Mapping[str, Any]) -> Part:
    zh, en = ORDER_KIND_WORDS[one["kind"]]
    told = {"kind": zh, "kind_english": en, "why": EXTENSION_WORDS.get(one["extension"] or "", "")}
    return {**one, **told, **_state(ORDER_WORDS[one["state"]])}


def pensioned(listed: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The pensioners whose state was changed last."""
    calm = ("not_due", "backpaid")
    return [
        {
            **one,
            "words": PENSION_WORDS[one["status"]],
            "style": "delivered" if one["status"] in calm or one["status"].startswith("done_") else "waiting",
        }
        for one in listed
    ]


def matching(options: Options) -> Part:
    """The silent matching: whether, how many in a hundred, how fast."""
    share, delay = round(options.matching_share * 100), round(options.matching_delay)
    return {"on": options.matching, "share": share, "seconds": delay}


def carded(listed: Sequence[Mapping[str, Any]], account: Callable[[str], Mapping[str, Any]]) -> list[Part]:
    """The cards that changed last, each with both its halves."""
    return [_carded(one, account(one["AAZ500"])) for one in listed]


def _carded(one: Mapping[str, Any], account: Mapping[str, Any]) -> Part:
    social, half = CARD_WORDS[one["state"]], ACCOUNT_WORDS[account["state"]]
    style = "delivered" if one["state"] == account["state"] == "normal" else "failed"
    ends = account["lost_until"]
    return {
        **one,
        "style": style,
        "social": social,
        "half": half,
        "until": _clock(one["lost_until"]),
        "half_until": _when(ends)["time"] if ends else "",
    }


def switches(listed: Sequence[Mapping[str, Any]], targets: Mapping[str, tuple[str, str]]) -> list[Part]:
    """Every fault that is on or waits for its time, in words."""
    return [
        {
            **fault,
            "where": targets[fault["target"]],
            "what": mode_words(fault["target"], fault["mode"]),
            "share": "" if fault["share"] == 1 else f"{100 * fault['share']:g}%",
            "begins": _clock(fault["from"]) if not fault["active"] else "",
            "ends": _clock(fault["until"]),
        }
        for fault in listed
    ]


def _clock(moment: str | None) -> str:
    if not moment:
        return ""
    at = datetime.fromisoformat(moment).astimezone(CHINA)
    return f"{at.month}月{at.day}日 {at:%H:%M:%S}"


def _when(at: float) -> Part:
    moment = datetime.fromtimestamp(at, CHINA)
    iso = moment.isoformat(timespec="seconds")
    return {"at": iso, "time": f"{moment.month}月{moment.day}日 {moment:%H:%M:%S}"}


def _state(words: tuple[str, str, str]) -> Part:
    return dict(zip(("style", "status", "status_english"), words, strict=True))
