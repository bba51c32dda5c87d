"""What a provider pushed, as it is kept under seal, and the reports in it as a database can keep them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row

from gateway.providers import Callback, Complaint, Receipt, Report, Reporter, Unreadable
from gateway.runtime import Runtime

CELL = "callbacks.body"
FASTEST = 1  # of zlib's levels
LONGEST_CODE = 80  # characters of a provider's own word that are kept
log = structlog.get_logger()


def packed(callback: Callback) -> bytes:
    """Its address, as JSON that needs one line, and below that its body, whatever bytes it is of.

    Hundreds of receipts say much the same: squeezed to a twentieth in less time than the database
    needs to write the rest of them down, and to give it back.
    """
    return zlib.compress(json.dumps(callback.url).encode() + b"\n" + callback.body, FASTEST)


def _unpacked(kind: str, kept: bytes) -> Callback:
    url, _, body = zlib.decompress(kept).partition(b"\n")
    return Callback(kind, json.loads(url), {}, body, "")


def read(runtime: Runtime, row: Row[Any]) -> Sequence[Report] | None:
    """What is in a callback; None when nobody can read it."""
    provider = runtime.providers.get(row.provider)
    if not isinstance(provider, Reporter):
        return None
    try:
        came = _unpacked(row.kind, runtime.vault.open_bytes(CELL, row.id, row.body))
        reports = [_clean(report, row.received_at) for report in provider.parse(came)]
    except Exception as error:  # noqa: BLE001 - whatever came in, it is kept as unreadable, not tried for ever
        log.warning("callback_unreadable", callback=str(row.id), error=type(error).__name__)
        return None
    if codes := sorted({report.code for report in reports if isinstance(report, Unreadable)}):
        log.warning("callback_unreadable_in_part", callback=str(row.id), codes=codes)
    return reports


def _clean(report: Report, came: datetime) -> Report:
    """Its words without what a database refuses: lone surrogates and NUL.

    Where the provider gives no time it is when this came, however late somebody gets to it.
    """
    if isinstance(report, Receipt):
        return report if _is_clean(report) else _cleaned(report, came)
    if isinstance(report, Unreadable):
        return report
    plain = replace(report, address=_storable(report.address), at=report.at or came)
    if isinstance(plain, Complaint):
        return plain
    return replace(
        plain,
        id=_storable(plain.id),
        to=_storable(plain.to),
        text=_storable(plain.text),
        handover=_storable(plain.handover),
    )


def _is_clean(receipt: Receipt) -> bool:
    said = f"{receipt.address}{receipt.handover}{receipt.reference}{receipt.code}"
    return receipt.at is not None and said.isprintable() and len(receipt.code) <= LONGEST_CODE


def _cleaned(receipt: Receipt, came: datetime) -> Receipt:
    return receipt._replace(
        reference=_storable(receipt.reference),
        address=_storable(receipt.address),
        code=_storable(receipt.code)[:LONGEST_CODE],
        at=receipt.at or came,
        handover=_storable(receipt.handover),
    )


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")
