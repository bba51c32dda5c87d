"""Who is asking: proofs, their locks, helpers and holds, counted against somebody with a list of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.citizens import holds, mandates, passwords, register
from gateway.citizens.mandates import Kind
from gateway.demo.city import Person
from gateway.notifications import store as notifications
from gateway.notifications.stored import own_address
from gateway.transactions import afterwards, devices, engine, look_up, proving, registry, steps, store
from gateway.transactions.engine import NotOpen
from gateway.transactions.identity import Proven, Sent, Wrong
from gateway.transactions.levels import Factor
from gateway.transactions.model import Level, State
from gateway.transactions.on_hold import ON_HOLD
from gateway.transactions.store import Transaction
from gateway.transactions.tallies import Locked
from tests.flows.citizen import NOBODY
from tests.stores.test_identity_rooms import citizen
from tests.stores.test_transactions import Desk, desk
from tests.world import World

__all__ = ["desk"]

CHILD = ("310151201506300449", "王小芳")
PASSWORD, OTHER = "482913", "735028"
Types = Callable[..., None]


@pytest.fixture
def house(sqlite_world: World) -> World:
    """Three people and a card system, for rules that no database can change."""
    sqlite_world.runtime._back_offices["card_core"] = Desk()
    sqlite_world.settle(3)
    return sqlite_world


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Types:
    """Say of the loss report what it asks for: its level, whether it is risky, what is new."""

    def of(**changes: Any) -> None:
        kind = replace(registry.get("card_loss"), **changes)
        monkeypatch.setitem(registry.types(), "card_loss", kind)

    return of


def begin(world: World, id_number: str, name: str, **answers: str) -> Transaction:
    with world.runtime.db.write() as tx:
        draft = engine.open_draft(tx, world.runtime, "card_loss", "web")
        given = {"id_number": id_number, "name": name, **answers}
        answered = engine.answer(tx, world.runtime, draft, given)
        assert not answered.value
        return answered.transaction


def of(person: Person) -> tuple[str, str]:
    return person.id_number, person.name


def do(world: World, work: Callable[..., Any], it: Transaction, *given: Any, **how: Any) -> Any:
    """One step of the engine in a commit of its own; its value."""
    with world.runtime.db.write() as tx:
        return work(tx, world.runtime, store.load(tx, world.runtime, it.id), *given, **how).value


def now(world: World, it: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, it.id)


def codes(world: World) -> list[tuple[UUID | None, str | None, str]]:
    """Every code that was made: for whom, to which unregistered address, and the code."""
    return [
        (
            row.citizen_id,
            _address(world, row),
            notifications.personalisation(world.runtime, row.id, row.personalisation)["code"],
        )
        for row in world.rows()
        if row.klass == "code"
    ]


def _address(world: World, row: Any) -> str | None:
    found = own_address(world.runtime, row)
    return found.written if found else None


def other_than(code: str) -> str:
    return "000000" if code != "000000" else "111111"


def set_password(world: World, number: int = 0, **how: Any) -> None:
    key = citizen(world, number)
    with world.runtime.db.write() as tx:
        passwords.put(tx, world.runtime, key, PASSWORD, **how)


# --- the query password ------------------------------------------------------------------------


def test_the_password_takes_the_place_of_the_code_only_where_the_type_says_so(
    world: World, desk: Desk, types: Types
) -> None:
    """Who lost the telephone too reports the card with it; a type that does not protect wants a code."""
    set_password(world)
    it = begin(world, *of(world.people[0]))
    assert do(world, engine.give_password, it, PASSWORD) == Proven()
    assert now(world, it).row.proof == "password"
    assert do(world, engine.submit, it) is True
    types(also_password=False)
    assert do(world, engine.give_password, begin(world, *of(world.people[0])), PASSWORD) == NotOpen()


def test_no_answer_to_a_password_tells_who_is_registered_or_has_not_changed_theirs(house: World) -> None:
    """An initial one that is right, none at all, a wrong name, a stranger: the same, up to the lock."""
    set_password(house, 0, initial=True)
    set_password(house, 1)
    cases = [of(house.people[0]), of(house.people[2]), NOBODY]
    said = []
    for who in (*cases, (house.people[1].id_number, "陈安平")):
        it = begin(house, *who)
        said.append([do(house, engine.give_password, it, PASSWORD) for _ in range(6)])
        assert now(house, it).row.factors == ""
    locked = Locked(house.clock() + timedelta(hours=24))
    assert said == [[Wrong(4), Wrong(3), Wrong(2), Wrong(1), locked, locked]] * 4


def test_who_has_the_telephone_has_five_guesses_of_the_password_a_day(house: World, types: Types) -> None:
    """A right code forgives no guess of the password: beginning again does not help a thief."""
    types(level=Level.STRONG)
    set_password(house)
    guessed = 0
    for _ in range(10):
        it = begin(house, *of(house.people[0]))
        do(house, engine.send_code, it)
        assert do(house, engine.prove, it, codes(house)[-1][2]) == Proven()
        while isinstance(do(house, engine.give_password, it, OTHER), Wrong):
            guessed += 1
        assert isinstance(do(house, engine.give_password, it, PASSWORD), Locked)
        assert do(house, engine.submit, it) is False
        house.clock.advance(hours=1, seconds=1)
    assert guessed == 4  # and the fifth closes
    house.clock.advance(hours=24)
    assert do(house, engine.give_password, begun_again(house), PASSWORD) == Proven()


def begun_again(world: World) -> Transaction:
    it = begin(world, *of(world.people[0]))
    do(world, engine.send_code, it)
    do(world, engine.prove, it, codes(world)[-1][2])
    return it


def test_a_list_of_id_numbers_locks_nobody_out_and_has_nobody_texted(house: World) -> None:
    """Without the name every try is in vain, and none of them counts against the owner."""
    for person in house.people:
        for _ in range(6):
            it = begin(house, person.id_number, "陈安平")
            do(house, engine.send_code, it)
            do(house, engine.prove, it, "000000")
            do(house, engine.give_password, it, "000000")
            house.clock.advance(seconds=61)
    assert {who for who, _, _ in codes(house)} == {None}
    assert now(house, begun_again(house)).row.proof == "code"


# --- strong ------------------------------------------------------------------------------------


def test_strong_is_two_different_proofs_in_the_order_they_are_asked_for(house: World, types: Types) -> None:
    """A code alone submits nothing, nor the password; the password or an e-mailed code besides does."""
    types(level=Level.STRONG, also_password=False)
    runtime = replace(
        house.runtime,
        settings=replace(
            house.runtime.settings, providers={**house.runtime.settings.providers, "email": {"scripted": 1}}
        ),
    )
    house.runtime = runtime
    set_password(house, 1)
    for second in (Factor.PASSWORD, Factor.EMAIL):
        it = begin(house, *of(house.people[1]))
        assert do(house, engine.give_password, it, PASSWORD) == NotOpen()
        assert isinstance(do(house, engine.send_code, it), Sent)
        assert do(house, engine.prove, it, codes(house)[-1][2]) == Proven()
        assert now(house, it).row.proof is None
        assert do(house, engine.submit, it) is False
        if second is Factor.PASSWORD:
            assert do(house, engine.give_password, it, PASSWORD) == Proven()
        else:
            assert isinstance(do(house, engine.send_code, it), Sent)
            assert house.rows()[-1].channel == "email"
            assert do(house, engine.prove, it, other_than(codes(house)[-1][2])) == Wrong(4)
            assert do(house, engine.prove, it, codes(house)[-1][2]) == Proven()
        assert now(house, it).row.proof == f"code+{second}"
        assert do(house, engine.submit, it) is True
        house.clock.advance(seconds=61)


def test_a_code_to_act_on_what_was_proven_strongly_carries_no_strong_proof(
    house: World, types: Types
) -> None:
    """Whoever has the telephone knows the reference from its texts: the new one still lacks the password."""
    types(level=Level.STRONG)
    set_password(house)
    old = begun_again(house)
    do(house, engine.give_password, old, PASSWORD)
    do(house, engine.submit, old)
    steps.run_due(house.runtime)
    house.clock.advance(minutes=10)
    do(house, afterwards.send_code, old)
    assert do(house, afterwards.prove, old, codes(house)[-1][2]) == Proven()
    for here, missing in ((False, frozenset({Factor.PASSWORD, Factor.EMAIL})), (True, frozenset())):
        with house.runtime.db.write() as tx:
            fresh = engine.open_draft(tx, house.runtime, "card_loss", "web")
            given = afterwards.proven_here(now(house, old), here=here)
            fresh = proving.carry(tx, house.runtime, fresh, store.load(tx, house.runtime, old.id), given)
            assert proving.missing(fresh) == missing


# --- one place ---------------------------------------------------------------------------------


def crowd(world: World, count: int) -> Sequence[Person]:
    """So many people, each registered."""
    world.settle(count)
    return world.people


def test_from_one_place_so_many_codes_go_out_and_no_more_whomever_they_are_for(world: World) -> None:
    """Nobody can have many people texted from one address; the next address is free, a hall has more."""
    people = crowd(world, 70)
    place = devices.of_address(world.runtime, "203.0.113.7")
    assert place
    said = [do(world, engine.send_code, begin(world, *of(one)), place) for one in people]
    assert [isinstance(one, Sent) for one in said].count(True) == place.codes.most == 60
    assert len(codes(world)) == 60
    assert {type(one) for one in said[60:]} == {Locked}
    other = devices.of_address(world.runtime, "203.0.113.8")
    assert isinstance(do(world, engine.send_code, begin(world, *of(people[65])), other), Sent)
    world.clock.advance(hours=1, seconds=1)
    assert isinstance(do(world, engine.send_code, begin(world, *of(people[66])), place), Sent)


def test_guesses_at_many_people_from_one_place_are_counted_together_even_at_once(world: World) -> None:
    """However they race, thirty wrong proofs an hour are looked at from one place."""
    people = crowd(world, 10)
    place = devices.of_address(world.runtime, "2001:db8:1:2::7")
    begun = [begin(world, *of(one)) for one in people]
    for it in begun:
        do(world, engine.send_code, it)
    with ThreadPoolExecutor(8) as pool:
        tries = [(it, number) for number in range(4) for it in begun]
        said = list(pool.map(lambda one: do(world, engine.prove, one[0], "00000a", place), tries))
    assert [isinstance(one, Wrong) for one in said].count(True) == 30
    assert isinstance(do(world, engine.prove, begun[0], codes(world)[0][2], place), Locked)
    other = devices.of_address(world.runtime, "2001:db8:1:3::7")
    assert do(world, engine.prove, begun[0], codes(world)[0][2], other) == Proven()


def test_right_proofs_use_nothing_up_and_forgive_nobody_elses(sqlite_world: World) -> None:
    """Forty people at one hall's address prove who they are; a guesser there is counted on."""
    people = crowd(sqlite_world, 45)
    place = devices.of_address(sqlite_world.runtime, "203.0.113.7")
    victim = begin(sqlite_world, *of(people[44]))
    do(sqlite_world, engine.send_code, victim)
    for one in people[:40]:
        it = begin(sqlite_world, *of(one))
        do(sqlite_world, engine.send_code, it)
        assert do(sqlite_world, engine.prove, it, codes(sqlite_world)[-1][2], place) == Proven()
    wrong = [do(sqlite_world, engine.prove, victim, "00000a", place) for _ in range(5)]
    assert [type(one) for one in wrong] == [Wrong, Wrong, Wrong, Wrong, Locked]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_what_is_one_place_on_the_internet(sqlite_world: World, one: str, other: str, same: bool) -> None:
    """An IPv4 address however it is written, and the 64 bits of IPv6 that one household has."""
    places = [devices.of_address(sqlite_world.runtime, address) for address in (one, other)]
    assert all(places)
    assert (places[0] == places[1]) is same


