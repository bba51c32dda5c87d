"""The right of access and the right to erasure: all of one person, nothing of anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import LargeBinary, func, insert, select, update

from gateway import audit, migrations
from gateway.appointments.bookings import bookings
from gateway.broadcasts.recipients import recipients
from gateway.citizens import holds, mandates, passwords, register
from gateway.citizens.mandates import Kind
from gateway.delivery import ledger
from gateway.delivery.attempt import run_lane
from gateway.levers import reviewing
from gateway.levers.holding import NotNowError
from gateway.notifications import inbound, preferences
from gateway.notifications.asks import Asks
from gateway.notifications.preferences import Wish
from gateway.notifications.request import Class, Request
from gateway.notifications.store import notifications, take
from gateway.providers import Inbound
from gateway.rights import erase as erasing
from gateway.rights import export as exporting
from gateway.rights.erase import NobodyError, StillOpenError
from gateway.rights.export import SOMEBODY
from gateway.rights.tables import HELD, NOTHING, Then
from gateway.services import guests
from gateway.services import store as services
from gateway.transactions import call_backs, engine, helping, reminders, store
from gateway.transactions.model import Plan, State
from gateway.transactions.store import timeline
from tests.stores.test_appointments import book
from tests.stores.test_identity import CHILD, begin, by, codes, do, family, house, now, of, reported
from tests.stores.test_information_change import changed, crowded, decide, draft, loaded
from tests.stores.test_transactions import desk
from tests.world import World

__all__ = ["desk", "family", "house"]
NEVER_EMPTIED = {name for name, held in HELD.items() if held.then is Then.KEPT}


def live(world: World, person: int, beside: int) -> None:
    """A life in our books: something in every table that can hold anything of a person."""
    runtime, now = world.runtime, world.clock()
    it = changed(world, person=person, item="postcode", postcode="415000")
    draft(world, person, item="key", key_datum="sex")
    who, other = (world.people[one] for one in (person, beside))
    with runtime.db.write() as tx:
        me, they = (register.find(tx, runtime.vault, one.id_number) for one in (who, other))
        assert me
        assert they
        passwords.put(tx, runtime, me.id, "730581")
        holds.place(tx, runtime, me.id, now.replace(year=2030), "mobile_changed")
        mandates.add(tx, runtime, me.id, they.id, Kind.RELATIVE, "lin at counter 3")
        preferences.prefer(tx, runtime, me.id, "policy", "sms", Wish.OFF, "web")
        call_backs.ask(tx, runtime, it.id, me.id, "call_back")
        plan = Plan("remind_due", "sms", now.replace(year=2030), it.row.reference)
        reminders.plan(tx, runtime, "pension_auth", me.id, [plan], it.id)
        engine.send_code(tx, runtime, draft_of(tx, world, person))
        service = services.add_service(tx, f"demo {person}", now)
        assert service
        guests.add(tx, runtime.vault, service, "sms", f"+86{who.mobile}", now)
        row = {"broadcast_id": runtime.new_id(), "position": 0, "citizen_id": me.id, "language": "zh-CN"}
        tx.execute(insert(recipients).values(**row))
        asked = Request(
            me.id, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {}, asks=Asks("rating", (("1", "good"),))
        )
        own = Request(None, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {}, address=f"+86{who.mobile}")
        take(tx, runtime, [asked, own])
    run_lane(runtime, "sms.normal")
    written = Inbound(f"up-{person}", f"+86{who.mobile}", "10690000", f"我是{who.name}", now)
    with runtime.db.write() as tx:
        inbound.receive(tx, runtime, [("scripted", written)])


def draft_of(tx: Any, world: World, person: int) -> store.Transaction:
    subject = world.runtime.vault.index("id_number", world.people[person].id_number)
    query = select(store.transactions).where(
        store.transactions.c.subject == subject, store.transactions.c.state == State.DRAFT
    )
    return store.opened(world.runtime, tx.execute(query).one())


@pytest.fixture
def town(world: World) -> World:
    world.settle(8)
    return world


def exported(world: World, person: int) -> dict[str, Any]:
    with world.runtime.db.write() as tx:
        return exporting.of(tx, world.runtime, world.people[person].id_number, "cli")


def erased(world: World, person: int, **options: bool) -> erasing.Erased:
    with world.runtime.db.write() as tx:
        return erasing.erase(tx, world.runtime, world.people[person].id_number, "cli", **options)


def traces(world: World, person: int, ids: Sequence[UUID]) -> Iterator[str]:
    """Where anything still names them: an id or blind index in a column, a word in a sealed cell."""
    who, vault = world.people[person], world.runtime.vault
    words = (who.id_number, who.name, who.mobile)
    marks = {vault.index("id_number", who.id_number), vault.index("mobile", f"+86{who.mobile}"), *ids}
    marks |= {vault.index("person", f"{who.id_number}:{who.name}")}
    with world.runtime.db.read() as tx:
        for table in migrations.metadata.sorted_tables:
            for row in tx.execute(select(table)):
                if table.name not in NEVER_EMPTIED and marks & set(row):
                    yield table.name
                held = HELD.get(table.name)
                for column in held.opened if held else ():
                    sealed = getattr(row, column)
                    text = vault.open(f"{table.name}.{column}", row.id, sealed) if sealed else ""
                    if any(word in text for word in words):
                        yield f"{table.name}.{column}"


def test_every_table_says_what_it_holds_of_a_person() -> None:
    """None is forgotten, none is named that is not there, and every column named is one of its own."""
    tables = migrations.metadata.tables
    assert set(HELD) | set(NOTHING) == set(tables)
    assert not set(HELD) & set(NOTHING)
    for name, held in HELD.items():
        columns = set(tables[name].c.keys())
        named = {*held.by, *held.opened, *held.of_others, *held.empty}
        assert named <= columns, name
        assert held.then is not Then.KEPT or held.why, name
        for column in held.empty:
            assert held.empty[column] is not None or tables[name].c[column].nullable, (name, column)


def test_everything_of_a_person_is_told_and_nothing_of_others(town: World) -> None:
    """Each table that can hold something has a row; no key, digest or other person's name is among them."""
    live(town, 1, beside=2)
    live(town, 2, beside=1)
    found = exported(town, 1)
    assert json.loads(json.dumps(found)) == found
    empty = {name for name, rows in found["tables"].items() if not rows}
    assert empty == {"bookings", "calls", "digests", "evaluations", "promises", "suppressions"}
    me, other = town.people[1], town.people[2]
    said = json.dumps(found["tables"], ensure_ascii=False)
    mine = (me.id_number, me.name, me.mobile, me.address, "415000", f"我是{me.name}")
    assert [one for one in mine if one not in said] == []
    others = (other.id_number, other.name, other.mobile, "730581", "counter 3")
    assert [one for one in others if one in said] == []
    (mandate,) = (row for row in found["tables"]["mandates"] if row["citizen_id"] != SOMEBODY)
    assert (mandate["helper_id"], mandate["given_by"]) == (SOMEBODY, SOMEBODY)
    typed = [row for row in found["tables"]["transactions"] if row["proof"] is None]
    assert typed
    assert all("answers" not in row for row in typed)
    with town.runtime.db.read() as tx:
        assert tx.execute(select(audit.audit.c.action)).scalars().all()[-1] == "citizen.export"


