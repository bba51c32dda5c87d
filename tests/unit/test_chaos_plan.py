"""The chaos command's own instruments: a plan that can be had again, a judge that sees what was lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.chaos import judge, plan
from gateway.chaos.books import Written
from gateway.chaos.clock import Clock
from gateway.chaos.faults import ACTS, jump
from gateway.chaos.feed import Fed
from gateway.chaos.plan import KINDS, Fault
from gateway.chaos.storm import kept
from gateway.chaos.witness import Taken
from gateway.notifications.request import Class
from gateway.notifications.status import Status

NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)
KIND_SETS = st.sets(st.sampled_from(sorted(KINDS)))
ROW = Written("sms", "+8619900000010", Class.NOTICE, Status.DELIVERED, None, NOW, "王1，您好")
CODE = replace(ROW, klass=Class.CODE, words="验证码000001", expires_at=NOW)
TAKEN = Taken("sms", "+8619900000010", "【常德人社】王1，您好", NOW.timestamp())

# --- the plan ----------------------------------------------------------------------------------


@given(st.integers(), st.floats(0, 3600), KIND_SETS)
def test_the_same_seed_draws_the_same_faults(seed: int, seconds: float, kinds: set[str]) -> None:
    assert plan.draw(seed, seconds, kinds) == plan.draw(seed, seconds, sorted(kinds, reverse=True))


@given(st.integers(), st.floats(0, 3600), KIND_SETS)
def test_every_fault_ends_in_time_and_hurts_a_place_of_its_own(
    seed: int, seconds: float, kinds: set[str]
) -> None:
    """Whatever begins has ended before the calm at the end; a few at once, never two in one place."""
    drawn = plan.draw(seed, seconds, kinds)
    for number, fault in enumerate(drawn):
        assert 0 < fault.begins <= fault.ends <= seconds - plan.CALM
        assert KINDS[fault.kind].lasts or fault.begins == fault.ends
        assert fault.kind in kinds
        assert fault.place in KINDS[fault.kind].places
        together = [other for other in drawn[:number] if other.ends > fault.begins]
        assert len(together) < plan.AT_ONCE
        assert fault.place not in {other.place for other in together}


def test_a_quarter_of_an_hour_has_every_kind() -> None:
    drawn = Counter(fault.kind for fault in plan.draw(1, 900, KINDS))
    assert drawn.keys() == KINDS.keys()
    assert min(drawn.values()) > max(drawn.values()) / 3


def test_every_kind_has_its_two_acts() -> None:
    assert ACTS.keys() == KINDS.keys()


@given(st.floats(0, 1))
def test_a_clock_jumps_by_seconds_to_minutes_one_way_or_the_other(size: float) -> None:
    ahead = jump(Fault("clock_forward", "clock", 1, 2, size))
    assert 2 <= ahead <= plan.FARTHEST_JUMP + 1e-6
    assert jump(Fault("clock_backward", "clock", 1, 2, size)) == -ahead


# --- the judge ---------------------------------------------------------------------------------


def test_a_row_left_lying_is_lost_and_one_that_waits_is_not() -> None:
    """On its way and never due, or due and not looked at: stuck; unknown is visible, an end is an end."""
    waiting = replace(ROW, status=Status.WAITING, due_at=NOW + timedelta(seconds=1))
    fine = [ROW, waiting, replace(waiting, status=Status.SENDING), replace(ROW, status=Status.UNKNOWN)]
    assert judge.stuck(fine, NOW) == 0
    assert judge.stuck([replace(ROW, status=Status.SENDING), replace(waiting, due_at=NOW)], NOW) == 2


def test_what_was_answered_must_be_in_the_books() -> None:
    fed = Fed({ROW.to: ("sms.bulk", 1.0), ("sms", "+8619900000020"): ("sms.bulk", 1.0)})
    assert judge.forgotten([ROW], fed) == 1


def test_what_the_books_call_sent_must_have_arrived() -> None:
    """As many different words at an address as messages were sent there; the same twice counts once."""
    accepted = replace(ROW, status=Status.ACCEPTED, words="其他")
    failed = replace(ROW, status=Status.FAILED)
    assert judge.never_taken([ROW, failed], [TAKEN]) == 0
    assert judge.never_taken([ROW, accepted], [TAKEN, TAKEN]) == 1


def test_the_same_words_twice_to_one_person_are_counted_under_their_class() -> None:
    other = replace(ROW, klass=Class.RESULT, words="已临时挂失")
    code = Taken("sms", ROW.address, "【常德人社】验证码000001，切勿告知", 1.0)
    found = judge.duplicates([other, CODE, ROW], [TAKEN, TAKEN, TAKEN, code, code])
    assert found == {"code": 1, "result": 0, "reminder": 0, "notice": 1}


def test_a_notice_told_by_two_messages_is_told_twice() -> None:
    """Alone or among others of a digest: each says its mark, and the words around it do not matter."""
    alone, among = (
        replace(TAKEN, words=words) for words in ("第17件，您好", "您有2条通知：第17件、第18件。")
    )
    assert judge.duplicates([ROW], [alone, replace(among, words="第7件、第18件")])["notice"] == 0
    assert judge.duplicates([ROW], [alone, among])["notice"] == 1


def test_a_code_is_too_late_by_every_clock_of_its_call_or_not_at_all() -> None:
    """A jump while the call was under way excuses it, and so does the time a call takes; nothing else."""
    taken = replace(TAKEN, words="【常德人社】验证码000001", at=NOW.timestamp() + judge.TRANSIT + 1)
    in_time = replace(taken, at=NOW.timestamp() + judge.TRANSIT - 1)
    assert judge.expired_codes([CODE], [in_time], lambda _begin, _end: [0.0]) == 0
    assert judge.expired_codes([CODE], [taken], lambda _begin, _end: [0.0]) == 1
    assert judge.expired_codes([CODE], [taken], lambda _begin, _end: [0.0, -60.0]) == 0
    assert judge.expired_codes([ROW], [taken], lambda _begin, _end: [0.0]) == 0


def test_recovery_is_the_slowest_lane_counted_from_what_was_taken_after_the_fault() -> None:
    """What was taken before says nothing, and a lane that moved nothing counts to the end."""
    fed = Fed({("sms", "a"): ("sms.bulk", 9.0), ("sms", "b"): ("sms.bulk", 11.0)}, [(11.0, 12.0)])
    early, late = Taken("sms", "a", "", 11.5), Taken("sms", "b", "", 14.0)
    assert judge.recovery(10.0, 60.0, fed, [early, late]) == (4.0, "sms.bulk")
    assert judge.recovery(10.0, 60.0, fed, [early]) == (50.0, "sms.bulk")
    assert judge.recovery(20.0, 60.0, fed, [early, late]) == (0.0, "")


def test_only_a_code_may_come_twice() -> None:
    good = {
        "lost": 0,
        "duplicates": {"code": 3, "notice": 0},
        "expired_codes_sent": 0,
        "ledger": {"balanced": True},
        "recovery_s": {"kill_api": 30.0},
    }
    assert kept(good)
    for broken in (
        {"lost": 1},
        {"duplicates": {"code": 0, "notice": 1}},
        {"expired_codes_sent": 1},
        {"ledger": {"balanced": False}},
        {"recovery_s": {"kill_api": 30.1}},
    ):
        assert not kept(good | broken)


# --- the clock -----------------------------------------------------------------------------------

ASKED = """
import json
from gateway import config, runtime
here = runtime.build(config.load(), wake=lambda lane: None, sending=False)
print(json.dumps(here.clock().timestamp()))
"""


def test_a_program_run_on_the_other_clock_reads_it(tmp_path: Path) -> None:
    """The Runtime a program builds has the clock of the file, put forward before it began."""
    (tmp_path / "asked.py").write_text(ASKED)
    Clock(tmp_path).put(1_000.0)
    command = [sys.executable, "-m", "gateway.chaos.clocked", "asked"]
    root = Path(__file__).parents[2]
    environment = {
        "PATH": os.environ["PATH"],
        "HUIYIN_STATE": str(tmp_path),
        "PYTHONPATH": f"{root}:{tmp_path}",
    }
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    ahead = json.loads(done.stdout) - datetime.now(UTC).timestamp()
    assert 900 < ahead < 1_100
