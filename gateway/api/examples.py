"""An example of every body that can be posted, as the document shows it; tests post them all."""

from __future__ import annotations

from typing import Any


def of(method: str, path: str) -> dict[str, Any]:
    """The examples of an operation, as a media type has them."""
    named = BODIES.get(f"{method} {path}", {})
    return {"examples": {name: {"value": body} for name, body in named.items()}} if named else {}


BODIES: dict[str, dict[str, Any]] = {}
