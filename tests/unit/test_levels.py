"""How surely somebody is known: which proofs are enough, and what is still missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway import cities
from gateway.transactions import levels, registry
from gateway.transactions.levels import Factor
from gateway.transactions.model import Level

PROOFS = st.frozensets(st.sampled_from([Factor.CODE, Factor.PASSWORD, Factor.EMAIL]))
LEVELS = st.sampled_from(list(Level))


@given(LEVELS, st.booleans(), PROOFS)
def test_enough_is_one_that_counts_first_and_for_strong_another_one(
    level: Level, also: bool, proofs: frozenset[Factor]
) -> None:
    """Known: a code, or the password where it is taken. Strong: a different one besides. Anonymous: none."""
    first = proofs & ({Factor.CODE, Factor.PASSWORD} if also else {Factor.CODE})
    enough = level is Level.ANONYMOUS or (bool(first) and (level is Level.KNOWN or len(proofs) >= 2))
    assert (not levels.missing(level, also_password=also, given=proofs)) == enough


@given(LEVELS, st.booleans(), PROOFS, st.data())
def test_whatever_is_asked_for_leads_on_and_is_never_asked_twice(
    level: Level, also: bool, proofs: frozenset[Factor], data: st.DataObject
) -> None:
    """Each thing missing is new, and after two at most nothing is missing any more."""
    for _ in range(2):
        wanted = levels.missing(level, also_password=also, given=proofs)
        assert not wanted & proofs
        if wanted:
            proofs |= {data.draw(st.sampled_from(sorted(wanted)))}
    assert not levels.missing(level, also_password=also, given=proofs)


@given(LEVELS, st.sampled_from([None, *map(str, Level)]))
def test_a_city_asks_for_more_never_for_less(own: Level, city: str | None) -> None:
    """Strong wherever either says so; but whoever is not asked who they are cannot prove it."""
    if own is Level.ANONYMOUS:
        assert levels.required(own, city) is own
    else:
        assert (levels.required(own, city) is Level.STRONG) == (Level.STRONG in (own, city))


@given(LEVELS, st.booleans(), PROOFS)
def test_who_was_seen_at_a_counter_need_prove_nothing(
    level: Level, also: bool, proofs: frozenset[Factor]
) -> None:
    """A service that has checked the identity itself answers for it, at every level."""
    given_ = proofs | {Factor.ATTESTED}
    assert not levels.missing(level, also_password=also, given=given_)


@given(PROOFS)
def test_what_was_proven_is_written_and_read_back(proofs: frozenset[Factor]) -> None:
    """As it stands in the row, in sixteen characters where two are the most that is asked for."""
    assert levels.read(levels.written(proofs)) == proofs
    assert len(proofs) > 2 or len(levels.written(proofs)) <= 16


def test_cities_raise_the_level_of_types_there_are() -> None:
    """A misspelt name in a city's file would protect nothing."""
    named = {
        name
        for city in cities.shipped().values()
        for rules in city.versions
        for name in rules.identity.levels
    }
    assert named <= {*registry.types(), "card_release"}
