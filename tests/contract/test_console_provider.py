"""The provider for development writes what others would send."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import plugins
from gateway.errors import SettingError
from gateway.messages import Message
from gateway.providers import Accepted, Unreachable
from integrations.console import Console, build

AT = datetime(2026, 11, 21, 8, 5, 9, tzinfo=UTC)


def console(output: Path | str) -> Console:
    return build({"CONSOLE_OUTPUT": str(output)}, clock=lambda: AT)


def message(text: str) -> Message:
    return Message("+8613800138000", text, "常德人社")


def test_a_message_is_one_line_with_time_number_signature_and_text(tmp_path: Path) -> None:
    """A line break or an escape in the text starts no line of its own and steers no terminal."""
    console(tmp_path / "sent.log").hand_over("h1", [message("您的验证码482913\n请勿告知\x1b[2J他人")])
    written = (tmp_path / "sent.log").read_text("utf-8")
    assert written.endswith(" +8613800138000 【常德人社】您的验证码482913⏎请勿告知?[2J他人\n")
    assert datetime.fromisoformat(re.match(r"\S+ \S+", written)[0]) == AT  # type: ignore[index]


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    """The lines hold numbers and codes."""
    console(tmp_path / "sent.log").hand_over("h1", [message("好")])
    assert (tmp_path / "sent.log").stat().st_mode & 0o777 == 0o600


def test_standard_output_is_written_to_by_its_sign(capsys: pytest.CaptureFixture[str]) -> None:
    """- is the terminal."""
    assert console("-").hand_over("h1", [message("好")]) == [Accepted("h1-1")]
    assert capsys.readouterr().out.endswith("【常德人社】好\n")


def test_where_nothing_can_be_written_it_is_unreachable(tmp_path: Path) -> None:
    """A folder that is not there: surely not taken."""
    outcomes = console(tmp_path / "gone" / "sent.log").hand_over("h1", [message("好")] * 2)
    assert outcomes == [Unreachable("cannot_be_written")] * 2


def test_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    """Eight threads write fifty messages each; every line is whole."""
    one = console(tmp_path / "sent.log")

    def send() -> None:
        for _ in range(50):
            one.hand_over("h1", [message("字" * 200)])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "sent.log").read_text("utf-8").splitlines()
    assert len(lines) == 400
    assert all(line.endswith(f"【常德人社】{'字' * 200}") for line in lines)


@pytest.mark.parametrize("settings", [{}, {"CONSOLE_OUTPUT": ""}, {"CONSOLE_OUTPUT": "sent.log"}])
def test_it_is_never_on_by_accident(settings: dict[str, str]) -> None:
    """Without a place to write to it is not built, and a place must be a whole path."""
    with pytest.raises(SettingError, match="CONSOLE_OUTPUT"):
        plugins.load("console", settings)
