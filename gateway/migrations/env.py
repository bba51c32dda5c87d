"""Alembic's hook: run the chain on the connection we were given."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from gateway.db import Utc, metadata


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column type by its short name in a generated revision."""
    return "Utc()" if kind == "type" and isinstance(item, Utc) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=render,
)
context.run_migrations()
