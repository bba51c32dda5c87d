"""Which of a person's cards is meant. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.cards.desk import C


def to_block(cards: Sequence[C], reference: str) -> C:
    """The card our report blocked, else the one in use, else one blocked before, else the first."""
    return min(cards, key=lambda card: (card.lost_serial != reference, _rank(card, "normal", "temp_lost")))


def to_release(cards: Sequence[C], reference: str) -> C:
    """The card our release freed, else the one that is blocked, else the one in use, else the first."""
    return min(
        cards, key=lambda card: (card.released_serial != reference, _rank(card, "temp_lost", "normal"))
    )


def to_show(cards: Sequence[C]) -> C:
    """The card in use, else the one that is blocked, formally too; last the ones that are no more."""
    order = ("normal", "temp_lost", "formal_lost", "replacing")
    return min(cards, key=lambda card: _rank(card, *order))


def reported(cards: Sequence[C], reference: str, tail: str) -> C | None:
    """The card of a report, by whose block it is, else by its last digits: its number may have changed."""
    by_serial = [card for card in cards if card.lost_serial == reference]
    by_tail = [card for card in cards if card.number.endswith(tail)]
    return next(iter([*by_serial, *by_tail]), None)


def _rank(card: C, *order: str) -> int:
    return order.index(card.state) if card.state in order else len(order)
