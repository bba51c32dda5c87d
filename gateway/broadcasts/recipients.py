"""A list of recipients instead of an audience: read, checked line by line, kept sealed until taken.

A list is CSV with a header: ``mobile`` or ``id_number``, and ``name`` if wanted, in
UTF-8 (with or without its mark) or GB18030. No address is ever shown again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    delete,
    insert,
    select,
)

from gateway import channels
from gateway.broadcasts.audience import Addressee, Page, Span, nameless
from gateway.channels import AddressError
from gateway.citizens import id_number
from gateway.citizens.register import citizens
from gateway.content.store import FALLBACK_LANGUAGE
from gateway.db import metadata
from gateway.errors import HuiyinError, TamperedError
from gateway.messages import Excess
from gateway.runtime import Runtime
from gateway.security import mask_name

BATCH = 1_000  # rows sealed and stored in one go
SHOWN = 20  # refused lines named one by one
LONGEST_NAME = 40
HEADINGS = {
    "mobile": ("mobile", "phone_number", "手机", "手机号", "手机号码"),
    "id_number": ("id_number", "身份证", "身份证号", "身份证号码", "公民身份号码"),
    "name": ("name", "姓名"),
}

log = structlog.get_logger()

recipients = Table(
    "broadcast_recipients",
    metadata,
    Column("broadcast_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("citizen_id", Uuid),
    Column("address", LargeBinary),
    Column("name", LargeBinary),
    Column("language", String(8), nullable=False),
)


class ListError(HuiyinError):
    """The list cannot be read: it is CSV in UTF-8 or GB18030, its first line naming the columns."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One good line: somebody of the register, or a normalised address. ``line`` is its place in the list."""

    line: int
    address: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    citizen_id: UUID | None = None
    language: str = FALLBACK_LANGUAGE


@dataclass(frozen=True, slots=True)
class Refused:
    """One bad line: where, and why; never what stood there. ``key`` is what of it, "" for its text."""

    line: int
    reason: str
    key: str = "phone_number"


@dataclass(slots=True)
class Checked:
    """What a list came to. ``duplicates`` are lines whose person stood there before."""

    good: list[Recipient] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    duplicates: int = 0


# --- reading ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written."""

    number: int
    value: str = field(repr=False)
    name: str = field(default="", repr=False)


def read_csv(raw: bytes) -> tuple[str, list[Line]]:
    """The kind of address (``mobile`` or ``id_number``) and the lines; raises ``ListError``."""
    reader = csv.reader(io.StringIO(_text(raw), newline=""))
    try:
        columns = _columns(next(reader, []))
        lines = [_line(reader.line_num, cells, columns) for cells in reader if any(map(str.strip, cells))]
    except csv.Error:
        raise ListError from None
    kinds = [kind for kind in ("mobile", "id_number") if kind in columns]
    if len(kinds) != 1:
        raise ListError("The list's first line must name one column mobile or id_number, and may name name.")
    return kinds[0], lines


