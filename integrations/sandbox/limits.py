"""The vendor's limits per number: codes 1 a minute, 5 an hour, 10 a day; 40 codes a day over all
signatures; 50 notices a day for each signature and template; calls 1 a minute, 5 an hour, 20 a day.

Minute and hour are calendar windows in UTC+8, a day is 24 hours (vendor's documentation).
"""

from __future__ import annotations

from collections.abc import Sequence

from integrations.sandbox.scratch import key_of
from integrations.sandbox.signature import Refused

LIMITED = "isv.BUSINESS_LIMIT_CONTROL"
MINUTE, HOUR, DAY = 60, 3600, 86400

# (how much, the vendor's word for the window, its length)
CODE_LIMITS = ((1, "分钟级", MINUTE), (5, "小时级", HOUR), (10, "天级", DAY))
ALL_CODES_LIMITS = ((40, "天级", DAY),)
NOTICE_LIMITS = ((50, "天级", DAY),)
CALL_LIMITS = ((1, "分钟级", MINUTE), (5, "小时级", HOUR), (20, "天级", DAY))

Limit = tuple[int, str, int]
Account = tuple[int, tuple[Limit, ...]]  # what is counted together, and its limits


class Limits:
    """Remembers when each account was charged, for a day."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[int, ...]] = {}

    def refusal(self, accounts: Sequence[Account], now: float) -> str | None:
        """The vendor's message when one more would be too many."""
        for key, limits in accounts:
            times = self._sent.get(key, ())
            if len(times) < limits[0][0]:
                continue  # as it is with nearly all
            for permits, word, window in limits:
                if sum(1 for at in times if at >= _start(now, window)) >= permits:
                    return f"触发{word}流控Permits:{permits}"
        return None

    def charge(self, each: Sequence[Sequence[Account]], now: float) -> None:
        """Count each message or call, or none: raises ``Refused`` when one is too many."""
        for accounts in each:
            if message := self.refusal(accounts, now):
                raise Refused(LIMITED, message)
        once = (int(now),)  # one for all of a call: most accounts are charged once a day
        for accounts in each:
            for key, _ in accounts:
                earlier = self._sent.get(key)
                self._sent[key] = (*(at for at in earlier if at > now - DAY), *once) if earlier else once

    def clear(self) -> None:
        """Forget all."""
        self._sent.clear()


def code_accounts(number: str, sign: str) -> Sequence[Account]:
    """What a verification code is counted under."""
    return (key_of("code", number, sign), CODE_LIMITS), (key_of("codes", number), ALL_CODES_LIMITS)


def notice_accounts(number: str, sign: str, template: str) -> Sequence[Account]:
    """What a notice is counted under."""
    return ((key_of("notice", number, sign, template), NOTICE_LIMITS),)


def call_accounts(number: str) -> Sequence[Account]:
    """What a call is counted under."""
    return ((key_of("call", number), CALL_LIMITS),)


def _start(now: float, window: int) -> float:
    """UTC+8 is whole hours away: its minutes and hours begin with those of UTC."""
    return now - window + 1 if window == DAY else now // window * window
