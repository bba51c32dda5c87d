"""What every table holds of a person: how its rows are found, what is read of them, what erasing leaves.

Each table of the schema stands here, in ``HELD`` or with its reason in ``NOTHING``; a test holds both
against the metadata. Columns of bytes are read only where they are named in ``opened``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.notifications.store import FORGOTTEN

ERASED = bytes(16)  # in the place of a blind index that may not be empty


class Key(StrEnum):
    """What a person's rows are found by; each with its one line of meaning."""

    CITIZEN = "citizen"  # the id of their row in the register
    SUBJECT = "subject"  # the blind index of the ID number
    ASKER = "asker"  # the blind index of ID number and name
    TRIED = "tried"  # both of these: what tries are counted by
    ADDRESS = "address"  # the blind indexes of the registered mobile and e-mail address
    TRANSACTION = "transaction"  # the ids of their transactions
    MESSAGE = "message"  # the ids of their messages


class Then(StrEnum):
    """What erasing does with the rows found; each with its one line of meaning."""

    DROPPED = "dropped"
    EMPTIED = "emptied"  # the row stays, without what names the person
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Held:
    """What one table holds of a person.

    ``by`` maps columns to the keys that find rows, ``opened`` are sealed columns that are read,
    ``hidden`` others that are not, ``of_others`` columns that name somebody else: shown as "somebody
    else". ``empty`` are the values that take the place of what names the person. ``why`` says what
    stays, and what for. ``shared``: rows found by an address may be of others who have it too.
    """

    by: Mapping[str, Key]
    then: Then
    opened: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    of_others: tuple[str, ...] = ()
    empty: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    shared: bool = False


WORK = ("due_at", "lease")  # columns of the work on a row, not of a person

