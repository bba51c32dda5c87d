"""What a work order asks for: its kind, and what it is about in one's own words. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields

from gateway.transactions.form import Chosen, Who, described
from gateway.transactions.model import CHOSEN, Case, Option, Words
from gateway.work_order_rules import KINDS
from gateway.work_orders import words

SHORTEST, LONGEST = 5, 500
BAD_TEXT = Words(
    f"请写清楚是什么事、在什么时候、在哪里，{SHORTEST}到{LONGEST}个字。",
    f"Say what, when and where, in {SHORTEST} to {LONGEST} characters.",
)


class Told(fields.String):
    """What somebody tells in their own words; deserialises to one paragraph without control characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > 4 * LONGEST:
            raise ValidationError([BAD_TEXT])
        letters = (" " if unicodedata.category(one)[0] == "C" else one for one in text)
        plain = " ".join(unicodedata.normalize("NFC", "".join(letters)).split())
        if not SHORTEST <= len(plain) <= LONGEST:
            raise ValidationError([BAD_TEXT])
        return plain


class Form(Who):
    """What is handed in. The words come last: they cannot be keyed."""

    kind = Chosen(
        **described(
            Words("哪一类", "What kind"),
            Words("您要反映哪一类事？", "What is it about?"),
            Words("选最接近的。", "Choose the nearest."),
            CHOSEN,
        )
    )
    text = Told(
        **described(
            Words("内容", "In your words"),
            Words("请说说是什么事。", "Please tell what it is."),
            Words(
                "写清时间、地点和经过。不要写身份证号和密码。",
                "When, where and what happened. No ID numbers and no passwords.",
            ),
            None,
            shown=lambda text: Words(text, text),
            longest=LONGEST,
            example="上个月的养老金没有到账，想知道原因。",
        )
    )


def _kinds(_: object, case: Case) -> Sequence[Option]:
    return [Option(kind, words.KINDS[kind], words.promise(case.rules, kind)) for kind in KINDS]


CHOICES: Mapping[str, Callable[[object, Case], Sequence[Option]]] = {"kind": _kinds}
