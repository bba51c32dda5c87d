"""The house's rules hold, and the tool that checks them would notice if they did not."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks import WHERE

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION = 50


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code alone, to be spoilt."""
    for name in ("gateway", "tasks", "integrations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("gateway/notifications/store.py", "import gateway.delivery.claim", "The house"),
        ("gateway/transactions/store.py", "import gateway.delivery.claim", "The house"),
        ("gateway/delivery/retry.py", "import sqlalchemy", "Decisions are pure"),
        ("gateway/phone/dialogue.py", "import gateway.runtime", "Decisions are pure"),
        ("gateway/delivery/claim.py", "import flask", "Flask only"),
        ("gateway/api/door.py", "import celery", "Celery only"),
        ("integrations/card_core.py", "import gateway.db", "Integrations know"),
        ("integrations/sandbox/app.py", "import gateway.errors", "The sandbox"),
    ],
)
def test_a_planted_violation_is_caught(copy: Path, file: str, line: str, contract: str) -> None:
    """Each contract breaks when its rule is broken, by name."""
    spoilt = copy / file
    spoilt.write_text(spoilt.read_text() + f"\n{line}\n")
    result = _lint(copy)
    assert result.returncode != 0
    assert any(contract in said and "BROKEN" in said for said in result.stdout.splitlines()), result.stdout


def _sources() -> Iterator[Path]:
    for name in ("gateway", "tasks", "integrations"):
        yield from (ROOT / name).rglob("*.py")


def test_files_and_functions_stay_small() -> None:
    """A file has at most 300 lines (400 for a provider), a function 50: more is two things."""
    long = []
    for path in _sources():
        if "versions" in path.parts:
            continue
        text = path.read_text()
        allowed = 400 if path.parent.name == "integrations" else 300
        if len(text.splitlines()) > allowed:
            long.append(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}: {node.name} {lines} lines")
    assert long == []


def test_no_room_is_called_after_nothing() -> None:
    """No utils, common, helpers, manager or constants: a line should know where it lives."""
    vague = {"utils", "common", "helpers", "manager", "constants"}
    assert [path for path in _sources() if path.stem in vague or vague & set(path.parent.parts)] == []


def test_a_row_of_transactions_is_changed_in_one_place() -> None:
    """``store`` keeps the rows a commit holds: whoever wrote past it would leave them as they were.

    Erasing and forgetting do, in commits of their own that load none of those rows.
    """
    wrote = re.compile(r"\b(?:insert|update|delete|upsert)\((?:tx, )?(?:store\.)?transactions\)")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in _sources()
        if path.parts[len(ROOT.parts)] != "tests" and wrote.search(path.read_text("utf-8"))
    }
    assert found == {
        "gateway/transactions/store.py",
        "gateway/rights/erase.py",
        "gateway/retention/matters.py",
    }


@pytest.mark.parametrize(
    ("mark", "places"), [("whole", WHERE["tests of wholes"]), ("alone", WHERE["tests alone"])]
)
def test_tests_of_the_later_runs_stand_where_they_are_looked_for(mark: str, places: list[str]) -> None:
    """A mark elsewhere would be a test that never runs."""
    marked = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tests").rglob("test_*.py")
        if file != Path(__file__) and f"mark.{mark}\n" in file.read_text("utf-8")
    }
    assert marked == set(places)


def test_every_room_of_tests_is_looked_into() -> None:
    """A folder nobody named would be one that never runs; those of the faults have runs of their own."""
    rooms = {file.parent.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("test_*.py")}
    assert rooms - {"tests/faults"} == set(WHERE["tests"])
