"""Somebody at a terminal of an instance that does not run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli import main


@dataclass(frozen=True, slots=True)
class Shell:
    """Gives the command's verbs one state folder; ``said`` is typed when it asks."""

    state: Path

    def __call__(self, *words: str, said: str | None = None) -> Result:
        return CliRunner().invoke(main, [*words, "--state", str(self.state)], input=said)

    def json(self, *words: str) -> Any:
        """The one object a verb that works prints."""
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)
