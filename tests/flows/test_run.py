"""The environment run.py makes before anything else can run."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.flows.processes import PATIENCE, ROOT, bare, marked, until
from tests.leashed import leashed

NO_INDEX = "http://127.0.0.1:9/simple"  # the discard port: refused at once
STUB = "import sys; print('cli', sys.argv[1:])"  # stands where the product would go on


class Clone:
    """A copy of the repository as far as run.py needs one, with a lock of our choice."""

    def __init__(self, folder: Path, lock: str = "") -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        (folder / "gateway").mkdir(parents=True)
        (folder / "gateway" / "__init__.py").touch()
        (folder / "gateway" / "cli.py").write_text(STUB)
        (folder / "run.py").write_bytes((ROOT / "run.py").read_bytes())
        (folder / "requirements.lock").write_text(lock)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            leashed(sys.executable, "run.py", *arguments),
            cwd=self.folder,
            env=bare(self.folder, **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone whose environment stands; its lock is empty, so nothing is fetched."""
    clone = Clone(tmp_path_factory.mktemp("clone"))
    code, _, err = clone.run("queues")
    assert code == 0, err
    return clone


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_under_test", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 10)])
def test_an_old_python_is_told_in_one_line_which_one_is_needed(script: ModuleType, version: object) -> None:
    line = script.unsuitable(version, "posix")
    assert "Huiyin needs Python 3.11 or newer" in line
    assert "\n" not in line


@pytest.mark.parametrize("version", [(3, 11), (3, 14), (4, 0)])
def test_a_newer_python_is_welcome(script: ModuleType, version: object) -> None:
    assert script.unsuitable(version, "posix") == ""


def test_options_stand_before_or_after_the_verb(made: Clone) -> None:
    before = made.run("--state", "here", "--port=1", "up")
    after = made.run("up", "--port", "1", "--state=here")
    assert before == after == (0, "cli ['--state', 'here', 'up', '--port', '1']\n", "")


def test_without_a_verb_it_starts_the_product_and_passes_options_on(made: Clone) -> None:
    assert made.run()[1] == "cli ['up']\n"
    assert (
        made.run("demo", "--json", "--", "--state", "x")[1]
        == "cli ['demo', '--json', '--', '--state', 'x']\n"
    )


def test_an_option_without_its_value_is_one_line(made: Clone) -> None:
    assert made.run("up", "--port") == (2, "", "--port needs a value.\n")


def test_help_needs_no_environment(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone")
    code, out, _ = clone.run("--help")
    assert (code, clone.venv.exists()) == (0, False)
    assert "python3 run.py test" in out
    assert "一条命令" in out


def test_the_second_start_makes_nothing_again(made: Clone) -> None:
    stamp = made.venv / "huiyin.stamp"
    before = stamp.stat().st_mtime_ns
    assert made.run("queues")[2] == ""
    assert stamp.stat().st_mtime_ns == before


def test_the_callers_python_settings_do_not_disturb(made: Clone, tmp_path: Path) -> None:
    other = Clone(tmp_path / "other")
    (other.folder / "gateway" / "cli.py").write_text("print('somebody else')")
    disturbed = {
        "PYTHONPATH": str(other.folder),
        "VIRTUAL_ENV": "/nowhere",
        "__PYVENV_LAUNCHER__": "/nowhere",
    }
    assert made.run("queues", **disturbed)[1] == "cli ['queues']\n"


def test_an_interrupted_environment_is_made_afresh(made: Clone) -> None:
    (made.venv / "huiyin.stamp").unlink()
    (made.venv / "huiyin.unfinished").touch()
    half = made.venv / "lib" / "half-a-package"
    half.mkdir()
    assert made.run("queues")[:2] == (0, "cli ['queues']\n")
    assert not half.exists()
    assert not (made.venv / "huiyin.unfinished").exists()


def test_two_starts_at_once_on_a_fresh_clone_share_one_environment(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone")
    both = [clone.start("queues") for _ in range(2)]
    words = [process.communicate(timeout=PATIENCE) for process in both]
    assert [(process.returncode, out) for process, (out, _) in zip(both, words, strict=True)] == [
        (0, "cli ['queues']\n")
    ] * 2
    assert sum("Preparing" in err for _, err in words) == 1


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    code, _, err = Clone(tmp_path / "clone").run("queues", HUIYIN_VENV=str(mine))
    assert (code, [path.name for path in mine.iterdir()]) == (2, ["thesis.txt"])
    assert err == f"{mine} holds something else; name another folder with HUIYIN_VENV.\n"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"  # root may write everywhere, but not in a file as if it were a folder
    file.touch()
    code, _, err = Clone(tmp_path / "clone").run("queues", HUIYIN_VENV=str(file / "venv"))
    assert (code, len(err.splitlines())) == (2, 1)
    assert "Name a folder you may write to with HUIYIN_VENV" in err


def test_an_unreachable_package_index_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", "six==1.17.0 --hash=sha256:" + 64 * "0")
    code, _, err = clone.run("queues", PIP_INDEX_URL=NO_INDEX, PIP_RETRIES="1")
    assert code == 3
    assert last_line(err).startswith(f"The package index {NO_INDEX} cannot be reached. Set PIP_INDEX_URL")
    assert not (clone.venv / "huiyin.unfinished").exists()  # what is there need not be made again


def test_an_interruption_while_packages_come_leaves_no_pip_and_a_mark(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", "six==1.17.0 --hash=sha256:" + 64 * "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = clone.start("queues", PIP_INDEX_URL=index, MARK=str(tmp_path))
        with silent.accept()[0]:  # pip has come and waits
            process.terminate()
            _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, last_line(err)) == (130, "Stopped.")
    assert (clone.venv / "huiyin.unfinished").exists()
    until(lambda: not marked(tmp_path))
