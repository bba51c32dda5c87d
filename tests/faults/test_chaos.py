"""Half a minute of faults, drawn by a seed, while all lanes are fed: every promise is kept."""

from __future__ import annotations

import pytest

from gateway.chaos import storm
from gateway.instance.postgres import installed

SEED, MINUTES = 28, 0.5  # among them a provider that takes and does not answer, kills, a wiped broker
pytestmark = pytest.mark.whole


def test_half_a_minute_of_faults_loses_and_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost 0, only codes twice, no expired code sent, books balanced, each recovered from in time."""
    monkeypatch.setenv("HUIYIN_LEASE_SECONDS", "10")
    result = storm.play(SEED, MINUTES, sqlite=not installed(), say=print)
    assert result["ok"], result
    assert result["taken"] > 300, "too little was fed: nothing was shown"
    assert sum(result["faults"].values()) >= 5
