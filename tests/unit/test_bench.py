"""The bench's own instruments."""

from __future__ import annotations

import os
import subprocess
import sys

from gateway.bench import machine


def test_the_machine_is_named() -> None:
    found = machine.described()
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert all(found.values())


def test_what_a_process_and_its_children_spend_is_counted() -> None:
    """A child's child counts for the group, and so does one that has ended meanwhile."""
    spin = "import time\nend=time.process_time()+0.3\nwhile time.process_time()<end: pass"
    outer = (
        f"import subprocess,sys; input(); subprocess.run([sys.executable,'-c',{spin!r}]); print(); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as busy:
        assert busy.stdin
        assert busy.stdout
        costs = machine.Costs({"busy": [busy.pid], "nobody": [None]})
        busy.stdin.write("\n")
        busy.stdin.flush()
        busy.stdout.readline()
        spent = costs.since()
        assert machine.resident_mb([busy.pid]) > 1
        busy.stdin.write("\n")
    assert 0.25 <= spent["busy"] < 5
    assert spent["nobody"] == 0
