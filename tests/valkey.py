"""A broker of a test's own, which it may kill."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from gateway.instance import broker
from tests.leashed import leashed


class Valkey:
    """The embedded broker on a socket in its own folder; keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._socket = broker.socket_path(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis+socket://{self._socket}"

    def start(self) -> None:
        command = leashed(*broker.command(self._socket))
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not (self._socket.exists() and broker.answers(self._socket)):
            if time.monotonic() > deadline:
                raise TimeoutError("the broker does not start")
            time.sleep(0.02)

    def kill(self) -> None:
        """As a machine that loses power does it: nothing is left."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._socket.unlink(missing_ok=True)
            self._process = None
