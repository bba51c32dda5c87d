"""The ``gateway`` command. Each module adds its verbs to ``main``."""

from gateway.cli import broadcast, deployment, levers, machine, reminders, watch
from gateway.cli.command import main

__all__ = ["broadcast", "deployment", "levers", "machine", "main", "reminders", "watch"]
