"""No table is forgotten when it is asked what is kept of people."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import config, migrations
from gateway.config import KEEP
from gateway.retention.policies import POLICIES
from gateway.retention.policy import Policy
from gateway.retention.report import kept

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "retention.md"
TABLES = set(migrations.metadata.tables)


def test_every_table_has_a_policy_and_every_policy_a_table() -> None:
    """Whoever adds a table says how long it keeps what, and why."""
    assert {policy.table for policy in POLICIES} == TABLES


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: f"{one.table} {one.what}")
def test_a_policy_says_why_and_is_complete(policy: Policy) -> None:
    """A time has rows to which it applies and a way to forget them; what follows has something to follow."""
    assert policy.why.endswith(".")
    assert not policy.follows or policy.follows in TABLES
    assert (policy.keep is not None) == (policy.old is not None or bool(policy.walks))
    assert policy.keep is not None or (policy.forget, policy.drop) == (None, None)
    assert not isinstance(policy.keep, str) or policy.keep in KEEP


def test_every_setting_of_a_time_is_used_and_told(tmp_path: Path) -> None:
    """In the list, or by a walk; and in the reference of settings."""
    used = {policy.keep for policy in POLICIES} | {walk for policy in POLICIES for walk in policy.walks}
    assert set(KEEP) <= used
    told = (PAGE.parent / "settings.md").read_text("utf-8")
    assert [name for name in KEEP if f"`KEEP_{name.upper()}_DAYS`" not in told] == []
    keep = config.load({"KEEP_MATTERS_DAYS": "400"}, tmp_path).keep
    assert (keep["matters"], keep["history"]) == (400, KEEP["history"][0])


def test_the_page_for_whoever_must_answer_has_a_row_for_each_policy() -> None:
    """With the time and the reason of the list; a missing row is shown as it should be."""
    keep = {name: days for name, (days, _least) in KEEP.items()}
    rows = [f"| `{one.table}` | {one.what}: {kept(one, keep)} | {one.why} |" for one in POLICIES]
    page = PAGE.read_text("utf-8").splitlines()
    assert [row for row in rows if row not in page] == []
    assert [row for row in page if row.startswith("| `") and row not in rows] == []
