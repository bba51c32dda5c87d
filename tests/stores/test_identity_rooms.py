"""Query passwords, mandates and holds: what is kept of a citizen, and from when to when it counts."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.citizens import holds, mandates, passwords, register
from gateway.citizens.mandates import Kind
from gateway.citizens.passwords import Checked
from tests.world import World


def citizen(world: World, number: int = 0) -> UUID:
    with world.runtime.db.read() as tx:
        found = register.find(tx, world.runtime.vault, world.people[number].id_number)
    assert found
    return found.id


def check(world: World, key: UUID | None, password: str) -> Checked:
    with world.runtime.db.read() as tx:
        return passwords.check(tx, world.runtime, key, password)


# --- passwords -------------------------------------------------------------------------------


def test_a_password_is_its_citizens_own_and_an_initial_one_proves_nothing(world: World) -> None:
    """The same six digits count for whom they were set, as changed or as initial, and for nobody else."""
    world.settle(3)
    mine, initials, without = (citizen(world, number) for number in range(3))
    with world.runtime.db.write() as tx:
        passwords.put(tx, world.runtime, mine, "482913")
        passwords.take_over(tx, world.runtime, [(initials, "482913", True), (mine, "000000", True)])
    assert check(world, mine, "482913") is Checked.RIGHT
    assert check(world, initials, "482913") is Checked.INITIAL
    assert [check(world, key, "482913") for key in (without, None)] == [Checked.WRONG] * 2
    assert [check(world, mine, given) for given in ("000000", "482914")] == [Checked.WRONG] * 2
    with world.runtime.db.read() as tx:
        assert [passwords.usable(tx, key, world.clock()) for key in (mine, initials, without)] == [
            True,
            False,
            False,
        ]


def test_one_set_on_a_single_code_counts_later_and_the_one_before_until_then(world: World) -> None:
    """Whoever took a telephone gains nothing by setting a password, nor loses the owner theirs."""
    world.settle(1)
    key, later = citizen(world), world.clock() + timedelta(hours=24)
    with world.runtime.db.write() as tx:
        passwords.put(tx, world.runtime, key, "482913")
        passwords.put(tx, world.runtime, key, "735028", counts_from=later)
        passwords.put(tx, world.runtime, key, "906142", counts_from=later)  # the last one said is meant
    assert [check(world, key, given) for given in ("482913", "735028", "906142")] == [
        Checked.RIGHT,
        Checked.WRONG,
        Checked.WRONG,
    ]
    world.clock.advance(hours=24)
    assert [check(world, key, given) for given in ("482913", "735028", "906142")] == [
        Checked.WRONG,
        Checked.WRONG,
        Checked.RIGHT,
    ]


def test_the_owner_takes_a_waiting_one_back_by_setting_another(world: World) -> None:
    """One that counts at once drops the one that waits: it never comes into force."""
    world.settle(1)
    key = citizen(world)
    with world.runtime.db.write() as tx:
        passwords.put(tx, world.runtime, key, "735028", counts_from=world.clock() + timedelta(hours=24))
        passwords.put(tx, world.runtime, key, "482913")
    world.clock.advance(hours=25)
    assert [check(world, key, given) for given in ("735028", "482913")] == [Checked.WRONG, Checked.RIGHT]


def test_no_digit_of_a_password_is_kept_in_clear(world: World) -> None:
    """What stands in the row is a digest that differs from citizen to citizen."""
    world.settle(2)
    with world.runtime.db.write() as tx:
        for number in range(2):
            passwords.put(tx, world.runtime, citizen(world, number), "482913")
        rows = tx.execute(select(passwords.query_passwords)).all()
    assert len({row.digest for row in rows}) == 2
    assert not any(b"482913" in row.digest for row in rows)


@pytest.mark.parametrize(
    ("password", "weak"),
    [
        ("111111", True),
        ("123456", True),
        ("654321", True),
        ("567890", True),
        ("229003", False),
        ("290338", True),  # the end of the ID number, as initial ones are
        ("600229", True),  # the birth date
        ("290260", True),  # the same, day first
        ("482913", False),
    ],
)
def test_what_anybody_could_guess_is_called_weak(password: str, weak: bool) -> None:
    """One digit, runs, and what stands in the ID number are no secret."""
    assert passwords.weak(password, "430702196002290338") is weak


@pytest.mark.parametrize("given", ["12345", "1234567", "１２３４５６", "12345a", "", "٣٤٥٦٧٨"])
def test_only_six_plain_digits_are_written_like_a_password(given: str) -> None:
    """Other scripts' digits and other lengths are no password."""
    assert not passwords.written(given)
    assert passwords.written("482913")


# --- mandates --------------------------------------------------------------------------------


def test_a_mandate_counts_one_way_for_its_kind_its_matters_and_its_days(world: World) -> None:
    """Each thing it names narrows it; revoked or run out, it is none; giving it anew replaces it."""
    world.settle(2)
    mother, daughter = citizen(world, 0), citizen(world, 1)
    today = date(2026, 11, 21)

    def holds_for(matter: str = "card_loss", kind: Kind = Kind.RELATIVE, day: date = today) -> bool:
        with world.runtime.db.read() as tx:
            return mandates.holds(tx, mother, daughter, kind, matter, day)

    def give(*matters: str, last_day: date | None = None) -> UUID:
        with world.runtime.db.write() as tx:
            return mandates.add(
                tx,
                world.runtime,
                mother,
                daughter,
                Kind.RELATIVE,
                "counter",
                matters=matters,
                last_day=last_day,
            )

    assert not holds_for()
    give("card_loss", last_day=today)
    assert holds_for()
    assert not holds_for("appointment")
    assert not holds_for(kind=Kind.GUARDIAN)
    assert not holds_for(day=today + timedelta(days=1))
    with world.runtime.db.read() as tx:
        assert not mandates.holds(tx, daughter, mother, Kind.RELATIVE, "card_loss", today)
    key = give()
    assert holds_for("appointment", day=today + timedelta(days=9_999))
    with world.runtime.db.write() as tx:
        assert len(mandates.of(tx, daughter)) == 1
        assert [mandates.revoke(tx, world.runtime, key, "counter") for _ in range(2)] == [True, False]
        assert [row.action for row in tx.execute(select(audit.audit).order_by(audit.audit.c.number))] == [
            "mandate.add",
            "mandate.add",
            "mandate.revoke",
        ]
    assert not holds_for()


# --- holds -----------------------------------------------------------------------------------


def test_of_several_holds_the_longest_counts_until_it_ends(world: World) -> None:
    """A shorter one placed later shortens nothing; each ends by itself; a person can lift them."""
    world.settle(2)
    key, other, now = citizen(world, 0), citizen(world, 1), world.clock()
    with world.runtime.db.write() as tx:
        holds.place(tx, world.runtime, key, now + timedelta(hours=24), "mobile_changed")
        holds.place(tx, world.runtime, key, now + timedelta(hours=1), "mobile_changed")
        assert holds.until(tx, key, now) == now + timedelta(hours=24)
        assert holds.until(tx, key, now + timedelta(hours=24)) is None
        assert holds.until(tx, other, now) is None
        holds.forget_old(tx, now + timedelta(hours=2))
        assert holds.until(tx, key, now) == now + timedelta(hours=24)
        assert holds.lift(tx, world.runtime, key) == 1
        assert holds.until(tx, key, now) is None
