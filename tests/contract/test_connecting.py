"""The page on connecting a back office, followed to the letter: its files run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import integrations
from gateway import runtime as runtimes
from gateway.errors import SettingError
from gateway.transactions import registry
from tests.conftest import settings
from tests.contract import contract_vectors as vectors
from tests.contract import test_back_offices as suite

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-a-back-office.md"
NAME = "ourtown_filings"
GIVEN = {"OURTOWN_FILINGS_URL": "https://filings.ourtown.example", "OURTOWN_FILINGS_TOKEN": "token"}


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's two files, each where it says."""
    page = PAGE.read_text("utf-8")
    [connector] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [written] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / f"{NAME}.py").write_text(connector, "utf-8")
    (tmp_path / suite.KIND).mkdir()
    (tmp_path / suite.KIND / f"{NAME}.json").write_text(written, "utf-8")
    monkeypatch.setattr(vectors, "ROOT", tmp_path)
    monkeypatch.setattr(integrations, "__path__", [*integrations.__path__, str(tmp_path)])


@pytest.mark.usefixtures("followed")
def test_the_page_s_connector_holds_against_the_page_s_vectors(everything_said: Callable[[], str]) -> None:
    """Every call, nobody listening, and every method its type asks for."""
    cases = vectors.load(suite.KIND, NAME)["calls"]
    assert {case["method"] for case in cases} == {"filings", "submit", "correct", "cancel"}
    for case in cases:
        suite.test_a_call_ends_in_the_value_the_answer_means(NAME, case, everything_said)
    suite.test_a_back_office_nobody_answers_for_has_surely_done_nothing(NAME, everything_said)
    suite.test_a_connector_answers_whatever_its_types_ask(NAME)


@pytest.mark.usefixtures("followed")
def test_a_city_s_own_connector_takes_the_place_of_ours(tmp_path: Path) -> None:
    """Its settings make the type offered; a missing one is one line that names it."""
    base = replace(settings(tmp_path, "sqlite://"), demo=False, providers={})
    named = {"FILING_REGISTER_CONNECTOR": NAME}
    assert "filing" not in registry.offered(replace(base, environment=named))
    whole = replace(base, environment={**named, **GIVEN})
    assert "filing" in registry.offered(whole)
    here = runtimes.build(whole, wake=lambda _lane: None)
    assert type(here.back_office("filing_register")).__name__ == "OurtownFilings"
    half = runtimes.build(replace(base, environment=named), wake=lambda _lane: None)
    with pytest.raises(SettingError, match="OURTOWN_FILINGS_URL"):
        half.back_office("filing_register")


def test_the_page_names_every_back_office_and_its_setting() -> None:
    """A type that needs another one says so there."""
    page = PAGE.read_text("utf-8")
    for kind in registry.types().values():
        if kind.back_office:
            assert f"| `{kind.back_office}` |" in page
            assert f"`{kind.back_office.upper()}_CONNECTOR`" in page
