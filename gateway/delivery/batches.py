"""Which messages travel together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from gateway.delivery.compose import Letter
from gateway.runtime import Runtime

Row = TypeVar("Row")


def batches(
    runtime: Runtime, sendable: Iterable[tuple[Row, Letter]]
) -> list[tuple[str, list[tuple[Row, Letter]]]]:
    """Cut by provider and template into what one call takes; an address stands once in a call."""
    cut: list[tuple[str, list[tuple[Row, Letter]]]] = []
    filling: dict[tuple[str, str | None], tuple[list[tuple[Row, Letter]], set[bytes]]] = {}
    for row, letter in sendable:
        key = (letter.provider, letter.message.template)
        batch, addresses = filling.get(key, ([], set()))
        full = len(batch) >= runtime.providers[letter.provider].batch
        if not batch or full or letter.address_index in addresses:
            batch, addresses = [], set()
            cut.append((letter.provider, batch))
            filling[key] = (batch, addresses)
        batch.append((row, letter))
        addresses.add(letter.address_index)
    return cut
