"""Other weights for a channel's providers for a while: only for those there are."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.delivery import route_book
from gateway.delivery.route_book import Override
from gateway.errors import UnknownNameError
from gateway.runtime import Runtime


def override(tx: Connection, runtime: Runtime, wanted: Override) -> None:
    """Give these weights until then; ``UnknownNameError`` names the channel's providers."""
    known = runtime.weights(wanted.channel)
    if not known:
        raise UnknownNameError(f"There is no open channel called {wanted.channel[:40]!r}.")
    if strange := sorted(set(wanted.weights) - set(known)):
        raise UnknownNameError(
            f"{wanted.channel} has no provider {strange[0][:40]!r}; it has {', '.join(known)}."
        )
    if not wanted.weights:
        raise UnknownNameError(f"Name providers with weights; {wanted.channel} has {', '.join(known)}.")
    route_book.override(tx, runtime, wanted)
