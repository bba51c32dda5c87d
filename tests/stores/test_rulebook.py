"""A city's rules in the database: who goes by which when, what may never change, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select, update

from gateway import audit, cities, readiness
from gateway.audit import audit as audit_rows
from gateway.cities import City, Rules, city_rules
from gateway.db import Db
from gateway.errors import SettingError, UnknownNameError
from gateway.levers import rulebook
from gateway.levers.accounts import Desk
from gateway.levers.rulebook import Loaded
from gateway.rules import files
from gateway.rules.files import RulesFileError
from gateway.runtime import Runtime
from gateway.transactions import store
from tests.world import World

CHANGDE = files.shipped_text("changde")
HEAD = CHANGDE.partition("\n[[version]]")[0]
NEXT = """
[[version]]
version = {version}
in_force_from = {day}
source = "通知 a notice"
source_date = 2026-11-20
[version.card_loss]
duration = {duration}
unit = "day"
source = "通知 a notice"
source_date = 2026-11-20
"""
TOMORROW = "2026-11-22"
LEVELS = CHANGDE[: CHANGDE.index("levels = { card_release")].count("\n") + 1  # the line they stand on


def _next(day: str = TOMORROW, duration: int = 10, version: int = 3) -> str:
    return NEXT.format(version=version, day=day, duration=duration)


def _load(runtime: Runtime, text: str, city: str = "changde") -> Loaded:
    document = files.read(text, city, f"{city}.toml")
    with runtime.db.write() as tx:
        return rulebook.load(Desk(tx, runtime.vault, runtime.clock(), "cli"), document)


def _begin(runtime: Runtime) -> Any:
    with runtime.db.write() as tx:
        return store.create(tx, runtime, "card_loss", "web", None, runtime.clock()).row


def _again(runtime: Runtime, row: Any) -> Rules:
    """The rules of a transaction as anybody finds them who opens it."""
    with runtime.db.read() as tx:
        return store.load(tx, runtime, row.id).rules


def _now(runtime: Runtime) -> Rules:
    return cities.of(runtime).rules_now(runtime.clock())


def _refused(runtime: Runtime, text: str, city: str = "changde") -> str:
    with pytest.raises(RulesFileError) as refusal:
        _load(runtime, text, city)
    return str(refusal.value)


@contextmanager
def _other_process(world: World) -> Iterator[Runtime]:
    db = Db(world.runtime.db.engine.url.render_as_string(hide_password=False))
    yield replace(world.runtime, db=db, kept={})
    db.close()


# --- who goes by which ---------------------------------------------------------------------------


def test_a_new_version_holds_from_its_midnight_and_for_what_begins_then(world: World) -> None:
    """What began before keeps the rules it began under; every process has them within seconds."""
    before = _begin(world.runtime)
    with _other_process(world) as other:
        assert _now(other).version == 2
        assert _load(world.runtime, CHANGDE + _next()).new == (3,)
        world.clock.advance(seconds=3)
        assert [one.version for one in cities.of(other).versions] == [1, 2, 3]
        for runtime in (world.runtime, other):
            world.clock.now = datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)
            assert (_now(runtime).version, _begin(runtime).rules_version) == (2, 2)
            world.clock.now = datetime(2026, 11, 21, 16, tzinfo=UTC)
            assert (_now(runtime).version, _begin(runtime).rules_version) == (3, 3)
            assert _now(runtime).card_loss.duration == 10
            assert _again(runtime, before).card_loss.duration == 7


def test_what_another_process_loaded_a_moment_ago_is_found_at_need(world: World) -> None:
    """A transaction begun there under it is opened here, however fresh what we know is."""
    with _other_process(world) as other:
        assert _now(other).version == 2
        _load(world.runtime, CHANGDE + _next("2026-11-21"))  # at once: nothing has begun yet
        row = _begin(world.runtime)
        assert row.rules_version == 3
        assert _again(other, row).card_loss.duration == 10


def test_to_ask_costs_one_question_in_three_seconds(world: World) -> None:
    """However often it is asked; what did not change is not read anew."""
    asked: list[str] = []
    _load(world.runtime, CHANGDE + _next())
    for engine in (world.runtime.db.engine, world.runtime.db._aside):
        event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for _ in range(3):
        for _ in range(50):
            assert len(cities.of(world.runtime).versions) == 3
        world.clock.advance(seconds=3)
    mine = [words for words in asked if "city_rules" in words]
    assert (len(mine), sum("document" in words for words in mine)) == (4, 1)


def test_asking_in_the_middle_of_a_commit_waits_for_nobody(world: World) -> None:
    """On SQLite too, where only one may write: whoever writes may ask, and others meanwhile."""
    _now(world.runtime)
    with _other_process(world) as other:
        _now(other)
        _load(world.runtime, CHANGDE + _next())
        world.clock.advance(seconds=10)
        with world.runtime.db.write() as tx:
            tx.execute(update(city_rules).values(loaded_by="x"))
            assert len(cities.of(world.runtime).versions) == 3
            assert len(cities.of(other).versions) == 3


def test_who_asks_first_waits_for_no_connection_of_those_who_ask_behind_them(world: World) -> None:
    """Else all connections would be held by callers who wait for one more."""
    with _other_process(world) as other, ExitStack() as held:
        size = other.db.engine.pool.size()  # type: ignore[attr-defined]
        for _ in range(size + other.db.engine.pool._max_overflow):  # type: ignore[attr-defined]
            held.enter_context(other.db.read())
        assert cities.of(other).versions


def test_a_database_that_is_away_leaves_what_is_known(sqlite_world: World, tmp_path: Path) -> None:
    """And before anything is known, what came with the release."""
    _load(sqlite_world.runtime, CHANGDE + _next())
    assert len(cities.of(sqlite_world.runtime).versions) == 3
    lost = Db(f"sqlite:///{tmp_path}/nowhere/at.db")
    sqlite_world.clock.advance(seconds=10)
    assert len(cities.of(replace(sqlite_world.runtime, db=lost)).versions) == 3
    assert len(cities.of(replace(sqlite_world.runtime, db=lost, kept={})).versions) == 2
    lost.close()


def test_a_later_release_changes_nothing_a_city_has_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the first load the shipped versions are the city's own, too."""
    row = _begin(world.runtime)
    _load(world.runtime, CHANGDE + _next())
    later = files.read(CHANGDE.replace("duration = 7", "duration = 9"), "changde", "later.toml")
    monkeypatch.setitem(cities.shipped(), "changde", City("changde", later.versions))
    with _other_process(world) as other:
        assert _again(other, row).card_loss.duration == 7
        assert len(cities.of(other).versions) == 3