HELD: Mapping[str, Held] = {
    "citizens": Held(
        {"id": Key.CITIZEN},
        Then.DROPPED,
        opened=("id_number", "name", "mobile", "email", "address", "postcode"),
    ),
    "query_passwords": Held({"citizen_id": Key.CITIZEN}, Then.DROPPED),
    "holds": Held({"citizen_id": Key.CITIZEN}, Then.DROPPED),
    "mandates": Held(
        {"citizen_id": Key.CITIZEN, "helper_id": Key.CITIZEN},
        Then.DROPPED,
        of_others=("citizen_id", "helper_id", "given_by"),
        why="also where they help somebody else: nobody could prove it any more",
    ),
    "preferences": Held({"citizen_id": Key.CITIZEN}, Then.DROPPED),
    "information_changes": Held(
        {"citizen_id": Key.CITIZEN}, Then.DROPPED, of_others=("decided_by",), hidden=WORK
    ),
    "transactions": Held(
        {"citizen_id": Key.CITIZEN, "subject": Key.SUBJECT},
        Then.EMPTIED,
        opened=("answers", "facts"),
        hidden=("helper_id", "factors", "calling", "tries", "told_waiting", *WORK),
        empty={"answers": None, "facts": None, "subject": None, "citizen_id": None},
        why="that something was done, when and how it ended, without whose it was",
    ),
    "timeline": Held(
        {"transaction_id": Key.TRANSACTION}, Then.KEPT, why="words and codes of what happened, nobody's name"
    ),
    "evaluations": Held(
        {"transaction_id": Key.TRANSACTION}, Then.KEPT, why="grades are counted; a number and a day"
    ),
    "promises": Held(
        {"transaction_id": Key.TRANSACTION},
        Then.KEPT,
        hidden=WORK,
        why="how promises are kept is counted; days and words, nobody's name",
    ),
    "reminders": Held({"citizen_id": Key.CITIZEN}, Then.DROPPED, hidden=WORK),
    "call_backs": Held(
        {"citizen_id": Key.CITIZEN, "transaction_id": Key.TRANSACTION},
        Then.EMPTIED,
        of_others=("taken_by",),
        empty={"citizen_id": None, "number_index": None},
        why="that a call was wanted, and whether it was made",
    ),
    "bookings": Held(
        {"citizen_id": Key.CITIZEN, "subject": Key.SUBJECT},
        Then.EMPTIED,
        hidden=("due_at",),
        empty={"citizen_id": None, "subject": ERASED},
        why="the places of a hall's day add up",
    ),
    "one_time_codes": Held({"who": Key.ASKER}, Then.DROPPED),
    "tallies": Held({"subject": Key.TRIED}, Then.DROPPED),
    "calls": Held(
        {"transaction_id": Key.TRANSACTION},
        Then.DROPPED,
        why="the places of telephone calls in their dialogue",
    ),
    "notifications": Held(
        {"id": Key.MESSAGE},
        Then.EMPTIED,
        opened=("personalisation", "address"),
        hidden=WORK,
        of_others=("citizen_id",),
        empty={
            "personalisation": FORGOTTEN,
            "address": None,
            "unsubscribe": None,
            "citizen_id": None,
            "reference": None,
        },
        why="the ledger counts it: that a message went, not to whom nor what it said",
    ),
    "attempts": Held(
        {"notification_id": Key.MESSAGE},
        Then.KEPT,
        hidden=("lease",),
        why="how each message went is matched with the providers' books, under a keyed index; "
        "dropped when attempts are old enough",
    ),
    "digests": Held(
        {"notification_id": Key.MESSAGE}, Then.KEPT, why="as attempts; titles are the texts' own names"
    ),
    "questions": Held(
        {"id": Key.MESSAGE},
        Then.EMPTIED,
        hidden=WORK,
        empty={"address_index": ERASED},
        why="answers are counted",
    ),
    "inbound": Held(
        {"address_index": Key.ADDRESS},
        Then.EMPTIED,
        opened=("address", "text"),
        of_others=("handled_by",),
        empty={"address": None, "text": None, "address_index": ERASED},
        why="that somebody wrote; left as it is where others have the same number",
        shared=True,
    ),
    "suppressions": Held(
        {"address_index": Key.ADDRESS},
        Then.KEPT,
        why="that nothing more is to go to this number or address, under a keyed index",
        shared=True,
    ),
    "guests": Held(
        {"address_index": Key.ADDRESS},
        Then.DROPPED,
        opened=("address",),
        why="left where others have the same number",
        shared=True,
    ),
    "broadcast_recipients": Held(
        {"citizen_id": Key.CITIZEN},
        Then.EMPTIED,
        empty={"citizen_id": None, "address": None, "name": None},
        why="a broadcast's list keeps its places; addresses on lists of others cannot be searched",
    ),
}

NOTHING: Mapping[str, str] = {
    "audit": "ids and words; a person's id there leads nowhere once they are erased",
    "audit_head": "the end of the chain",
    "slots": "places of a hall",
    "hall_closures": "when a hall was closed",
    "walk_ins": "counts of who came without a booking",
    "calendar_notices": "the country's holidays",
    "city_rules": "a city's rules",
    "replannings": "when reminders were planned again",
    "broadcasts": "what was said to many",
    "broadcast_pages": "between which places of a list somebody is at work",
    "acceptances": "that a provider took a call's messages",
    "check_codes": "by which code a notice to many is known",
    "templates": "texts without anybody's values",
    "template_versions": "texts without anybody's values",
    "provider_templates": "texts without anybody's values",
    "documents": "files that went to many",
    "attachments": "which files go with which text",
    "book_matches": "counts by day and provider",
    "barometer_counts": "counts by day and group of people; fewer than five are shown to nobody",
    "barometer_days": "which days were counted",
    "measures": "counts and times",
    "callbacks": "what providers reported, sealed as it came: not searchable by person, dropped within days",
    "tidied": "marks of what was forgotten",
    "route_events": "how providers fared",
    "weight_overrides": "which provider gets how much",
    "ledger": "counts",
    "pauses": "what is held still",
    "idempotency": "answers to services, sealed under their own keys, dropped after a day",
    "operators": "staff, not citizens",
    "operator_sessions": "staff, not citizens",
    "senders": "services' names",
    "services": "systems",
    "api_keys": "systems' keys",
    "webhooks": "systems' addresses",
    "webhook_events": "ids and words for systems",
    "demo_city": "how the demo was seeded",
}
