"""Channels: one file per way of reaching a person, found by its name.

A channel knows its addresses, how long a text may be and how it is counted, how
long receipts may take, and the suffix of its message templates. It knows no
provider.
"""

from __future__ import annotations

import importlib
from datetime import timedelta
from functools import cache
from typing import Protocol, cast

from gateway.errors import HuiyinError, UnknownNameError


class AddressError(HuiyinError):
    """这不是可用的联系方式，请核对后重新填写。 This address cannot be used; check it and enter it again."""

    def __init__(self, reason: str = "not_an_address", zh: str = "", en: str = "") -> None:
        """``reason`` is our word for it. Neither text repeats the address."""
        super().__init__(f"{zh} {en}".strip())
        self.reason = reason
        self.zh = zh
        self.en = en


class Channel(Protocol):
    """What a channel's module holds."""

    SUFFIX: str
    """Names the channel in template files and lanes."""

    ADDRESS: str
    """Which of a citizen's addresses it uses (``mobile``, ``email``), and the kind of its blind index."""

    LIMIT: int
    """The longest text it carries, in its own units."""

    RECEIPT_WINDOW: timedelta
    """How long a receipt may take; after it "accepted" is all that will be known."""

    RETRIES: tuple[timedelta, ...]
    """How long after each time nobody was there it is tried again; after the last there is no other."""

    CAPS: tuple[tuple[int, timedelta], ...]
    """How often one address is tried at most within how long, over all messages."""

    def normalise(self, text: str) -> str:
        """The address in its one written form; ``AddressError`` says what is wrong with it."""

    def parts(self, text: str, signature: str) -> int:
        """How many units are charged for a text under a signature."""


@cache
def load(name: str) -> Channel:
    """The channel called ``name``; ``UnknownNameError`` if there is none."""
    path = f"{__name__}.{name}"
    try:
        return cast(Channel, importlib.import_module(path))
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise UnknownNameError(f"There is no channel called {name!r} in gateway/channels/.") from None