def test_a_city_of_its_own_is_loaded_and_served(world: World, tmp_path: Path) -> None:
    """One that no release brings, its file beginning with rules in force."""
    text = CHANGDE.replace('name = "常德"', 'name = "岳阳"')
    here = replace(world.runtime, settings=replace(world.runtime.settings, city="yueyang"), kept={})
    with pytest.raises(SettingError, match=r"'yueyang'; there are changde, shanghai\. To add a city, load"):
        readiness.check(here.settings)
    assert _load(here, text, "yueyang").new == (1, 2)
    readiness.check(here.settings)
    assert (_now(here).name, _now(world.runtime).name) == ("岳阳", "常德")


def test_a_version_this_release_cannot_read_is_said_before_anything_starts(world: World) -> None:
    """Which version, and which line of its file."""
    _load(world.runtime, CHANGDE + _next())
    with world.runtime.db.write() as tx:
        spoilt = CHANGDE.replace("slot_minutes", "slot_hours") + _next()
        tx.execute(update(city_rules).where(city_rules.c.version == 3).values(document=spoilt, digest=b"x"))
    with pytest.raises(SettingError, match=r"the rules of changde as loaded:\d+: appointment\.slot_hours"):
        readiness.check(world.runtime.settings)


# --- what may never change -----------------------------------------------------------------------


def test_a_version_something_began_under_is_never_changed(world: World) -> None:
    """The refusal names its line, what would change, and the day from which a next one may hold."""
    _begin(world.runtime)
    text = CHANGDE.replace("duration = 7", "duration = 8")
    line = text.splitlines().index("version = 2") + 1
    assert _refused(world.runtime, text) == (
        f"changde.toml:{line}: [[version]] 2: version: 2 cannot change any more: 1 transactions began under "
        "it. It changes card_loss.duration. Leave it out of the file or as it is, and write what changes "
        "into a [[version]] with the next number, in force from 2026-11-22 or later."
    )
    assert _now(world.runtime).card_loss.duration == 7


def test_a_new_version_begins_tomorrow_at_the_earliest(world: World) -> None:
    """By the city's own date; the refusal names the day."""
    world.clock.now = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)  # the 22nd in Changde
    _begin(world.runtime)
    text = CHANGDE + _next("2026-11-22")
    line = text.splitlines().index("in_force_from = 2026-11-22") + 1
    said = _refused(world.runtime, text)
    assert said.startswith(f"changde.toml:{line}: [[version]] 3: in_force_from: 2026-11-22 is too soon")
    assert said.endswith("Write 2026-11-23 or a later day.")
    assert _load(world.runtime, CHANGDE + _next("2026-11-23")).new == (3,)


def test_a_city_may_replace_all_before_anything_begins(world: World) -> None:
    """What came with a release is a beginning."""
    found = _load(world.runtime, CHANGDE.replace("duration = 7", "duration = 8"))
    assert (found.changed, found.same, found.new) == ((2,), (1,), ())
    world.clock.advance(seconds=3)
    assert (_now(world.runtime).version, _now(world.runtime).card_loss.duration) == (2, 8)


