"""The ``gateway`` command. Each module adds its verbs to ``main``."""

from gateway.cli import (
    answers,
    bench,
    books,
    broadcast,
    chaos,
    deployment,
    levers,
    machine,
    openapi,
    providers,
    reminders,
    replies,
    route,
    tidy,
    token,
    watch,
    wishes,
)
from gateway.cli.command import main

__all__ = [
    "answers",
    "bench",
    "books",
    "broadcast",
    "chaos",
    "deployment",
    "levers",
    "machine",
    "main",
    "openapi",
    "providers",
    "reminders",
    "replies",
    "route",
    "tidy",
    "token",
    "watch",
    "wishes",
]