def test_this_machine_itself_is_no_place_and_calls_without_a_number_share_one(sqlite_world: World) -> None:
    """Behind our own loopback stands the whole city; a number is the same however the switch writes it."""
    runtime = sqlite_world.runtime
    assert [devices.of_address(runtime, one) for one in ("127.0.0.1", "::1", None, "", "x")] == [None] * 5
    assert devices.of_number(runtime, "+8613800138000") == devices.of_number(runtime, "8613800138000")
    assert devices.of_number(runtime, "") == devices.of_number(runtime, "anonymous")
    assert devices.of_number(runtime, "").wrong.most > devices.of_number(runtime, "13800138000").wrong.most


def test_references_are_guessed_thirty_times_an_hour_from_one_place(sqlite_world: World) -> None:
    """Whoever has a list of references, or makes them up, does not try four digits on each."""
    place = devices.of_address(sqlite_world.runtime, "203.0.113.7")
    with sqlite_world.runtime.db.write() as tx:
        said = [
            look_up.find(tx, sqlite_world.runtime, f"{number:014d}", "0000", place) for number in range(40)
        ]
    assert [isinstance(one, look_up.NoMatch) for one in said].count(True) == 30


# --- helpers -----------------------------------------------------------------------------------


@pytest.fixture
def family(house: World) -> World:
    """A child in the register; people[1] is its guardian, and has people[0]'s mandate for loss reports."""
    child = replace(house.people[0], id_number=CHILD[0], name=CHILD[1], mobile="13900000000")
    from gateway.demo.seed import entry

    with house.runtime.db.write() as tx:
        register.add(tx, house.runtime.vault, [entry(child)])
        kid = register.find(tx, house.runtime.vault, CHILD[0])
        assert kid
    helper, mother = citizen(house, 1), citizen(house, 0)
    with house.runtime.db.write() as tx:
        mandates.add(tx, house.runtime, kid.id, helper, Kind.GUARDIAN, "counter")
        mandates.add(tx, house.runtime, mother, helper, Kind.RELATIVE, "counter", matters=["card_loss"])
    return house


