"""What is said of a work order to whoever has its number and four digits of a telephone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway import cities
from gateway.transactions.model import State, View
from gateway.work_orders import standing, told
from gateway.work_orders.words import KINDS

NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)


def said(kind: str, due: str, stage: str, extension: str, *, confidential: bool) -> str:
    rules = cities.shipped()["changde"].rules_at(NOW.date())
    facts = {"kind": kind, "confidential": "1" if confidential else "", "due": due, "provisional": "1"}
    facts |= {"extension": extension, "reopened_at": "", "reply": ""}
    view = View(
        "42197379552324",
        "work_order",
        State.SUCCEEDED,
        stage,
        rules,
        facts,
        None,
        None,
        slow=False,
        created_at=NOW,
        updated_at=NOW,
        now=NOW,
    )
    return " ".join(f"{words.zh}{words.en}" for words in told.explain(view))


@pytest.mark.parametrize("stage", sorted({*standing.UNDER_WAY, standing.EXTENSION}))
def test_a_confidential_one_reads_alike_whatever_its_kind_and_day(stage: str) -> None:
    """Neither the day, nor whether it may still move, nor why it takes longer tells the kind."""
    for extension in (False, True):
        texts = {
            said(kind, due, stage, cause if extension else "", confidential=True)
            for kind, due, cause in zip(
                KINDS,
                ("2026-12-04", "2027-03-01", "2026-12-18", "2026-12-02", "2027-02-19"),
                ("complex", "inquiries", "other_offices", "other", "inquiries"),
                strict=True,
            )
        }
        assert len(texts) == 1
        assert "月" not in min(texts)
    open_one = said("consultation", "2026-12-04", stage, "", confidential=False)
    assert "预计12月4日前（暂定）答复" in open_one