def test_an_erased_person_leaves_no_trace_and_the_books_whole(town: World) -> None:
    """Neighbours keep all of theirs; ledger, timeline and audit chain add up; nobody is found any more."""
    live(town, 1, beside=2)
    live(town, 2, beside=1)
    before, neighbour = exported(town, 1), exported(town, 2)
    (me,) = (UUID(row["id"]) for row in before["tables"]["citizens"])
    with town.runtime.db.read() as tx:
        lines = tx.execute(select(func.count()).select_from(timeline)).scalar_one()
        counted = tx.execute(select(func.count()).select_from(notifications)).scalar_one()
    assert set(traces(town, 1, [me]))
    report = erased(town, 1)
    assert {line.table: line.rows for line in report.lines} == {
        name: len(rows) for name, rows in before["tables"].items()
    }
    assert list(traces(town, 1, [me])) == []
    mine = {UUID(row["id"]) for row in before["tables"]["notifications"]}
    stand = {(row.status, row.reason) for row in town.rows() if row.id in mine}
    assert "waiting" not in {status for status, _ in stand}
    assert ("cancelled", "erased") in stand
    after = exported(town, 2)
    theirs = {name: rows for name, rows in neighbour["tables"].items() if name != "mandates"}
    assert {name: after["tables"][name] for name in theirs} == theirs
    assert after["tables"]["mandates"] == []
    with town.runtime.db.read() as tx:
        assert ledger.balanced(tx)
        assert audit.broken(tx, town.runtime.vault) is None
        assert tx.execute(select(func.count()).select_from(timeline)).scalar_one() >= lines
        assert tx.execute(select(func.count()).select_from(notifications)).scalar_one() == counted
        assert register.find(tx, town.runtime.vault, town.people[1].id_number) is None
    took = len(town.provider.took)
    for lane in ("sms.normal", "sms.urgent", "sms.bulk"):
        run_lane(town.runtime, lane)
    late = [message.address for _, message in town.provider.took[took:]]
    assert f"+86{town.people[1].mobile}" not in late
    with pytest.raises(NobodyError), town.runtime.db.write() as tx:
        erasing.erase(tx, town.runtime, town.people[1].id_number, "cli")


