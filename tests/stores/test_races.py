"""What two requests or workers do at the same moment, on real PostgreSQL with real threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

from gateway import audit
from gateway.delivery import ledger, receipts
from gateway.delivery.attempt import run_lane
from gateway.delivery.claim import claim_lane
from gateway.delivery.record import Answer, record
from gateway.notifications.request import Class
from gateway.providers import Accepted, Delivery
from gateway.transactions import engine, identity, steps, store
from gateway.transactions.identity import Proven, Sent
from gateway.transactions.model import State
from gateway.transactions.tallies import Locked
from tests.stores.test_transactions import Desk, begin, desk, prove, sent_codes, submit
from tests.world import World, report

__all__ = ["desk"]  # a fixture of the neighbour's
T = TypeVar("T")
THREADS = 8


def at_once(*jobs: Callable[[], T]) -> list[T]:
    """Run the jobs in threads that set off together."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        start.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def test_a_resend_beside_the_proof_does_not_take_the_report_back(world: World, desk: Desk) -> None:
    """Proof and submission stand, whatever a resend of the same moment does."""
    for _ in range(10):
        world.clock.advance(hours=2)
        transaction = begin(world)
        world.clock.advance(seconds=61)
        code = sent_codes(world)[-1]

        def prove_and_submit(code: str = code, transaction: Any = transaction) -> object:
            with world.runtime.db.write() as tx:
                proven = engine.prove(tx, world.runtime, transaction, code)
                return engine.submit(tx, world.runtime, proven.transaction).transaction.state

        def resend(transaction: Any = transaction) -> object:
            with world.runtime.db.write() as tx:
                return engine.send_code(tx, world.runtime, transaction).value

        said, _ = at_once(prove_and_submit, resend)
        with world.runtime.db.read() as tx:
            now = store.load(tx, world.runtime, transaction.id).state
        assert now is said  # "submitted", or still open because the resend made the code worthless first


def test_a_double_submit_after_the_end_starts_nothing(world: World, desk: Desk) -> None:
    """A confirmation that was read long ago finds the transaction ended."""
    transaction = begin(world)
    prove(world, transaction, sent_codes(world)[-1])
    with world.runtime.db.read() as tx:
        stale = store.load(tx, world.runtime, transaction.id)
    submit(world, transaction)
    steps.run_due(world.runtime)
    with world.runtime.db.write() as tx:
        assert engine.submit(tx, world.runtime, stale).lanes == set()
    assert len(desk.reports) == 1


def test_a_code_proves_only_the_person_it_was_sent_to(world: World, desk: Desk) -> None:
    """Another's ID number put in between makes my code worthless."""
    mine = begin(world)
    victim = world.people[1]
    with world.runtime.db.read() as tx:
        stale = store.load(tx, world.runtime, mine.id)
    with world.runtime.db.write() as tx:
        engine.answer(tx, world.runtime, stale, {"id_number": victim.id_number, "name": victim.name})
        engine.send_code(tx, world.runtime, stale)
    assert not isinstance(prove(world, mine, sent_codes(world)[0]), Proven)


def test_one_person_gets_five_codes_an_hour_however_many_ask_at_once(world: World, desk: Desk) -> None:
    """Opening many transactions at the same moment bombards nobody."""
    codes = 0
    for _ in range(7):
        codes += sum(at_once(*[lambda: _code_was_sent(world)] * THREADS))
        world.clock.advance(seconds=61)
    assert codes == 5


def _code_was_sent(world: World) -> bool:
    person = world.people[0]
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "card_loss", "web")
        answered = engine.answer(
            tx, world.runtime, draft, {"id_number": person.id_number, "name": person.name}
        )
        return isinstance(engine.send_code(tx, world.runtime, answered.transaction).value, Sent)


def test_guesses_at_the_same_moment_all_count(world: World, desk: Desk) -> None:
    """Eight at once are not eight free guesses: five are looked at, the rest find it locked."""
    transaction = begin(world)
    wrong = "000000" if sent_codes(world)[0] != "000000" else "111111"
    said = at_once(*[lambda: prove(world, transaction, wrong)] * THREADS)
    assert sum(isinstance(one, Locked) for one in said) == THREADS - identity.PROOFS.most + 1
    assert isinstance(prove(world, transaction, sent_codes(world)[0]), Locked)


