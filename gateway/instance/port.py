"""The one fixed port of an instance: taken before anything is started, kept until all has stopped."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path

from gateway.instance.supervisor import StartError

LOOPBACK = "127.0.0.1"
BACKLOG = 512
# The kernel needs a moment to clear what a killed instance held.
PATIENCE = 1.0  # seconds
LISTENING = "0A"  # st of /proc/net/tcp


def listen(port: int) -> socket.socket:
    """Open ``port`` on loopback, 0 for any free one; ``StartError`` says who has it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _open(port)
        except OverflowError:
            raise StartError(f"{port} is no port; give --port a number from 0 to 65535.") from None
        except PermissionError:
            raise StartError(f"Port {port} is for root alone; run with --port N, N above 1023.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise StartError(f"Port {port} cannot be opened: {error.strerror}.") from None
        if time.monotonic() > deadline:
            raise StartError(f"Port {port} is in use by {owner(port)}; stop it or run with --port N.")
        time.sleep(0.1)


def _open(port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((LOOPBACK, port))
        door.listen(BACKLOG)
    except BaseException:
        door.close()
        raise
    return door


def owner(port: int) -> str:
    """Name the process that listens on ``port``, as far as /proc shows it to us."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if sockets & {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"process {process.name} ({command.strip()[:80]})"
        except OSError:  # it ended meanwhile, or is not ours to look at
            continue
    return "another program"


def _listening(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        rows = table.read_text().splitlines()[1:] if table.exists() else []
        for columns in map(str.split, rows):
            if columns[3] == LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
    return inodes