def test_what_is_open_is_named_and_called_off_only_when_told(town: World) -> None:
    """A review of somebody who is erased ends with them: nobody decides it, nothing is recorded or told."""
    waits = crowded(town)
    told = len(town.rows())
    with pytest.raises(StillOpenError, match=waits.row.reference):
        erased(town, 1)
    with town.runtime.db.read() as tx:
        planned = erasing.planned(tx, town.runtime, town.people[1].id_number)
    assert list(planned.open) == [waits.row.reference]
    assert exported(town, 1)["registered"]
    erased(town, 1, even_open=True)
    gone = loaded(town, waits)
    assert (gone.state, gone.row.reason, gone.answers, gone.facts) == (State.CANCELLED, "erased", {}, {})
    with town.runtime.db.read() as tx:
        assert reviewing.listed(tx, town.runtime) == []
    with pytest.raises(NotNowError):
        decide(town, reviewing.approve, waits.row.reference)
    assert len(town.rows()) == told


def test_a_place_ahead_is_given_back(sqlite_world: World) -> None:
    """It is named as open; called off, it is free for somebody else, and its row is nobody's."""
    town = sqlite_world
    town.settle(3)
    booked = book(town, town.people[1])
    with pytest.raises(StillOpenError, match=booked.row.reference):
        erased(town, 1)
    erased(town, 1, even_open=True)
    with town.runtime.db.read() as tx:
        (row,) = tx.execute(select(bookings)).all()
    assert (row.state, row.place, row.citizen_id) == ("cancelled_by_citizen", None, None)
    again = book(town, town.people[2])
    assert again.facts["number"] == booked.facts["number"]


def test_what_others_share_stays(sqlite_world: World) -> None:
    """A number that a family has is not one person's to erase: what was written from it stays, untold."""
    town = sqlite_world
    town.settle(4)
    number = f"+86{town.people[1].mobile}"
    with town.runtime.db.write() as tx:
        other = register.find(tx, town.runtime.vault, town.people[2].id_number)
        assert other
        register.change(tx, town.runtime.vault, other.id, {"mobile": number})
        inbound.receive(tx, town.runtime, [("scripted", Inbound("up", number, "10690000", "秘密"))])
        own = Request(None, "sms", Class.RESULT, "card_loss/failed", "zh-CN", {}, address=number)
        take(tx, town.runtime, [own])
    run_lane(town.runtime, "sms.normal")
    found = exported(town, 1)["tables"]
    assert "秘密" not in json.dumps(found, ensure_ascii=False)
    assert (len(found["inbound"]), found["notifications"]) == (1, [])
    report = erased(town, 1)
    assert report.shared == 1
    assert {line.table: line.then for line in report.lines}["inbound"] is Then.KEPT
    with town.runtime.db.read() as tx:
        (kept,) = tx.execute(select(inbound.inbound)).all()
    assert town.runtime.vault.open("inbound.text", kept.id, kept.text) == "秘密"


def test_a_damaged_cell_stops_neither_export_nor_erasure(sqlite_world: World) -> None:
    """It is told as unreadable, and goes with the rest."""
    town = sqlite_world
    town.settle(2)
    changed(town, item="postcode", postcode="415000")
    with town.runtime.db.write() as tx:
        tx.execute(update(store.transactions).values(facts=b"\x01damaged"))
    (row,) = exported(town, 1)["tables"]["transactions"]
    assert row["facts"].startswith("cannot be read")
    erased(town, 1)
    with town.runtime.db.read() as tx:
        assert tx.execute(select(store.transactions.c.facts)).scalars().all() == [None]


def test_no_key_material_is_ever_read_out() -> None:
    """Whatever column of bytes is not named is not told: digests, tokens, indexes."""
    tables = migrations.metadata.tables
    for name, held in HELD.items():
        secret = {c.key for c in tables[name].c if isinstance(c.type, LargeBinary)}
        assert not set(held.opened) & {one for one in secret if "index" in one or "digest" in one}


def test_who_helped_is_not_told_by_name_and_once_erased_stands_in_nobodys_matter(family: World) -> None:
    """What was done stays; what is open asks for another helper, and goes nowhere without one."""
    mother, helper = family.people[:2]
    done, open_one = begin(family, *of(mother), **by(helper)), begin(family, *CHILD, **by(helper))
    do(family, engine.send_code, done)
    reported(family, done)
    do(family, engine.send_code, open_one)
    do(family, engine.prove, open_one, codes(family)[-1][2])
    key = now(family, done).row.helper_id
    assert str(key) not in json.dumps(exported(family, 0)["tables"])
    erased(family, 1)
    assert list(traces(family, 1, [key])) == []
    assert now(family, done).answers == {"id_number": mother.id_number, "name": mother.name}
    assert now(family, done).state is State.SUCCEEDED
    assert engine.unanswered(now(family, open_one)) == list(helping.FIELDS)
    assert do(family, engine.submit, open_one) is False
