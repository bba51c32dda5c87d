"""What an instance keeps in its state folder, for its owner alone."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from gateway.config import RUNNING, Settings
from gateway.instance.supervisor import StartError

READY = "ready.json"


def lock(state: Path) -> int:
    """Lock the state folder; the lock ends with this process."""
    descriptor = os.open(state / "instance.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 20).decode() or "unknown"
        os.close(descriptor)
        raise StartError(
            f"Process {holder} already runs an instance in {state}; stop it or use another --state DIR."
        ) from None
    os.truncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def seeded_mark(settings: Settings) -> Path:
    """The mark of a finished demo, one for each database used with this state folder."""
    name = hashlib.sha256(settings.database_url.encode()).hexdigest()[:12]
    return settings.state / f"seeded-{name}"


def database_is_gone(settings: Settings) -> bool:
    kind, _, path = settings.database_url.partition(":///")
    return kind == "sqlite" and not Path(path).exists()


def clear(state: Path) -> None:
    """Remove what only a running instance says of itself."""
    for name in (READY, RUNNING):
        (state / name).unlink(missing_ok=True)


ACCOUNTS = (
    "aliyun",
    "twilio",
    "card_core",
    "pension_registry",
    "filing_register",
    "transfer_platform",
    "work_order_platform",
)


def kept_secrets(state: Path) -> Mapping[str, str]:
    """The sandbox's secrets, made at the first start and kept: its templates and ours stay good."""
    path = state / "sandbox.secrets"
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: secrets.token_urlsafe(24) for name in ACCOUNTS if name not in found}
    if missing:
        found |= missing
        write_private(path, json.dumps(found))
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file in one step, for its owner alone to read."""
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
