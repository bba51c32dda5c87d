"""A hand-over in which one message tells several: as the provider sees it, and as it is on record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select

from gateway.content import store as content
from gateway.delivery.compose import Letter
from gateway.delivery.store import digests
from gateway.messages import Message
from gateway.providers import Outcome
from gateway.rows import one_of

if TYPE_CHECKING:
    from gateway.delivery.claim import Handover, Held

Place = tuple[str, bytes]  # hand-over and address: one message


def spread(
    call: Handover, batch: Sequence[tuple[Held, Letter]], sending: Callable[[Row[Any], Letter], Held]
) -> Handover:
    """The call with all that its letters tell: each beside the first of its letter, with the same message."""
    letters = [letter for _, letter in batch]
    if not any(letter.joined for letter in letters):
        return call
    each = [
        [first, *(sending(row, letter) for row in letter.joined.others)] if letter.joined else [first]
        for first, letter in batch
    ]
    sized = [(letter, len(some)) for letter, some in zip(letters, each, strict=True)]
    return replace(
        call,
        held=[held for some in each for held in some],
        messages=[letter.message for letter, size in sized for _ in range(size)],
        indexes=[letter.address_index for letter, size in sized for _ in range(size)],
        together=[letter.joined for letter in letters],
    )


def _places(call: Handover) -> list[int]:
    """Where the first notification of each message stands."""
    sizes = (1 + len(one.others) if one else 1 for one in call.together)
    return [0, *accumulate(sizes)][: len(call.together)]


def once(call: Handover) -> Handover:
    """The call as its provider sees it: each message once, for the first that it tells."""
    if not call.together:
        return call
    places = _places(call)
    return replace(
        call,
        held=[call.held[place] for place in places],
        messages=[call.messages[place] for place in places],
        indexes=[call.indexes[place] for place in places],
        together=(),
    )


def each(call: Handover, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """The outcomes of the messages, for each notification that they tell."""
    if not call.together:
        return outcomes
    sizes = (1 + len(one.others) if one else 1 for one in call.together)
    return [how for how, size in zip(outcomes, sizes, strict=True) for _ in range(size)]


def messages(call: Handover, outcomes: Sequence[Outcome]) -> Iterator[tuple[Message, Outcome]]:
    """Each message once, with its outcome; ``outcomes`` are those of the notifications."""
    if not call.together:
        yield from zip(call.messages, outcomes, strict=True)
        return
    for place in _places(call):
        yield call.messages[place], outcomes[place]


def keep(tx: Connection, calls: Sequence[Handover]) -> None:
    """Write down which messages tell several, with the attempts that they are."""
    rows = [
        {
            "notification_id": call.held[place].id,
            "handover": call.id,
            "address_index": call.indexes[place],
            "template_id": one.text[0],
            "template_version": one.text[1],
            "notices": 1 + len(one.others),
            "titles": one.titles,
        }
        for call in calls
        if call.together
        for place, one in zip(_places(call), call.together, strict=True)
        if one
    ]
    if rows:
        tx.execute(insert(digests), rows)


def told(tx: Connection, handovers: Collection[str]) -> Mapping[Place, str]:
    """What those of their messages said that told several, without the signature."""
    if not handovers:
        return {}
    rows = tx.execute(select(digests).where(one_of(tx, digests.c.handover, sorted(handovers)))).all()
    keys = {row: (row.template_id, row.template_version) for row in rows}
    known = content.versions(tx, list(set(keys.values()))) if rows else {}
    return {
        (row.handover, row.address_index): known[keys[row]].compiled.render(
            {"count": str(row.notices), "titles": row.titles}
        )
        for row in rows
    }


def counted(tx: Connection, handovers: Collection[str]) -> Mapping[Place, int]:
    """How many notices each of their messages told that told several."""
    if not handovers:
        return {}
    columns = digests.c
    query = select(columns.handover, columns.address_index, columns.notices)
    found = tx.execute(query.where(one_of(tx, columns.handover, sorted(handovers))))
    return {(handover, address): notices for handover, address, notices in found}