def by(person: Person) -> dict[str, str]:
    return {"helper_id_number": person.id_number, "helper_name": person.name}


def reported(world: World, it: Transaction) -> list[UUID]:
    """Proven by the newest code, submitted, done: who is told of it."""
    assert do(world, engine.prove, it, codes(world)[-1][2]) == Proven()
    assert do(world, engine.submit, it) is True
    steps.run_due(world.runtime)
    assert now(world, it).state is State.SUCCEEDED
    return sorted(row.citizen_id for row in world.rows() if row.klass == "result" and row.channel == "sms")


def test_a_child_is_asked_for_by_its_guardian_who_gets_the_code_and_the_result(family: World) -> None:
    """That it is a child stands in the ID number; nothing goes to the child's own mobile."""
    bare = begin(family, *CHILD)
    assert engine.unanswered(bare) == ["helper_id_number", "helper_name"]
    assert do(family, engine.submit, bare) is False
    it = begin(family, *CHILD, **by(family.people[1]))
    do(family, engine.send_code, it)
    guardian = citizen(family, 1)
    assert [who for who, _, _ in codes(family)] == [guardian]
    assert reported(family, it) == [guardian]
    assert now(family, it).row.helper_id == guardian


def test_a_relative_with_a_mandate_gets_the_code_and_both_hear_the_result(family: World) -> None:
    """An adult learns what was done for them."""
    it = begin(family, *of(family.people[0]), **by(family.people[1]))
    do(family, engine.send_code, it)
    assert [who for who, _, _ in codes(family)] == [citizen(family, 1)]
    assert reported(family, it) == sorted([citizen(family, 0), citizen(family, 1)])


