"""The ``gateway`` command. Each module adds its verbs to ``main``."""

from gateway.cli import (
    answers,
    bench,
    broadcast,
    chaos,
    deployment,
    levers,
    machine,
    providers,
    reminders,
    replies,
    watch,
)
from gateway.cli.command import main

__all__ = [
    "answers",
    "bench",
    "broadcast",
    "chaos",
    "deployment",
    "levers",
    "machine",
    "main",
    "providers",
    "reminders",
    "replies",
    "watch",
]
