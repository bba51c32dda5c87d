"""Our own words for why a notification is where it is. What a vendor says stays the vendor's code.

They stand in ``notifications.reason``; ``delivery.why`` has a sentence for each.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Each with its one line of meaning."""

    # It waits.
    OUTSIDE_WINDOW = "outside_send_window"  # the city's hours or its working days
    CALLEE_CAP = "callee_cap"  # the person was called too often lately
    FREQUENCY_CAP = "frequency_cap"  # the person had enough notices lately; ends it where waiting is too long
    DIGEST = "digest"  # it goes with others of the same person, at the city's hour
    NOT_JOINED = "not_joined"  # nobody could carry it together with others, so it goes by itself
    NO_PROVIDER = "no_provider_can_carry_it"  # paused, without the template, or the channel is closed
    NUMBER_CAP = "provider_number_cap"  # every provider had this number often enough lately
    RATE = "provider_rate"  # so many a second, and no more
    QUOTA = "provider_day_quota"
    AWAY = "away"  # nobody was there; a call is made again
    NOT_TRIED = "not_tried"  # claimed, but its turn did not come in time
    NEVER_TAKEN = "never_taken"  # the provider says that it never had it

    # Nobody knows whether it was taken.
    WORKER_LOST = "worker_lost"  # the answer was lost with a worker
    PROVIDER_BUG = "provider_bug"  # our code for the provider failed
    OUR_BUG = "our_bug"  # our code around the call failed, before it or after
    CANNOT_ASK = "provider_cannot_be_asked"

    # It ended, or only a receipt could still change it.
    NO_RECEIPT = "no_receipt"  # accepted, and no receipt came in time
    TOO_LATE = "too_late"  # its time passed before it could go
    NO_ADDRESS = "no_address"
    OPTED_OUT = "opted_out"
    COMPLAINT = "complaint"
    DEAD_ADDRESS = "dead_address"
    NOT_WANTED = "not_wanted"  # by the person's preferences
    CANNOT_OPEN = "cannot_be_opened"
    CANNOT_RENDER = "cannot_be_rendered"
    CANNOT_CARRY = "beyond_every_provider"  # with the limit and the field
    USED = "used"  # the code before this one was right
    REPLACED = "replaced"  # a newer code took its place
    WITHDRAWN = "broadcast_cancelled"
    OPERATOR_CANCELLED = "operator_cancelled"
