"""What Aliyun decided on a text or a signature, read from its answers.

No provider of its own. Source: the vendor's pages on QuerySmsTemplate and QuerySmsSign.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.providers import Review, ReviewState
from integrations.aliyun_rpc import Failure, Refusal

REVIEW_STATES = {
    "0": ReviewState.PENDING,
    "1": ReviewState.APPROVED,
    "2": ReviewState.REFUSED,
    "10": ReviewState.REFUSED,  # withdrawn
}
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
NOT_THERE = frozenset({"isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL"})


def reason(answer: dict[str, Any] | Failure) -> str:
    if isinstance(answer, Refusal):
        return f"{answer.code} {answer.message}".strip()  # about a template: no personal data in it
    return "no_template_code" if isinstance(answer, dict) else answer.code


def read(answer: dict[str, Any] | Failure, status: str) -> Review:
    """A judgement is what ``status`` says, or that the vendor does not have it; all else proves nothing."""
    if isinstance(answer, Refusal) and answer.code in NOT_THERE:
        return Review(ReviewState.REFUSED, reason(answer))
    if not isinstance(answer, dict):
        return Review(ReviewState.PENDING, answer.code)
    state = REVIEW_STATES.get(str(answer.get(status)), ReviewState.PENDING)
    return Review(state, str(answer.get("Reason") or "") if state is ReviewState.REFUSED else "")


def compared(review: Review, answer: dict[str, Any] | Failure, body: str) -> Review:
    """The same, unless an approved text has other variables than ours in ``body``: they would stay empty."""
    content = answer.get("TemplateContent") if isinstance(answer, dict) else None
    if review.state is not ReviewState.APPROVED or not body or not isinstance(content, str):
        return review
    theirs = dict.fromkeys(VARIABLE.findall(content))
    if set(theirs) == set(VARIABLE.findall(body)):
        return review
    return Review(ReviewState.MISMATCH, ", ".join(theirs))