def test_a_double_click_on_the_right_code_counts_as_no_wrong_try(world: World, desk: Desk) -> None:
    """Of two, one proves and the other is past that step."""
    transaction = begin(world)
    code = sent_codes(world)[0]
    said = at_once(*[lambda: prove(world, transaction, code)] * 2)
    assert Counter(type(one).__name__ for one in said) == {"Proven": 1, "NotOpen": 1}


def test_workers_on_one_lane_hand_over_each_message_once(world: World) -> None:
    """Several claims at the same moment share no row."""
    world.settle(200)
    world.take(200)
    at_once(*[lambda: run_lane(world.runtime, "sms.normal")] * 4)
    assert len(world.provider.took) == 200
    assert world.statuses() == {"accepted": 200}


def test_answers_and_receipts_of_one_hand_over_do_not_block_each_other(world: World) -> None:
    """Both change the same rows in any order they arrive; both succeed, and the books balance."""
    world.settle(60)
    for _ in range(5):
        world.take(60)
        claimed = claim_lane(world.runtime, "sms.normal", 60)
        call = claimed.handovers[0]
        with world.runtime.db.write() as tx:
            for message in reversed(call.messages):
                push = report(f"ref-{call.id}", call.id, message.address, Delivery.DELIVERED)
                receipts.keep(tx, world.runtime, "scripted", push)

        def answer(call: Any = call, lease: int = claimed.lease) -> None:
            with world.runtime.db.write() as tx:
                outcomes = [Accepted(f"ref-{call.id}")] * len(call.held)
                record(tx, world.runtime, [Answer(lease, call, outcomes)])

        at_once(answer, lambda: receipts.apply_due(world.runtime), lambda: receipts.apply_due(world.runtime))
        receipts.apply_due(world.runtime)
    assert world.statuses() == {"delivered": 300}
    with world.runtime.db.read() as tx:
        assert ledger.balanced(tx)


def test_the_ledger_balances_at_every_moment_somebody_looks(world: World) -> None:
    """A look sees one moment, not the middle of a worker's commit."""
    world.settle(100)
    for _ in range(3):
        world.take(100, klass=Class.NOTICE)

    def look() -> Sequence[bool]:
        seen = []
        for _ in range(60):
            with world.runtime.db.read() as tx:
                seen.append(ledger.balanced(tx))
        return seen

    jobs: list[Callable[[], Any]] = [look, lambda: run_lane(world.runtime, "sms.bulk")]
    assert all(at_once(*jobs)[0])


def test_audit_rows_written_at_once_form_one_chain(world: World) -> None:
    """Writers wait for each other at the head, the very first ones too; a changed or missing row shows."""
    vault, now = world.runtime.vault, world.clock.now

    def write() -> None:
        with world.runtime.db.write() as tx:
            audit.record(tx, vault, now, "cli", "do", "thing")

    for _ in range(10):
        with world.runtime.db.write() as tx:
            tx.execute(audit.audit.delete())
            tx.execute(audit.audit_head.delete())
        at_once(*[write] * THREADS)
    with world.runtime.db.write() as tx:
        assert audit.broken(tx, vault) is None
        tx.execute(audit.audit.update().where(audit.audit.c.number == 3).values(actor="nobody"))
        assert audit.broken(tx, vault) == 3
    with world.runtime.db.write() as tx:
        tx.execute(audit.audit.update().where(audit.audit.c.number == 3).values(actor="cli"))
        tx.execute(audit.audit.delete().where(audit.audit.c.number == 6))
        assert audit.broken(tx, vault) == 6


def test_an_open_report_is_not_abandoned_while_it_is_confirmed(world: World, desk: Desk) -> None:
    """A day-old draft confirmed at the moment its time ends is submitted or cancelled, never both."""
    transaction = begin(world)
    prove(world, transaction, sent_codes(world)[-1])
    world.clock.advance(hours=24, seconds=1)
    at_once(lambda: submit(world, transaction), lambda: bool(steps.run_due(world.runtime)))
    steps.run_due(world.runtime)
    with world.runtime.db.read() as tx:
        ended = store.load(tx, world.runtime, transaction.id)
    assert ended.state in (State.SUCCEEDED, State.CANCELLED)
    assert len(desk.reports) == (ended.state is State.SUCCEEDED)
