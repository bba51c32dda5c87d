"""Schemathesis against every route: by the document's examples, its limits, beyond them, and in chains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.schemas import BaseSchema

from tests.flows.documented import Documented
from tests.serving import serving
from tests.world import World

EXAMPLES, LONG = 4, 60  # drawn for each route, and chains of as many beginnings
TAKING = {"POST /v2/notifications/sms", "POST /v2/notifications/email"}
"""Here the narrowed form says all there is to say, so what fits it is taken. Elsewhere an id may be
well-formed and name nothing: that is a 400, as at Notify.
"""


@pytest.fixture
def served(sqlite_world: World) -> Iterator[tuple[Documented, str]]:
    """The API on a port: schemathesis asks without a token by itself only over the wire."""
    api = Documented(sqlite_world)
    with serving(api.app) as url:
        yield api, url


def _schema(api: Documented, url: str, examples: int) -> BaseSchema:
    """The document with this instance's own ids, and how hard to try."""
    schema = schemathesis.openapi.from_dict(api.narrowed())
    config = schema.config
    config.base_url, config.seed, config.continue_on_failure = url, 20261128, True
    config.generation.max_examples = config.phases.stateful.generation.max_examples = examples
    config.generation.deterministic, config.generation.database = True, "none"
    config.checks.allow_header_conformance.enabled = False  # an id's route also matches ``/sms``

    @schema.auth(refresh_interval=None)
    class _Token:
        def get(self, case: Any, context: Any) -> str:
            return api.token()

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

    return schema


def _try(schema: BaseSchema) -> tuple[list[str], Counter[tuple[str, int]]]:
    """What was found wrong, and how often each operation gave each status."""
    wrong, seen = dict[str, None](), Counter[tuple[str, int]]()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            wrong[str(event.info if isinstance(event, events.NonFatalError) else event.exception)] = None
        if not isinstance(event, events.ScenarioFinished):
            continue
        for key, node in event.recorder.interactions.items():
            if node.response is not None:
                seen[event.recorder.cases[key].value.operation.label, node.response.status_code] += 1
        for key, checks in event.recorder.checks.items():
            for check in checks:
                label = event.recorder.cases[key].value.operation.label
                answer = event.recorder.interactions[key].response
                if check.failure_info and not _expected(check.name, label, answer):
                    said = answer.content[:300] if answer else b""
                    failure = check.failure_info.failure
                    wrong[f"{label}: {failure.title}: {failure.message}: {said!r}"] = None
    return list(wrong), seen


def _expected(check: str, label: str, answer: Any) -> bool:
    """Whether valid data may be refused here: it names nothing, or its Idempotency-Key was used before."""
    return check == "positive_data_acceptance" and (label not in TAKING or answer.status_code == 422)


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(LONG, marks=pytest.mark.long)])
def test_no_request_gets_an_answer_the_document_does_not_promise(
    served: tuple[Documented, str], examples: int
) -> None:
    """No fault of ours, no undocumented status, body or type; what breaks the schema is refused."""
    api, url = served
    wrong, seen = _try(_schema(api, url, examples))
    assert wrong == [], "\n".join(wrong)
    labels = {label for label, _ in seen}
    taken = {label for label, status in seen if status < 300}
    assert len(labels) > 20
    assert {"POST /v2/notifications/sms", "POST /v2/transactions", "POST /v2/broadcasts"} <= taken
