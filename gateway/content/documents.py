"""Files that go with e-mails: policy documents, kept once however many people they go to.

Only what everybody can open and nobody has to fear is taken: PDF and DOCX, whole, without a
password and without macros, as far as that is easily told. Looking inside is for a virus scanner
in the relay; what is told here is what an office worker would get wrong.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, Uuid, insert, select

from gateway.db import Utc, metadata, upsert
from gateway.errors import HuiyinError
from gateway.messages import Attachment

MOST = 5  # files with one message
LARGEST = 5 * 2**20  # bytes of one file
LARGEST_TOGETHER = 10 * 2**20  # bytes: base64 makes 14 MB of it, and many mailboxes take 20
LONGEST_NAME = 80  # characters, with the ending
LONGEST_WRITTEN = 200  # characters, with stray spaces
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MEDIA_TYPES = {"pdf": PDF, "docx": DOCX}
PDF_PROGRAMS = frozenset({b"javascript", b"js", b"launch"})
PDF_FILES = frozenset({b"embeddedfile", b"embeddedfiles"})
# A name, a string's beginning, a stream's, or a comment up to the first name in it.
_PDF_PIECE = re.compile(rb"/[^\0\t\n\f\r ()<>\[\]{}/%]*|\(|(?<!end)stream\r?\n|%[^\r\n/]*")
_PDF_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_PAREN = re.compile(rb"\\.|[()]", re.DOTALL)

documents = Table(
    "documents",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
)
attachments = Table(
    "attachments",
    metadata,
    Column("owner", Uuid, primary_key=True),  # a broadcast
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), nullable=False),
)


class DocumentError(HuiyinError):
    """这个文件不能随邮件发送。 This file cannot go with an e-mail."""

    def __init__(self, zh: str, en: str) -> None:
        """What is wrong and what to do, in both languages."""
        super().__init__(f"{en} {zh}")
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Listed:
    """A document without its bytes; ``size`` in bytes."""

    name: str
    size: int


# --- what may go with an e-mail ----------------------------------------------------------


def checked(name: str, body: bytes) -> Attachment:
    """A file as it will be sent, or ``DocumentError`` with what to do about it."""
    plain = _name(name)
    ending = plain.rpartition(".")[2].lower()
    if len(body) > LARGEST:
        raise _too_large(plain)
    if ending == "pdf":
        _check_pdf(plain, body)
    elif ending == "docx":
        _check_docx(plain, body)
    else:
        raise DocumentError(
            f"“{plain}”不是PDF或DOCX。请另存为PDF，再添加一次。",
            f"{plain!r} is neither PDF nor DOCX. Save it as PDF and add that.",
        )
    return Attachment(plain, MEDIA_TYPES[ending], body)


def check_together(files: Sequence[Attachment]) -> None:
    """Raise ``DocumentError`` for more than one message should carry, or one name twice."""
    if len(files) > MOST:
        raise DocumentError(
            f"一封邮件最多{MOST}个文件，这里有{len(files)}个。请合并，或放到网站上。",
            f"An e-mail carries at most {MOST} files, here are {len(files)}. Join some of them.",
        )
    if sum(len(one.body) for one in files) > LARGEST_TOGETHER:
        raise DocumentError(
            "文件加起来超过10 MB，很多邮箱收不下。请压缩图片，或分开发。",
            "Together the files have more than 10 MB, which many mailboxes refuse. Make them smaller.",
        )
    if len({one.name.casefold() for one in files}) < len(files):
        raise DocumentError(
            "有两个文件同名，收件人分不清。请改名。", "Two files have the same name. Rename one of them."
        )


def _name(name: str) -> str:
    """The name as people see it, whatever machine it came from."""
    known = name if len(name) <= LONGEST_WRITTEN else ""  # more is no name, and dear to look at
    plain = unicodedata.normalize("NFC", known).strip()
    visible = all(unicodedata.category(c)[0] != "C" and c not in '\\/:*?"<>|' for c in plain)
    stem, dot, _ = plain.rpartition(".")
    if not (dot and visible and len(plain) <= LONGEST_NAME and any(c.isalnum() for c in stem)):
        raise DocumentError(
            f"文件名要让人看得懂，例如“办事指南.pdf”，最长{LONGEST_NAME}个字，不含/ : * ?等符号。请改名。",
            f"A file needs a name people can read, like 'guide.pdf': at most {LONGEST_NAME} characters, "
            "without signs such as / : * ?. Rename it.",
        )
    return plain


def _too_large(name: str) -> DocumentError:
    return DocumentError(
        f"“{name}”超过5 MB。请压缩图片后另存，或分成几个文件。",
        f"{name!r} has more than 5 MB. Make its pictures smaller, or split it.",
    )


def _check_pdf(name: str, body: bytes) -> None:
    if not body.startswith(b"%PDF-"):
        raise DocumentError(
            f"“{name}”不是PDF文件。请用软件另存为PDF，只改后缀不行。",
            f"{name!r} is no PDF. Save it as PDF; renaming is not enough.",
        )
    if b"%%EOF" not in body[-1024:]:
        raise _broken(name)
    names = frozenset(_pdf_names(body))
    if b"encrypt" in names:
        raise _locked(name)
    if names & PDF_PROGRAMS:
        raise DocumentError(
            f"“{name}”里有程序，邮箱会拦截。请用“打印为PDF”重新生成。",
            f"{name!r} holds a program, so mail systems stop it. Print it to PDF and add that.",
        )
    if names & PDF_FILES:
        raise _filled(name)


def _pdf_names(body: bytes) -> Iterator[bytes]:
    """The names that stand in the open (ISO 32000-1, 7.3.5), #xx decoded, in small letters.

    What a stream or a string holds is text or compressed, where the same signs mean nothing: a link
    to /js/ is no program.
    """
    place = 0
    while found := _PDF_PIECE.search(body, place):
        piece, place = found[0], found.end()
        if piece == b"(":
            place = _past_string(body, place)
        elif piece[0] == ord("/"):
            yield _PDF_HEX.sub(lambda code: bytes([int(code[1], 16)]), piece[1:]).lower()
        elif piece.startswith(b"stream"):
            place = body.find(b"endstream", place)
            if place < 0:
                return


def _past_string(body: bytes, place: int) -> int:
    """Where a string ends that began before ``place``; parentheses in it come in pairs."""
    depth = 1
    for found in _PDF_PAREN.finditer(body, place):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(body)


def _check_docx(name: str, body: bytes) -> None:
    if body.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE file: a password's wrapping, or Word of before 2007
        raise _locked(name)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as inside:
            entries = inside.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _no_docx(name) from None
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" not in names or not any(one.startswith("word/") for one in names):
        raise _no_docx(name)
    if any(entry.flag_bits & 1 for entry in entries):
        raise _locked(name)
    lower = [one.lower() for one in names]
    if any(one.endswith(("vbaproject.bin", "vbadata.xml")) or "/activex/" in one for one in lower):
        raise DocumentError(
            f"“{name}”里有宏，邮箱会拦截。请另存为PDF。",
            f"{name!r} holds macros, so mail systems stop it. Save it as PDF and add that.",
        )
    if any("/embeddings/" in one or "oleobject" in one for one in lower):
        raise _filled(name)


def _no_docx(name: str) -> DocumentError:
    return DocumentError(
        f"“{name}”不是DOCX文件，或已损坏。请用Word或WPS另存为DOCX或PDF。",
        f"{name!r} is no DOCX, or is damaged. Save it as DOCX or PDF with your word processor.",
    )


def _broken(name: str) -> DocumentError:
    return DocumentError(
        f"“{name}”不完整，可能没有下载完。请重新下载或另存，再添加一次。",
        f"{name!r} is cut off. Download or save it once more and add that.",
    )


def _filled(name: str) -> DocumentError:
    return DocumentError(
        f"“{name}”里还夹着别的文件（如插入的附件，图表后面的表格）。请用“打印为PDF”重新生成。",
        f"{name!r} holds other files, such as the sheet behind a chart. Print it to PDF and add that.",
    )


def _locked(name: str) -> DocumentError:
    return DocumentError(
        f"“{name}”有密码或是旧格式，收件人打不开。请去掉密码，另存为PDF。",
        f"{name!r} has a password or an old format. Take the password off and save it as PDF.",
    )


# --- keeping them ----------------------------------------------------------------------------


def add(tx: Connection, file: Attachment, now: datetime) -> bytes:
    """Keep a ``checked`` file, once however often it comes; its digest."""
    digest = hashlib.sha256(file.name.encode() + b"\0" + file.body).digest()
    row = {
        "digest": digest,
        "name": file.name,
        "media_type": file.media_type,
        "size": len(file.body),
        "body": file.body,
        "created_at": now,
    }
    tx.execute(upsert(tx, documents).values(row).on_conflict_do_nothing())
    return digest


def attach(tx: Connection, owner: UUID, files: Sequence[Attachment], now: datetime) -> None:
    """Let these checked files go with every e-mail of this owner, in this order."""
    digests = [add(tx, one, now) for one in files]
    rows = [{"owner": owner, "position": n, "digest": digest} for n, digest in enumerate(digests)]
    if rows:
        tx.execute(insert(attachments), rows)


# --- finding them ----------------------------------------------------------------------------


def of(tx: Connection, owners: Collection[UUID]) -> Mapping[UUID, tuple[Attachment, ...]]:
    """The files of each of these owners that has any; a document's bytes are read once."""
    columns = documents.c
    found = _found(tx, owners, columns.name, columns.media_type, columns.body)
    return {owner: tuple(Attachment(*row) for row in rows) for owner, rows in found.items()}


def listed(tx: Connection, owners: Collection[UUID]) -> Mapping[UUID, tuple[Listed, ...]]:
    """The same without the bytes."""
    found = _found(tx, owners, documents.c.name, documents.c.size)
    return {owner: tuple(Listed(*row) for row in rows) for owner, rows in found.items()}


def _found(
    tx: Connection, owners: Collection[UUID], *columns: Column[Any]
) -> dict[UUID, list[tuple[Any, ...]]]:
    """These columns of each owner's documents, in their order; a document is read once for all owners."""
    if not owners:
        return {}
    query = select(attachments).where(attachments.c.owner.in_(owners))
    places = tx.execute(query.order_by(attachments.c.owner, attachments.c.position)).all()
    if not places:
        return {}
    wanted = documents.c.digest.in_({row.digest for row in places})
    known = {
        digest: tuple(rest)
        for digest, *rest in tx.execute(select(documents.c.digest, *columns).where(wanted))
    }
    gathered: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in places:
        gathered.setdefault(row.owner, []).append(known[row.digest])
    return gathered