def test_without_a_mandate_nobody_gets_a_code_and_all_hear_the_same(family: World) -> None:
    """No mandate, one for another, strangers on either side, a wrong name: no code goes out."""
    mother, helper, other = family.people[0], family.people[1], family.people[2]
    nobody = {"helper_id_number": NOBODY[0], "helper_name": NOBODY[1]}
    cases: list[tuple[tuple[str, str], dict[str, str]]] = [
        (of(mother), by(other)),
        (of(other), by(helper)),
        (CHILD, by(mother)),
        (NOBODY, by(helper)),
        (of(mother), nobody),
        (of(mother), {**by(helper), "helper_name": "陈安平"}),
    ]
    said = []
    for who, helps in cases:
        it = begin(family, *who, **helps)
        heard = [do(family, engine.send_code, it)]
        heard += [do(family, engine.prove, it, codes(family)[-1][2]) for _ in range(1)]
        with family.runtime.db.read() as tx:
            heard += [row.event for row in store.events(tx, it.id)]
        said.append([str(one) for one in heard])
        assert now(family, it).row.citizen_id is None
        family.clock.advance(hours=25)
        said[-1][0] = "sent"
    assert {who for who, _, _ in codes(family)} == {None}
    assert said == [said[0]] * len(cases)


def test_a_mandate_that_was_revoked_or_is_for_another_matter_ends_the_help(family: World) -> None:
    """What was carried on in a visit, too: each matter is looked at anew."""
    it = begin(family, *of(family.people[0]), **by(family.people[1]))
    do(family, engine.send_code, it)
    do(family, engine.prove, it, codes(family)[-1][2])
    with family.runtime.db.write() as tx:
        old = store.load(tx, family.runtime, it.id)
        same = engine.open_draft(tx, family.runtime, "card_loss", "web")
        another = engine.open_draft(tx, family.runtime, "pension_auth", "web")
        carried = [
            proving.carry(tx, family.runtime, fresh, old, frozenset({Factor.CODE}))
            for fresh in (same, another)
        ]
    assert [one.row.proof for one in carried] == ["code", None]
    assert carried[1].answers == old.answers
    with family.runtime.db.write() as tx:
        for row in mandates.of(tx, citizen(family, 1)):
            mandates.revoke(tx, family.runtime, row.id, "counter")
        late = engine.open_draft(tx, family.runtime, "card_loss", "web")
        assert proving.carry(tx, family.runtime, late, old, frozenset({Factor.CODE})).row.proof is None


