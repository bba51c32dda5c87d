"""Mails that gather in a mailbox folder (Maildir): the unread ones, each put away once it is kept.

No provider of its own. Only ``new/`` is read: what a person or another program has looked at lies in
``cur/``. Source: Daniel J. Bernstein, "Using maildir format".
"""

from __future__ import annotations

import contextlib
import logging
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from integrations.mail_parts import LARGEST

AT_ONCE = 5_000  # mails of one round, some seconds: the others have theirs
log = logging.getLogger(__name__)


def unread(folder: str) -> Iterator[tuple[bytes, Callable[[], None]]]:
    """The beginning of each mail, oldest name first, with what marks it as seen.

    Raises ``OSError`` when the folder cannot be read, or has no room for what was seen: mails that
    stay would hide those after them. One mail that cannot be read stops no other.
    """
    given = 0
    (Path(folder) / "cur").mkdir(mode=0o700, exist_ok=True)
    for path in sorted((Path(folder) / "new").iterdir()):
        body = _beginning(path)
        if body is not None:
            yield body, partial(_put_away, path)
            given += 1
        if given == AT_ONCE:
            return


def _beginning(path: Path) -> bytes | None:
    """As much as is ever read of a report, however large the mail it returns; None for what is no mail."""
    try:
        if path.name.startswith(".") or not stat.S_ISREG(path.lstat().st_mode):
            return None
        with path.open("rb") as mail:
            return mail.read(LARGEST)
    except FileNotFoundError:  # another process was faster
        return None
    except OSError as error:
        log.warning("a mail in the folder of reports cannot be read: %s", type(error).__name__)
        return None


def _put_away(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # put away by another process
        path.rename(path.parent.parent / "cur" / f"{path.name.partition(':')[0]}:2,S")
