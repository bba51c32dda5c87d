"""Every provider's own receipts, applied in every order, twice, early and late; and bodies that are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from gateway import channels
from gateway.delivery import ledger, receipts
from gateway.delivery.receipts import callbacks
from gateway.delivery.store import attempts
from gateway.notifications import store
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.store import moved
from gateway.providers import Callback, Cause, Delivery, Receipt, Reporter
from tests.contract import contract_vectors as vectors
from tests.contract.test_providers import KIND, REPORTERS, as_it_is, callback_of
from tests.world import World

TEXTS = {"sms": "card_loss/failed", "voice": "policy/retirement_age", "email": "card_loss/succeeded"}
VALUES = {"name": "王*", "核验码": "000000", "card_tail": "6266", "until": "11月28日", "bank": "请联系发卡行"}


@dataclass(frozen=True)
class Push:
    """A vector with one receipt in it."""

    callback: Callback
    receipt: Receipt


def _with(world: World, name: str) -> Any:
    """The real provider, the only one there is, and somebody to write to."""
    world.settle(1)
    provider = vectors.build(KIND, name, "http://127.0.0.1:1", as_it_is)
    weights = {**world.runtime.settings.providers, provider.channel: {name: 1}}
    world.runtime = replace(
        world.runtime,
        providers={name: provider},
        settings=replace(world.runtime.settings, providers=weights),
    )
    return provider


def _pushes(name: str, provider: Reporter) -> list[Push]:
    """One of each verdict, all on one message: delivered, not, not because nobody was there, not final."""
    found: dict[tuple[Delivery, bool], Push] = {}
    for case in vectors.load(KIND, name)["parse"]:
        callback = callback_of(name, case)
        reports = provider.parse(callback)
        if len(reports) == 1 and isinstance(reports[0], Receipt) and reports[0].handover:
            push = Push(callback, reports[0])
            key = (reports[0].delivery, reports[0].cause is Cause.AWAY)
            same = [one.receipt for one in found.values()] or [push.receipt]
            if (same[0].address, same[0].handover) == (push.receipt.address, push.receipt.handover):
                found.setdefault(key, push)
    return list(found.values())


def _accepted(world: World, name: str, channel: str, receipt: Receipt, *, answered: bool) -> UUID:
    """A message handed over, its answer recorded or still on its way."""
    said = {"channel": channel, "template": TEXTS[channel], "personalisation": VALUES}
    (key,) = world.take(1, Class.RESULT, address=receipt.address, **said)
    now, due_at = world.clock.now, world.clock.now + timedelta(hours=1)
    with world.runtime.db.write() as tx:
        moves = [(Status.SENDING, Status.WAITING), *[(Status.ACCEPTED, Status.SENDING)] * answered]
        for new, old in moves:
            store.move(tx, [moved(store.hold(tx, [key])[key], new, due_at, old=old)], now)
        kind = channels.load(channel).ADDRESS
        tx.execute(
            insert(attempts).values(
                notification_id=key,
                handover=receipt.handover,
                provider=name,
                address_index=world.runtime.vault.index(kind, receipt.address),
                lease=1,
                started_at=now,
                outcome="accepted" if answered else None,
                provider_ref=receipt.reference or None if answered else None,
            )
        )
    return key


def _apply(world: World, name: str, pushes: Sequence[Push]) -> None:
    for push in pushes:
        with world.runtime.db.write() as tx:
            assert receipts.keep(tx, world.runtime, name, push.callback)
        receipts.apply_due(world.runtime)
        with world.runtime.db.write() as tx:
            assert tx.execute(select(callbacks.c.state)).scalars().all() == ["applied"]
            tx.execute(delete(callbacks))  # so that the same may come again


@pytest.mark.parametrize("answered", [True, False], ids=["late", "early"])
@pytest.mark.parametrize("name", REPORTERS)
def test_a_provider_s_receipts_in_any_order_end_where_the_first_final_one_says(
    name: str, answered: bool, sqlite_world: World
) -> None:
    """Whatever comes after it, and however often; also before the hand-over's own answer."""
    provider = _with(sqlite_world, name)
    pushes = _pushes(name, provider)
    assert {push.receipt.delivery for push in pushes} >= {Delivery.DELIVERED, Delivery.UNDELIVERED}
    retries = channels.load(provider.channel).RETRIES
    for order in permutations(pushes):
        key = _accepted(sqlite_world, name, provider.channel, pushes[0].receipt, answered=answered)
        _apply(sqlite_world, name, [*order, *order])
        first = next(push.receipt for push in order if push.receipt.delivery is not Delivery.PENDING)
        again = first.cause is Cause.AWAY and retries
        failed = Status.WAITING if again else Status.UNDELIVERED
        expected = Status.DELIVERED if first.delivery is Delivery.DELIVERED else failed
        assert {row.id: row.status for row in sqlite_world.rows()}[key] == expected
        with sqlite_world.runtime.db.read() as tx:
            assert ledger.balanced(tx)
        with sqlite_world.runtime.db.write() as tx:
            tx.execute(delete(attempts))


# --- bodies that are none --------------------------------------------------------------------------

BODIES = {
    name: [callback_of(name, case).body for case in vectors.load(KIND, name)["parse"]] for name in REPORTERS
}


@st.composite
def _mangled(draw: st.DrawFn, whole: Sequence[bytes]) -> bytes:
    """A real body with something cut out of it or put into it, or any bytes at all."""
    body = draw(st.sampled_from(whole) | st.binary(max_size=200))
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    return (
        body[:start]
        + draw(st.binary(max_size=8) | st.sampled_from([b"\0", b"\xff", b"%00", b"[", b'"']))
        + body[end:]
    )


@pytest.mark.parametrize("name", REPORTERS)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_stops_the_worker_that_applies_it(
    name: str, data: st.DataObject, sqlite_world: World
) -> None:
    """It is applied, kept for a message still to come, or set aside; nothing is raised."""
    world = sqlite_world
    provider = world.runtime.providers.get(name) or _with(world, name)
    assert isinstance(provider, Reporter)
    kinds = st.sampled_from(sorted(provider.reports))
    for body in data.draw(st.lists(_mangled(BODIES[name]), min_size=1, max_size=4)):
        push = Callback(
            data.draw(kinds), data.draw(st.sampled_from(["", "https://x.cn/?handover=h1"])), {}, body, ""
        )
        with world.runtime.db.write() as tx:
            receipts.keep(tx, world.runtime, name, push)
    receipts.apply_due(world.runtime)
    with world.runtime.db.read() as tx:
        assert not receipts.waiting(tx).get("new")
