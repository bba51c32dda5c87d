"""Attempts: one row for each notification in each hand-over, written before the call.

An attempt without an outcome whose lease has ended is an answer that was lost
with its worker: unknown, never "not sent".
"""

from __future__ import annotations

import secrets

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Uuid

from gateway.db import Utc, metadata

HANDOVER_BYTES = 7  # 14 characters: Aliyun voice takes an OutId of at most 15
CODE, REFERENCE = 80, 64  # characters of a vendor's words that are kept

attempts = Table(
    "attempts",
    metadata,
    Column("notification_id", Uuid, primary_key=True),
    Column("handover", String(15), primary_key=True),
    Column("provider", String(40), nullable=False),
    Column("address_index", LargeBinary(16), nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("outcome", String(12)),
    Column("code", String(CODE)),
    Column("provider_ref", String(REFERENCE)),
    Column("finished_at", Utc),
    Column("receipt", String(12)),
    Column("receipt_code", String(CODE)),
    Column("receipt_at", Utc),
    Column("cause", String(12)),  # why it was refused or did not arrive: a Cause
    postgresql_with={"fillfactor": 35},  # room for its outcome and receipt on the same page
)
# Over what never changes alone: outcome and receipt then touch no index (PostgreSQL's HOT updates).
Index("ix_attempts_address", attempts.c.address_index, attempts.c.started_at)
Index("ix_attempts_handover", attempts.c.handover)
Index("ix_attempts_provider", attempts.c.provider, attempts.c.started_at)

VALUE = 35  # characters of one value in a registered text, where a vendor bounds it

digests = Table(  # messages that told several notices; their attempts share hand-over and address
    "digests",
    metadata,
    Column("notification_id", Uuid, primary_key=True),  # the first of them
    Column("handover", String(15), primary_key=True),
    Column("address_index", LargeBinary(16), nullable=False),
    Column("template_id", Uuid, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("notices", Integer, nullable=False),
    Column("titles", String(VALUE), nullable=False),  # "" in an e-mail, which holds the letters themselves
)
Index("ix_digests_handover", digests.c.handover)


def storable(text: str, most: int) -> str:
    """A vendor's words without what a database refuses: lone surrogates, NUL, more than ``most``."""
    if text.isascii() and len(text) <= most and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:most]


def new_handover() -> str:
    return secrets.token_hex(HANDOVER_BYTES)
