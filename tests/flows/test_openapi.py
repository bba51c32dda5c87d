"""The document of the API: the same from the door and the command, valid, and true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from click.testing import CliRunner

from gateway import config, runtime
from gateway.api import document
from gateway.app import create_app
from gateway.cli import main
from tests.flows.documented import Documented
from tests.flows.processes import ROOT, bare
from tests.world import World


@pytest.fixture
def api(sqlite_world: World) -> Documented:
    return Documented(sqlite_world)


def conforms(whole: dict[str, Any], schema: dict[str, Any], body: Any) -> list[str]:
    """What of a body is not as the schema says."""
    wanted = {**schema, "components": whole["components"]}
    validator = jsonschema_rs.Draft202012Validator(wanted, validate_formats=True)
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(body)]


def test_the_command_writes_what_the_door_serves_and_needs_nothing_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a database nor a broker is asked, and no hash order shows."""
    environment = bare(tmp_path, PYTHONPATH=str(ROOT), PYTHONHASHSEED="7", BROKER_URL="redis://127.0.0.1:9/0")
    state, out = tmp_path / "state", tmp_path / "openapi.json"
    command = [sys.executable, "-m", "gateway.cli", "--state", str(state), "openapi"]
    printed = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=True).stdout
    monkeypatch.setattr("os.environ", environment)
    written = CliRunner().invoke(main, ["--json", "--state", str(state), "openapi", "--out", str(out)])
    assert json.loads(written.output)["file"] == str(out)
    here = runtime.build(config.load(environment, state), wake=lambda _lane: None, sending=False)
    served = create_app(here).test_client().get("/docs/openapi.json")
    here.db.close()
    assert served.content_type == "application/json"
    assert printed == out.read_bytes() == served.data
    assert not (state / "huiyin.db").exists()


def test_the_document_is_valid_openapi_and_names_everything_once(api: Documented) -> None:
    """Every operation has a summary, a tag that is described, and an id of its own."""
    schemathesis.openapi.from_dict(api.document).validate()
    assert api.document["openapi"] == "3.1.0"
    assert api.document["servers"][0]["url"] == api.world.runtime.settings.public_url
    found = list(document.operations(api.document))
    ids = [operation["operationId"] for *_, operation in found]
    described = {tag["name"] for tag in api.document["tags"] if tag["description"]}
    assert len(ids) == len(set(ids)) > 20
    for _, path, operation in found:
        assert operation["summary"], path
        assert set(operation["tags"]) <= described, path
        assert "default" not in operation["responses"], path


def test_every_route_of_the_api_stands_in_the_document(api: Documented) -> None:
    """And nothing stands there that is not served."""
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith("/v2/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _ in document.operations(api.document)} == served


def test_every_example_of_the_document_gets_the_answer_it_promises(api: Documented) -> None:
    """Each body that can be posted is shown by example, and each example is taken as it stands."""
    shown = set()
    for method, path, operation, name, body in list(api.examples()):
        shown.add(path)
        where = path.format(**api.parameters(path))
        answer = api.call(method, where, api.real(body))
        assert answer.status_code < 300, (path, name, answer.text)
        [content] = operation["responses"][str(answer.status_code)]["content"].values()
        assert conforms(api.document, content["schema"], answer.json) == [], (path, name)
    for method, path, operation in document.operations(api.document):
        assert "requestBody" not in operation or path in shown, f"{method} {path} has no example"


def test_a_refusal_has_one_shape_whatever_is_wrong(api: Documented) -> None:
    """Without a token, with a bad one, with broken JSON, on a route that is not there."""
    problems = {"$ref": "#/components/schemas/Problems"}
    for method, path, operation in document.operations(api.document):
        where = re.sub(r"\{\w+\}", "x", path)
        for header, status in (("", 401), ("Basic x", 401), ("Bearer x", 403)):
            answer = api.client.open(where, method=method.upper(), headers={"Authorization": header})
            assert (answer.status_code, str(status) in operation["responses"]) == (status, True), path
            assert conforms(api.document, problems, answer.json) == []
    for shown in api.document["components"]["responses"].values():
        [content] = shown["content"].values()
        assert conforms(api.document, problems, content["example"]) == []
    for method, path in (("get", "/v2/nothing"), ("delete", "/v2/transactions"), ("post", "/v2/%00")):
        answer = api.call(method, path)
        assert answer.status_code in (404, 405)
        assert conforms(api.document, problems, answer.json) == []
    broken = api.client.post(
        "/v2/transactions", data=b"{", headers={"Authorization": f"Bearer {api.token()}"}
    )
    assert (broken.status_code, conforms(api.document, problems, broken.json)) == (400, [])
    assert json.loads(broken.text)["errors"][0]["next_step"]