def _text(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ListError


def _columns(header: Sequence[str]) -> dict[str, int]:
    plain = [heading.strip().lower() for heading in header]
    return {kind: plain.index(word) for kind, words in HEADINGS.items() for word in words if word in plain}


def _line(number: int, cells: Sequence[str], columns: dict[str, int]) -> Line:
    def cell(kind: str) -> str:
        place = columns.get(kind)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    return Line(number, cell("mobile") or cell("id_number"), cell("name"))


# --- checking ---------------------------------------------------------------------------


def check(
    tx: Connection,
    runtime: Runtime,
    kind: str,
    channel: str,
    lines: Iterable[Line],
    against: Callable[[Recipient], Excess | None] = lambda _line: None,
) -> Checked:
    """Sort the lines into good, refused and repeated; a query for each thousand ID numbers.

    ``against`` finds what of a line's message no provider can carry (``carrying.by_line``).
    """
    checked, seen = Checked(), set[bytes]()
    rest = iter(lines)
    while batch := list(islice(rest, BATCH)):
        for found in _by_id_number(tx, runtime, batch) if kind == "id_number" else _by_mobile(channel, batch):
            if isinstance(found, Refused):
                checked.refused.append(found)
                continue
            if beyond := against(found):
                place = "phone_number" if beyond.field == "address" else ""
                checked.refused.append(Refused(found.line, str(beyond), place))
                continue
            key = runtime.vault.index("recipient", str(found.citizen_id or found.address))
            if key in seen:
                checked.duplicates += 1
            else:
                seen.add(key)
                checked.good.append(found)
    return checked


def _by_mobile(channel: str, lines: Sequence[Line]) -> Iterator[Recipient | Refused]:
    normalise = channels.load(channel).normalise
    for line in lines:
        try:
            yield Recipient(line.number, normalise(line.value), _plain(line.name))
        except AddressError as error:
            yield Refused(line.number, error.en or error.reason)


def _plain(name: str) -> str | None:
    """A name as it can be said; None for none."""
    return "".join(character for character in name if character.isprintable())[:LONGEST_NAME] or None


def _by_id_number(tx: Connection, runtime: Runtime, lines: Sequence[Line]) -> Iterator[Recipient | Refused]:
    indexes = {}
    for line in lines:
        try:
            number = id_number.normalise(line.value)
            indexes[line.number] = runtime.vault.index("id_number", number)
        except ValueError:
            continue
    known = _known(tx, indexes.values())
    for line in lines:
        row = known.get(indexes.get(line.number, b""))
        if row is not None:
            name = _plain(line.name) or _own_name(runtime, row)
            yield Recipient(line.number, None, name, row.id, row.language)
        elif line.number in indexes:
            yield Refused(line.number, "Nobody in the register has this ID number.")
        else:
            yield Refused(line.number, "This is no ID number. Check it; it has 18 characters.")


def _own_name(runtime: Runtime, row: Any) -> str | None:
    try:
        return runtime.vault.open("citizens.name", row.id, row.name)
    except TamperedError:
        return None


def _known(tx: Connection, indexes: Iterable[bytes]) -> dict[bytes, Any]:
    columns = citizens.c
    query = select(columns.id, columns.id_index, columns.name, columns.language)
    return {row.id_index: row for row in tx.execute(query.where(columns.id_index.in_(list(indexes))))}


# --- keeping, and taking a page at a time ------------------------------------------------


def sealed(runtime: Runtime, broadcast: UUID, good: Sequence[Recipient]) -> list[dict[str, Any]]:
    """The rows to store; made outside any transaction."""

    def seal(column: str, recipient: Recipient, text: str | None) -> bytes | None:
        place = f"{broadcast}:{recipient.line}"
        return runtime.vault.seal(f"broadcast_recipients.{column}", place, text) if text else None

    return [
        {
            "broadcast_id": broadcast,
            "position": recipient.line,
            "citizen_id": recipient.citizen_id,
            "address": seal("address", recipient, recipient.address),
            "name": seal("name", recipient, recipient.name and mask_name(recipient.name)),
            "language": recipient.language,
        }
        for recipient in good
    ]


def keep(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.execute(insert(recipients), list(rows))


def page(tx: Connection, runtime: Runtime, broadcast: UUID, span: Span) -> Page:
    """The next recipients of a list, in the order of its lines."""
    columns = recipients.c
    query = select(columns.position, columns.citizen_id, columns.language, columns.name, columns.address)
    query = query.where(*_lines(broadcast, span.after, span.upto))
    rows = tx.execute(query.order_by(columns.position).limit(span.size)).all()
    of = str(broadcast)
    people = [
        Addressee(
            citizen,
            language,
            _opened(runtime, "name", f"{of}:{position}", name) or nameless(language),
            _opened(runtime, "address", f"{of}:{position}", address),
        )
        for position, citizen, language, name, address in rows
    ]
    return Page(people, str(rows[-1].position) if len(rows) == span.size else None)


def _lines(broadcast: UUID, after: str | None, upto: str | None) -> list[ColumnElement[bool]]:
    position = recipients.c.position
    lines = [recipients.c.broadcast_id == broadcast, position > int(after or -1)]
    return [*lines, position <= int(upto)] if upto else lines


def _opened(runtime: Runtime, column: str, place: str, cell: bytes | None) -> str | None:
    if not cell:
        return None
    try:
        return runtime.vault.open(f"broadcast_recipients.{column}", place, cell)
    except TamperedError:  # one bad cell must not stop everybody else's messages
        log.error("cell_cannot_be_opened", table="broadcast_recipients", row=place)  # noqa: TRY400
        return None


def forget(tx: Connection, broadcast: UUID, after: str | None = None, upto: str | None = None) -> None:
    """Drop the recipients between two lines: what was taken stands sealed with its notification."""
    tx.execute(delete(recipients).where(*_lines(broadcast, after, upto)))
