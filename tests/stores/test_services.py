"""What is kept of a service: whom its team keys may write to, and under which names its messages go out."""

from __future__ import annotations

from sqlalchemy import select

from gateway.services import guests, senders, store
from tests.world import World

NUMBER, ADDRESS = "+8613800138000", "Wang@example.cn"


def test_a_team_key_reaches_the_team_and_its_guests_only(world: World) -> None:
    """Others reach everybody; another service's guests are not mine; addresses are found, not readable."""
    vault, now = world.runtime.vault, world.clock.now
    with world.runtime.db.write() as tx:
        mine, other = (store.ensure_service(tx, name, now) for name in ("mine", "other"))
        assert guests.add(tx, vault, mine, "team", NUMBER, now)
        assert guests.add(tx, vault, mine, "guest", ADDRESS, now)
        assert not guests.add(tx, vault, mine, "guest", ADDRESS.lower(), now)
        for address in (NUMBER, ADDRESS, ADDRESS.upper()):
            assert guests.allows(tx, vault, mine, store.TEAM, address)
            assert not guests.allows(tx, vault, other, store.TEAM, address)
            assert guests.allows(tx, vault, other, store.NORMAL, address)
        assert not guests.allows(tx, vault, mine, store.TEAM, "+8613900139000")
        kept = b"".join(tx.execute(select(guests.guests.c.address)).scalars())
        assert NUMBER.encode() not in kept
        assert ADDRESS.encode() not in kept


def test_a_service_has_one_default_sender_a_channel_and_owns_its_inbound_numbers(world: World) -> None:
    """A new default takes the old one's place on its channel; what is sent to a number is its owner's."""
    vault, now = world.runtime.vault, world.clock.now
    with world.runtime.db.write() as tx:
        mine, other = (store.ensure_service(tx, name, now) for name in ("mine", "other"))
        first = senders.add(tx, vault, mine, "sms", "常德人社", now, default=True)
        post = senders.add(tx, vault, mine, "email", ADDRESS, now, default=True)
        second = senders.add(tx, vault, mine, "sms", "10690123", now, default=True, inbound=True)
        senders.add(tx, vault, other, "sms", "10690999", now)
        account = store.account(tx, vault, mine)
        assert account
        assert {one.id: (one.value, one.is_default) for one in account.senders} == {
            first: ("常德人社", False),
            post: (ADDRESS, True),
            second: ("10690123", True),
        }
        assert senders.owners(tx, vault, ["10690123", "10690999"]) == {"10690123": mine}
        assert senders.owners(tx, vault, []) == {}