def test_what_is_not_yet_in_force_may_be_corrected(world: World) -> None:
    """Until its day comes; after that only another version helps."""
    _begin(world.runtime)
    _load(world.runtime, CHANGDE + _next("2026-12-01", 10))
    assert _load(world.runtime, CHANGDE + _next("2026-12-05", 12)).changed == (3,)
    world.clock.now = datetime(2026, 12, 6, tzinfo=UTC)
    assert _begin(world.runtime).rules_version == 3
    assert "3 cannot change any more" in _refused(world.runtime, CHANGDE + _next("2026-12-05", 13))
    assert _now(world.runtime).card_loss.duration == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CHANGDE + _next().replace("source_date = 2026-11-20", ""), "3: card_loss.source_date: is missing"),
        (CHANGDE + _next().replace('source = "通知 a notice"', "", 2), "3: source: Missing data"),
        (CHANGDE + _next(version=2), "2 comes after 2; count upwards"),
        (CHANGDE.replace("= 2024-01-01", "= 0001-01-01"), "in_force_from: must be of the years 1900 to 2999"),
        (
            CHANGDE.replace("levels = { card_release", "levels = { card_relase"),
            f"toml:{LEVELS}: [[version]] 1: identity.levels.card_relase: there is no such transaction type",
        ),
        (CHANGDE + _next(day="2025-12-31"), "version 3 must come into force after 2026-01-01"),
        (
            CHANGDE.replace("= 2024-01-01", "= 2027-01-01").replace("= 2026-01-01", "= 2027-01-02"),
            "1: in_force_from: nothing would be in force until 2027-01-01",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_trace(world: World, text: str, said: str) -> None:
    """Neither a version nor a row of the audit chain."""
    assert said in _refused(world.runtime, text)
    with world.runtime.db.read() as tx:
        assert tx.execute(select(city_rules)).all() == []
        assert tx.execute(select(audit_rows)).all() == []


def test_a_version_fits_among_those_that_are_loaded(world: World) -> None:
    """A file need not repeat them, and its own order is not all that counts."""
    _load(world.runtime, CHANGDE + _next("2026-12-10"))
    said = _refused(world.runtime, HEAD + _next("2026-12-01", version=4))
    assert "1: in_force_from: version 4 must come into force after 2026-12-10" in said
    assert _load(world.runtime, HEAD + _next("2026-12-20", version=4)).new == (4,)
    world.clock.advance(seconds=3)
    assert [one.version for one in cities.of(world.runtime).versions] == [1, 2, 3, 4]


def test_who_loaded_what_is_on_record(world: World) -> None:
    """The file's digest and each version; loading it again adds none."""
    for _ in range(2):
        _load(world.runtime, CHANGDE + _next())
    with world.runtime.db.read() as tx:
        rows = tx.execute(select(audit_rows.c.actor, audit_rows.c.action, audit_rows.c.subject)).all()
        assert audit.broken(tx, world.runtime.vault) is None
    assert [row.action for row in rows] == ["rules.load", "rules.version", "rules.load"]
    assert {row.actor for row in rows} == {"cli"}
    assert rows[1].subject == "changde 3 in force from 2026-11-22"


# --- whatever is loaded when ---------------------------------------------------------------------

_names = count()
steps = st.lists(
    st.one_of(
        st.tuples(st.just("load"), st.integers(1, 4), st.integers(-3, 6), st.integers(1, 9)),
        st.just(("begin",)),
        st.tuples(st.just("pass"), st.integers(1, 60)),  # hours
    ),
    max_size=10,
)


@given(steps)
@settings(
    max_examples=30, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_loaded_when_nothing_that_began_sees_other_rules(
    sqlite_world: World, steps: list[tuple[Any, ...]]
) -> None:
    """And two processes never go by different ones, and some are always in force."""
    world, name = sqlite_world, f"city{next(_names)}"  # what began in another example is not of this one
    with world.runtime.db.write() as tx:
        tx.execute(delete(city_rules))
    world.clock.now = datetime(2026, 11, 21, 8, tzinfo=UTC)
    here = replace(world.runtime, settings=replace(world.runtime.settings, city=name), kept={})
    _load(here, CHANGDE, name)
    began = []
    for step in steps:
        match step:
            case ("load", version, days, duration):
                day = (world.clock.now + timedelta(days=days)).date()
                with_it = HEAD + _next(f"{day}", duration, version)
                with suppress(RulesFileError):
                    _load(here, with_it, name)
                world.clock.advance(seconds=3)
            case ("pass", hours):
                world.clock.advance(hours=hours)
            case _:
                row = _begin(here)
                began.append((row, _again(here, row)))
        other = replace(here, kept={})
        assert _now(here) == _now(other)
        assert [_again(other, row) for row, _ in began] == [rules for _, rules in began]
        dates = [rules.in_force_from for rules in cities.of(other).versions]
        assert dates == sorted(set(dates))
        assert dates[0] <= world.clock.now.date()


def test_a_city_nobody_knows_is_named_beside_the_known_ones(world: World) -> None:
    """In the row of a transaction too."""
    with pytest.raises(UnknownNameError, match="'atlantis'; there are changde, shanghai"):
        cities.begun_under(world.runtime, "atlantis", 1)
    with pytest.raises(UnknownNameError, match="changde has no version 9"):
        cities.begun_under(world.runtime, "changde", 9)
    assert date(2026, 1, 1) == cities.begun_under(world.runtime, "changde", 2).in_force_from
