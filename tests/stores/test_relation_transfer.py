"""A transfer from its first look to its end, on both databases: who looks into it when it stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.transactions import engine, registry, steps, store
from gateway.transactions.store import Transaction, transactions
from integrations.transfer_platform import Transfer
from tests.stores.test_transactions import messages
from tests.stores.test_work_orders import Platform
from tests.world import World

APPLIED_ON = date(2026, 11, 2)
SINCE = datetime(2026, 11, 9, tzinfo=UTC)
AT = Transfer("9", "430100", "430700", "letter_sent", SINCE, APPLIED_ON, APPLIED_ON, None, None, "")


@dataclass(slots=True)
class There:
    """The platform, what it says, and the transactions it leads to."""

    world: World
    office: Platform
    now: list[Transfer] = field(default_factory=lambda: [AT])

    def transfers(self, id_number: str, name: str, city: str) -> Sequence[Transfer]:
        return self.now

    def asked(self) -> Transaction:
        runtime, person = self.world.runtime, self.world.people[0]
        with runtime.db.write() as tx:
            it = engine.open_draft(tx, runtime, "relation_transfer", "web")
            assert not engine.answer(
                tx, runtime, it, {"id_number": person.id_number, "name": person.name}
            ).value
            engine.attest(tx, runtime, it, "test")
            assert engine.submit(tx, runtime, it).value
        steps.run_due(runtime)
        return self.stands(it)

    def looked(self, it: Transaction, state: str = "letter_sent", *, days: int) -> Transaction:
        """How it stands once it was looked at whenever it wanted to be, for so long."""
        self.now = [replace(self.now[0], state=state, cause="review_failed")]
        end = self.world.clock() + timedelta(days=days)
        while (due := self.stands(it).row.due_at) and due <= end:
            self.world.clock.now = max(self.world.clock(), due)
            steps.run_due(self.world.runtime)
        self.world.clock.now = end
        return self.stands(it)

    def stands(self, it: Transaction) -> Transaction:
        with self.world.runtime.db.read() as tx:
            return store.load(tx, self.world.runtime, it.id)

    def orders(self) -> list[Transaction]:
        with self.world.runtime.db.read() as tx:
            query = select(transactions).where(transactions.c.type == "work_order")
            rows = tx.execute(query.order_by(transactions.c.created_at)).all()
        return [store.opened(self.world.runtime, row) for row in rows]


@pytest.fixture
def there(world: World) -> There:
    world.settle(1)
    there = There(world, Platform(world))
    offices = {"transfer_platform": there, "work_order_platform": there.office}
    world.runtime._back_offices.update(offices)
    return there


def test_a_leg_that_stands_still_opens_one_order_and_the_citizen_hears_its_number(there: There) -> None:
    """On the first day it is late, once; a refusal later opens another, named where it belongs."""
    it = there.asked()
    assert there.looked(it, days=1).row.stage == "letter_sent"
    assert there.orders() == []
    late = there.looked(it, days=10)
    (order,) = there.orders()
    assert order.row.created_at.date() == date(2026, 11, 23)
    assert order.answers["text"] == (
        "养老关系转移第2步“联系函已发给原参保地”自2026年11月2日起超过15个工作日没有办完，请催办，并答复市民。"
    )
    number = order.row.reference
    assert list(there.office.orders) == [str(order.id)]
    texts = [text for text in messages(there.world) if "超过15个工作日" in text]
    assert texts == [
        f"您的养老关系转移第2步已超过15个工作日没有办完，已登记工单{number}催办，有结果告诉您。咨询0736-12333"
    ]
    said = registry.get("relation_transfer").explain(late.view(there.world.clock()))
    assert any(number in words.zh for words in said)
    on = there.looked(it, "info_form_received", days=3)
    assert (on.row.stage, len(there.orders())) == ("info_form_received", 1)
    over = there.looked(it, "refused", days=3)
    _, second = there.orders()
    assert over.row.due_at is None
    assert "没有通过，原因：审核没有通过" in second.answers["text"]
    named = f"已登记工单{second.row.reference}核实补救办法"
    assert [named in text for text in messages(there.world)].count(True) == 1
    assert over.facts["order_leg2"] == number


def test_one_that_is_late_when_it_is_first_asked_for_is_looked_into_at_once(there: There) -> None:
    """The result names the order, also to who asks again; the looks after it tell nothing more."""
    there.world.clock.now = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
    it = there.asked()
    (order,) = there.orders()
    assert it.facts["order_leg2"] == order.row.reference
    assert any(f"已登记工单{order.row.reference}催办" in text for text in messages(there.world))
    before = len(messages(there.world))
    again = there.asked()
    assert again.facts["order_leg2"] == order.row.reference
    before += 1
    there.looked(it, days=30)
    assert (len(messages(there.world)), len(there.orders())) == (before, 1)
