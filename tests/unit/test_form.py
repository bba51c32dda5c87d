"""Bodies are read at once or as marshmallow reads them: nobody can tell which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from gateway.api.batch_schemas import NewBatchSchema
from gateway.api.form import reader
from gateway.api.notification_schemas import NewEmailSchema, NewSmsSchema, NewVoiceSchema
from gateway.api.schemas import NewTransactionSchema

_good: dict[str, Any] = {
    "phone_number": "13800138000",
    "email_address": "wang@example.cn",
    "template_id": "740e5834-3a29-46b4-9a6f-16142fde533a",
    "personalisation": {"a": 1},
    "reference": "r",
    "scheduled_for": "2026-11-28T10:00:00",
    "sanitise_content_for": None,
    "play_times": 2,
    "items": [{}],
    "answers": {},
    "proof": {"method": "code"},
    "type": "card_loss",
}
_bodies: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from([*_good, "more"]),
    st.none() | st.booleans() | st.integers(-1, 4) | st.text(max_size=4) | st.just([]) | st.just({}),
    max_size=3,
)


def _outcome(read: Any, body: dict[str, Any]) -> Any:
    try:
        return read(body)
    except ValidationError as error:
        return error.messages


@pytest.mark.parametrize(
    "schema", [NewSmsSchema(), NewEmailSchema(), NewVoiceSchema(), NewBatchSchema(), NewTransactionSchema()]
)
@given(other=_bodies, kept=st.sets(st.sampled_from(list(_good))))
def test_a_body_is_read_as_its_form_reads_it(schema: Schema, other: dict[str, Any], kept: set[str]) -> None:
    """The same values where nothing is wrong, and otherwise every fault, in the form's own words."""
    mine = {name: value for name, value in _good.items() if name in schema.fields and name in kept}
    for body in ({**mine, **other}, mine):
        assert _outcome(reader(schema), body) == _outcome(schema.load, body)
