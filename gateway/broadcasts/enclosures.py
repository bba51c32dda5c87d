"""The files that go with a broadcast's e-mails: read where they lie, checked before anybody is counted.

Every function that reads raises ``DefinitionError`` naming each wrong file by its place.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gateway.broadcasts.definition import Definition, DefinitionError
from gateway.channels import email
from gateway.content import documents
from gateway.content.documents import DocumentError
from gateway.messages import Attachment
from gateway.notifications.carriage import carriage
from gateway.runtime import Runtime

KEY = "attachments"
Source = TypeVar("Source")


def beside(folder: Path, names: Sequence[str]) -> list[Attachment]:
    """The files a definition names; they lie in its own folder."""

    def read(name: str) -> Attachment:
        if Path(name).name != name:
            raise ValueError("must be the name of a file beside the definition, without a folder")
        return _at(folder / name)

    return _each(names, read)


def at(paths: Sequence[Path]) -> list[Attachment]:
    """Files wherever they lie."""
    return _each(paths, _at)


def decoded(given: Sequence[Mapping[str, str]]) -> list[Attachment]:
    """Files as the API takes them: ``name``, and ``content`` in base64."""

    def read(one: Mapping[str, str]) -> Attachment:
        try:
            plain = "".join(one["content"].split())  # many encoders break lines
            body = base64.b64decode(plain, validate=True)
        except ValueError:
            raise ValueError("content must be the file in base64") from None
        return documents.checked(one["name"], body)

    return _each(given, read)


def check(runtime: Runtime, definition: Definition, files: Sequence[Attachment]) -> None:
    """Raise ``DefinitionError`` where these cannot go with this broadcast."""
    if not files:
        return
    if email.SUFFIX not in definition.channels:
        raise DefinitionError([(KEY, "go with e-mails only; let a rung go by email")])
    try:
        documents.check_together(files)
    except DocumentError as error:
        raise DefinitionError([(KEY, str(error))]) from None
    carriers = carriage(runtime, email.SUFFIX).limits
    most = max((limits.files for limits in carriers), default=0)
    size = sum(len(one.body) for one in files)
    if carriers and size > most:
        words = f"have {size:,} bytes together; the e-mail providers here take at most {most:,}."
        raise DefinitionError([(KEY, f"{words} Make them smaller. 文件太大，请压缩。")])


def _at(path: Path) -> Attachment:
    try:
        with path.open("rb") as file:
            body = file.read(documents.LARGEST + 1)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    return documents.checked(path.name, body)


def _each(sources: Iterable[Source], read: Callable[[Source], Attachment]) -> list[Attachment]:
    files, problems = [], []
    for place, source in enumerate(sources):
        try:
            files.append(read(source))
        except (ValueError, DocumentError) as error:
            problems.append((f"{KEY}.{place}", str(error)))
    if problems:
        raise DefinitionError(problems)
    return files
