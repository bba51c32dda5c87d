"""run.py must start on a machine that has nothing but a Python, perhaps an old one."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

TREE = ast.parse((Path(__file__).parents[2] / "run.py").read_text(encoding="utf-8"))

# What a Python 2.7 or 3.5 cannot parse: it would show a syntax error instead of our line.
TOO_NEW = (
    ast.AnnAssign,
    ast.AsyncFunctionDef,
    ast.JoinedStr,
    ast.Match,
    ast.NamedExpr,
    ast.Nonlocal,
    ast.YieldFrom,
)


def imported() -> set[str]:
    names = set()
    for node in ast.walk(TREE):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_run_imports_the_standard_library_only() -> None:
    assert imported() <= sys.stdlib_module_names


def test_run_imports_at_its_top_only_what_the_oldest_pythons_have() -> None:
    at_top = {alias.name for node in TREE.body if isinstance(node, ast.Import) for alias in node.names}
    assert at_top <= {"glob", "hashlib", "os", "re", "shutil", "signal", "subprocess", "sys", "time"}


def test_run_parses_on_old_pythons() -> None:
    assert [ast.unparse(node) for node in ast.walk(TREE) if isinstance(node, TOO_NEW)] == []


def test_run_has_no_annotations_and_no_keyword_only_arguments() -> None:
    for node in ast.walk(TREE):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.posonlyargs, *node.args.kwonlyargs]
            assert node.returns is None, node.name
            assert not any(argument.annotation for argument in arguments), node.name
            assert not node.args.kwonlyargs, node.name
            assert not node.args.posonlyargs, node.name


def test_run_raises_from_nothing_and_unpacks_in_no_list() -> None:
    for node in ast.walk(TREE):
        assert not (isinstance(node, ast.Raise) and node.cause), ast.unparse(node)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            assert not any(isinstance(item, ast.Starred) for item in node.elts), ast.unparse(node)
