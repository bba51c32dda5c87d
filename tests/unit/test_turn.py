"""Whom one claim may give a message to, as its turn was worked out before."""

from __future__ import annotations

import pytest

from gateway.traffic.breaker import Mode, State
from gateway.traffic.turn import QUOTA, RATE, Short, Turn

ABLE = {"standing": 9, "ailing": 1}


@pytest.mark.parametrize(("reason", "given"), [(RATE, {}), (QUOTA, {"ailing": 1})])
def test_a_day_s_quota_used_up_is_not_waited_for_where_an_ailing_one_has_room(
    reason: str, given: dict[str, int]
) -> None:
    """A second's worth comes again within the second; a code would expire before the next day."""
    turn = Turn(
        names=list(ABLE),
        ailing={"ailing": State(Mode.OPEN)},
        room={"standing": 0},
        short={"standing": Short("standing", reason, 0.0)},
    )
    assert turn.open_to(ABLE, None) == given
