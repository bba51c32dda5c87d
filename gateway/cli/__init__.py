"""The ``gateway`` command. Each module adds its verbs to ``main``."""

from gateway.cli import deployment, machine, watch
from gateway.cli.command import main

__all__ = ["deployment", "machine", "main", "watch"]