def test_who_helps_cannot_be_changed_after_the_proof(family: World) -> None:
    """Another helper, or none, withdraws what was proven."""
    it = begin(family, *of(family.people[0]), **by(family.people[1]))
    do(family, engine.send_code, it)
    do(family, engine.prove, it, codes(family)[-1][2])
    do(family, engine.answer, it, by(family.people[2]))
    assert (now(family, it).row.proof, now(family, it).row.citizen_id) == (None, None)
    assert do(family, engine.submit, it) is False


def test_a_helpers_password_takes_no_codes_place(family: World) -> None:
    """It is for who lost the telephone; who acts for another has one."""
    set_password(family, 1)
    it = begin(family, *of(family.people[0]), **by(family.people[1]))
    assert do(family, engine.give_password, it, PASSWORD) == NotOpen()


def test_nobody_helps_themselves(family: World) -> None:
    """The helper is somebody else, which the form says at once."""
    it = begin(family, *of(family.people[0]))
    assert "helper_id_number" in do(family, engine.answer, it, by(family.people[0]))


# --- holds, and what is new --------------------------------------------------------------------


def test_while_a_hold_stands_what_is_risky_is_refused_and_the_rest_goes_on(
    house: World, types: Types
) -> None:
    """The number was changed an hour ago: until tomorrow nothing that cannot be taken back."""
    until = house.clock() + timedelta(hours=24)
    with house.runtime.db.write() as tx:
        holds.place(tx, house.runtime, citizen(house), until, "mobile_changed")
    for risky, state in ((True, State.REJECTED), (False, State.SUBMITTED)):
        types(risky=risky)
        it = begun_again(house)
        assert do(house, engine.submit, it) is True
        assert now(house, it).state is state
        house.clock.advance(seconds=61)
        if risky:
            assert now(house, it).row.reason == ON_HOLD
            assert now(house, it).facts == {"on_hold_until": until.isoformat()}
    house.clock.advance(hours=24)
    types(risky=True)
    it = begun_again(house)
    do(house, engine.submit, it)
    assert now(house, it).state is State.SUBMITTED


NEW = "+8613700000001"


def test_a_new_number_gives_its_code_back_before_anything_is_confirmed(house: World, types: Types) -> None:
    """First who it is, by the old number; then a code to the new one, which alone counts for it."""
    types(confirms=lambda _case: NEW)
    it = begun_again(house)
    old_code = codes(house)[-1][2]
    assert now(house, it).row.proof == "code"
    assert do(house, engine.submit, it) is False
    assert isinstance(do(house, engine.send_code, it), Sent)
    who, address, code = codes(house)[-1]
    assert (who, address) == (None, NEW)
    assert do(house, engine.prove, it, old_code if old_code != code else other_than(code)) == Wrong(4)
    assert do(house, engine.prove, it, code) == Proven()
    assert do(house, engine.submit, it) is True


def test_another_new_number_has_not_given_its_code_back(house: World, types: Types) -> None:
    """What was confirmed is the number, not that some number was."""
    types(confirms=lambda case: f"+8613700000{len(case.answers.get('name', '')):03d}")
    it = begun_again(house)
    do(house, engine.send_code, it)
    do(house, engine.prove, it, codes(house)[-1][2])
    assert proving.missing(now(house, it)) == frozenset()
    do(house, engine.answer, it, {"name": "陈安平安"})
    assert now(house, it).row.confirmed is False


def test_a_number_nobody_has_yet_is_texted_three_times_a_day_whoever_asks(world: World, types: Types) -> None:
    """Many people, real or taken over, cannot have one stranger's telephone ring all day."""
    types(confirms=lambda _case: NEW)
    crowd(world, 6)
    for person in world.people:
        it = begin(world, *of(person))
        do(world, engine.send_code, it)
        do(world, engine.prove, it, codes(world)[-1][2])
        do(world, engine.send_code, it)
    assert [address for _, address, _ in codes(world)].count(NEW) == 3
