"""``run.py test``: every check of this repository, a line each with its seconds.

The static ones run beside pytest, which talks. All of them run whatever fails; what a
failing one says is shown whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEASH = ROOT / "gateway" / "instance" / "leash.py"
CONTRACTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
STATIC = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "import contracts": ["-c", CONTRACTS],
}
TOGETHER = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
LATER = ("tests of wholes", "tests alone")
TESTS = {
    "tests": ["not whole and not alone", *TOGETHER],
    "tests of wholes": ["whole", *TOGETHER],  # they hurt a whole product each, and mostly wait
    "tests alone": ["alone"],  # they measure a machine
}
# Where those of each run are: the dearest files first, so that at the end no process waits for another;
# and only there, for to look takes seconds.
WHERE = {
    "tests": [f"tests/{room}" for room in ("flows", "browser", "contract", "stores", "architecture", "unit")],
    "tests of wholes": [
        "tests/faults/test_chaos.py",
        "tests/faults/test_faults.py",
        "tests/flows/test_instance.py",
    ],
    "tests alone": ["tests/faults/test_push.py", "tests/contract/test_sandbox_speed.py"],
}
NONE_CHOSEN = 5  # pytest's exit code where nothing fits: two of the three runs, when a file is named


def main(arguments: list[str]) -> int:
    """Run everything; ``--all`` adds the tests marked ``long``, the rest is for pytest.

    Tests share the cores, a file of them to each, and with the static checks; those marked
    ``whole`` share them with their like, those marked ``alone`` come last.
    """
    started = time.monotonic()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of some hundred processes compiles all of it
    with ThreadPoolExecutor(len(STATIC)) as threads:
        static = {name: threads.submit(_static, name) for name in STATIC}
        passed = {"tests": _tests("tests", arguments)}
        passed |= {name: check.result() for name, check in static.items()}
    passed |= {name: _tests(name, arguments) for name in LATER}
    failed = [name for name, one in passed.items() if not one]
    seconds = time.monotonic() - started
    if failed:
        print(f"{len(failed)} of {len(passed)} checks failed in {seconds:.0f} s: {', '.join(failed)}")
        return 1
    print(f"All {len(passed)} checks passed in {seconds:.0f} s.")
    return 0


def _static(name: str) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *STATIC[name]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    words = done.stdout.decode(errors="replace") if done.returncode else ""
    _report(name, done.returncode == 0, time.monotonic() - began, words)
    return done.returncode == 0


def _tests(name: str, arguments: list[str]) -> bool:
    began = time.monotonic()
    options, chosen = TESTS[name], [argument for argument in arguments if argument != "--all"]
    marks = options[0] if "--all" in arguments else f"{options[0]} and not long"
    command = [sys.executable, "-m", "pytest", "-m", marks, *options[1:], *chosen]
    command += [] if chosen else WHERE[name]
    leash = [sys.executable, "-P", str(LEASH), str(os.getpid())]  # it ends with us, however we end
    code = subprocess.run([*leash, *command], cwd=ROOT, check=False).returncode
    passed = code == 0 or bool(code == NONE_CHOSEN and chosen)
    _report(name, passed, time.monotonic() - began)
    return passed


def _report(name: str, passed: bool, seconds: float, words: str = "") -> None:
    """Print in one piece: the static checks end in any order."""
    line = f"{'ok' if passed else 'FAIL':4} {name:17} {seconds:5.1f} s\n"
    sys.stdout.write(f"{words}{line}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
