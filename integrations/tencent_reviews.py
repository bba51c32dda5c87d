"""Texts as Tencent Cloud has them, and what it decided on them and on signatures.

No provider of its own. Source: the vendor's pages on DescribeSmsTemplateList and DescribeSmsSignList.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.providers import Review, ReviewState

STATES = {
    "0": ReviewState.APPROVED,
    "1": ReviewState.PENDING,
    "2": ReviewState.PENDING,  # approved, not yet in force
    "-1": ReviewState.REFUSED,
}
NOT_THERE = "not_there"
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
NUMBER = re.compile(r"\{([0-9]+)\}")


def numbered(body: str) -> str:
    """``${name}`` as the vendor has it: ``{1}``, ``{2}`` …, each name numbered where it first stands."""
    names = list(dict.fromkeys(VARIABLE.findall(body)))
    return VARIABLE.sub(lambda found: f"{{{names.index(found[1]) + 1}}}", body)


def read(rows: Sequence[Mapping[str, Any]], body: str = "") -> Review:
    """Of several applications the one that went furthest counts; none at all is a no.

    With our ``body`` (``numbered``) an approved text counts only where it has the same variables.
    """
    states = [STATES.get(str(row.get("StatusCode")), ReviewState.PENDING) for row in rows]
    for state in (ReviewState.APPROVED, ReviewState.PENDING):
        if state in states:
            theirs = rows[states.index(state)].get("TemplateContent") if body else None
            known = state is ReviewState.APPROVED and isinstance(theirs, str)
            return _compared(str(theirs), body) if known else Review(state)
    return Review(ReviewState.REFUSED, str(rows[-1].get("ReviewReply") or "") if rows else NOT_THERE)


def _compared(theirs: str, ours: str) -> Review:
    there = dict.fromkeys(NUMBER.findall(theirs))
    same = set(there) == set(NUMBER.findall(ours))
    return Review(ReviewState.APPROVED) if same else Review(ReviewState.MISMATCH, ", ".join(there))
