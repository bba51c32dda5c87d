"""Whatever is pushed to Aliyun's doors is read or refused: never a traceback, a hang or an echo of it."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins import load
from gateway.providers import Callback, Delivery, Inbound, Receipt, Report, Reporter, Unreadable
from tests.contract import contract_vectors as vectors

KINDS = {"sms-report": "aliyun_sms", "sms-up": "aliyun_sms", "voice-report": "aliyun_voice"}
REPORTERS: dict[str, Reporter] = {
    name: load(name, vectors.load("providers", name)["settings"] | endpoint)
    for name, endpoint in (
        ("aliyun_sms", {"ALIYUN_SMS_ENDPOINT": ""}),
        ("aliyun_voice", {"ALIYUN_VOICE_ENDPOINT": ""}),
    )
}
FIELDS = sorted(
    {
        field
        for name in REPORTERS
        for case in vectors.load("providers", name)["parse"]
        for report in case.get("json", ())
        if isinstance(report, dict)
        for field in report
    }
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
likely = st.sampled_from(
    [
        "13800138000",
        "+85291234567",
        "2026-11-21 16:05:11",
        "2026-02-30 25:61:00",
        "DELIVERED",
        "200000",
        "1",
        "",
    ]
)
reports = st.lists(st.dictionaries(st.sampled_from(FIELDS), likely | st.booleans() | anything), max_size=3)


def read(kind: str, body: bytes) -> list[Report]:
    """What the provider makes of it; nothing when it refuses, in words that repeat nothing of it."""
    try:
        found = list(REPORTERS[KINDS[kind]].parse(Callback(kind, "", {}, body, "")))
    except ValueError as error:
        refusal = error
    else:
        for report in found:
            can_be_kept(report)
        return found
    assert str(refusal) == "A push is a JSON array."
    assert (refusal.__cause__, refusal.__context__) == (None, None)
    return []


def can_be_kept(report: Report) -> None:
    """Its words fit into their columns, its time into UTC, its text into UTF-8; nothing is repeated."""
    if isinstance(report, Unreadable):
        assert report.code in {"no_object", *FIELDS}
        return
    assert report.at is None or report.at.astimezone(UTC).year >= 1999
    assert re.fullmatch(r"\+\d{5,15}", report.address)
    if isinstance(report, Receipt):
        assert (report.cause is None) == (report.delivery is not Delivery.UNDELIVERED)
        assert max(map(len, (report.reference, report.code, report.handover))) <= 64
        assert (report.reference + report.code + report.handover).isprintable()
    if isinstance(report, Inbound):
        assert max(len(report.id), len(report.to)) <= 64
        assert report.text.encode("utf-8") is not None


@pytest.mark.parametrize("kind", KINDS)
@given(body=st.binary(max_size=200))
@settings(max_examples=50)
def test_any_bytes_are_read_or_refused(kind: str, body: bytes) -> None:
    read(kind, body)


@pytest.mark.parametrize("kind", KINDS)
@given(value=anything | reports)
@settings(max_examples=100)
def test_any_json_is_read_or_refused(kind: str, value: Any) -> None:
    read(kind, json.dumps(value).encode())


@pytest.mark.parametrize("kind", KINDS)
@given(others=st.lists(anything | reports.map(lambda some: some[:1]), max_size=3), place=st.integers(0, 3))
@settings(max_examples=50)
def test_nothing_beside_a_true_report_loses_it(kind: str, others: list[Any], place: int) -> None:
    true = true_report(kind)
    alone = read(kind, json.dumps([true]).encode())
    found = read(kind, json.dumps([*others[:place], true, *others[place:]]).encode())
    assert [report for report in found if report in alone] == alone


@pytest.mark.parametrize("kind", KINDS)
@given(field=st.sampled_from(FIELDS), value=likely | anything)
@settings(max_examples=100)
def test_a_true_report_with_one_field_gone_wrong_is_read_or_refused(
    kind: str, field: str, value: Any
) -> None:
    true = true_report(kind)
    assert read(kind, json.dumps([true]).encode()), "the true one is read"
    read(kind, json.dumps([true | {field: value}]).encode())


def true_report(kind: str) -> dict[str, Any]:
    name = KINDS[kind]
    loaded = vectors.load("providers", name)
    cases = (case for case in loaded["parse"] if case.get("json"))
    first: dict[str, Any] = next(
        case["json"][0] for case in cases if case.get("kind", loaded["kind"]) == kind
    )
    return first


@pytest.mark.parametrize("body", ["[" * 100_000, '[{"a":' * 50_000, "[" + "9" * 5_000 + "]"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_would_overwhelm_a_parser_is_refused(kind: str, body: str) -> None:
    with pytest.raises(ValueError, match="JSON array"):
        REPORTERS[KINDS[kind]].parse(Callback(kind, "", {}, body.encode(), ""))
