"""Is this message ours (核实短信真假): by the number it came to and the day, or by a notice's check code.

Fakes in the hotline's name are common (domain.md, "Compliance"). Whoever asks need not be known; what was
sent to a mobile is told to whoever gave back a code to it, and only by its kind: never what it said.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.message_checks import fields, looking, words
from gateway.message_checks.fields import BY_CODE, BY_MOBILE, Form
from gateway.message_checks.words import REASONS
from gateway.transactions.desk import Desk
from gateway.transactions.model import Case, Level, Option, TransactionType, Words

__all__ = ["REASONS", "TYPE"]


def _ways(_desk: Desk, _case: Case) -> Sequence[Option]:
    return fields.WAYS


def _days(_desk: Desk, case: Case) -> Sequence[Option]:
    return fields.days(case)


def _mobile(case: Case) -> str | None:
    return case.answers.get("mobile") if case.answers.get("way") == BY_MOBILE else None


def _keeps(case: Case) -> str | None:
    """The mobile; of a code the code itself, which stands in the message."""
    return case.answers.get("check_code") if case.answers.get("way") == BY_CODE else _mobile(case)


TYPE = TransactionType(
    name="message_check",
    title=Words("核实短信真假", "Is this message ours?"),
    summary=Words("收到12333的短信，是不是我们发的？", "A text in our name: did we send it?"),
    effect=words.effect,
    form=Form,
    perform=looking.perform,
    personalise=words.personalise,
    explain=words.explain,
    choices={"way": _ways, "day": _days},
    check=fields.check,
    headline=words.headline,
    tone=words.tone,
    level=Level.ANONYMOUS,
    confirms=_mobile,
    keeps=_keeps,
)
