"""What is told of a question to a back office that is not answered yet, whatever it is about. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.transactions.model import State, View, Words

NOT_CONFIRMED = Words("还没有确认。请填验证码，再确认。", "Not confirmed yet: enter the code, then confirm.")
_ASKING = Words("正在查，通常几秒钟。", "We are asking; it usually takes seconds.")
_TEXT = Words("查到会发短信告诉您，可以离开本页。", "A text message will tell you; you may leave this page.")
_NEVER = Words("这次没有提交。要查请重新办理。", "Never confirmed. To ask, start again.")


def not_yet(view: View, silent: Words) -> Sequence[Words]:
    """Being asked, never confirmed, or not confirmed so far; ``silent`` says who does not answer just now."""
    match view.state:
        case State.SUBMITTED | State.UPSTREAM_UNKNOWN:
            return [silent if view.trouble or view.slow else _ASKING, _TEXT]
        case State.CANCELLED:
            return [_NEVER]
        case _:
            return [NOT_CONFIRMED]
