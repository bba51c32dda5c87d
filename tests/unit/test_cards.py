"""Both halves of a card, in states nobody expects: what is told must be what is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import cities
from gateway.back_offices import AlreadyDone, Done, Refused
from gateway.card_rules import CardLoss
from gateway.cards import situation
from gateway.cards.desk import NO_BANK
from gateway.catalogue import card_loss, card_release, card_status
from gateway.rules.model import Rules
from gateway.transactions.model import (
    Case,
    Changed,
    Drop,
    Later,
    Plan,
    Reminded,
    State,
    Tell,
    TransactionType,
    View,
)
from gateway.transactions.references import is_reference
from tests.town import BANK_DAYS, NOW, Account, Card, Town

WOMAN_OF_73, MAN_OF_40 = "430726195207071266", "430702198601010013"
LOSS, SECOND, RELEASE = islice(filter(is_reference, map("{:014}".format, range(10**9, 10**10))), 3)


def rules(**changes: Any) -> Rules:
    shipped = cities.shipped()["changde"].versions[-1]
    return replace(shipped, card_loss=replace(shipped.card_loss, **changes))


def case(town: Town, reference: str, number: str = WOMAN_OF_73, **changes: Any) -> Case:
    return Case(UUID(int=1), reference, {"id_number": number, "name": "王芳"}, rules(**changes), town.now)


@dataclass(slots=True)
class Row:
    """A transaction as the engine keeps it: asked until it ends, then looked at whenever it is due."""

    kind: TransactionType
    town: Town
    reference: str
    rules: dict[str, Any] = field(default_factory=dict)
    number: str = WOMAN_OF_73
    state: State = State.SUBMITTED
    stage: str = ""
    reason: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    due: datetime | None = None
    told: list[str] = field(default_factory=list)
    begun: datetime = NOW

    def ask(self) -> Any:
        """One step at the back office."""
        outcome = self.kind.perform(self.town, case(self.town, self.reference, self.number, **self.rules))
        if isinstance(outcome, Done | AlreadyDone):
            self.state = State.SUCCEEDED if isinstance(outcome, Done) else State.ALREADY_DONE
            self._move(outcome.stage, outcome.facts, outcome.again_at)
            self.told.append(self.kind.event(self.view))
        elif isinstance(outcome, Refused):
            self.state, self.reason = State.REJECTED, outcome.reason
        else:
            self.state = State.UPSTREAM_UNKNOWN
        self.check_words()
        return outcome

    def look(self) -> None:
        """The later look that is due now, or a retry of it."""
        assert self.kind.follow is not None
        seen = self.kind.follow(
            self.town, case(self.town, self.reference, self.number, **self.rules), self.view
        )
        if not isinstance(seen, Changed):
            self.due = self.town.now + timedelta(minutes=1)
            return
        self._move(seen.stage, seen.facts, seen.again_at)
        self.told += [seen.event] if seen.event else []
        self.check_words()

    def wait(self, until: datetime) -> None:
        """Let the time pass, looking whenever it is due."""
        while self.due is not None and self.due <= until:
            self.town.now = max(self.due, self.town.now)
            self.town.tick()
            self.look()
        self.town.now = max(until, self.town.now)
        self.town.tick()

    def _move(self, stage: str, facts: Any, due: datetime | None) -> None:
        if stage != self.stage:
            assert stage in self.kind.stages[self.stage].then, f"{self.stage} → {stage} is not declared"
        assert due is None or due > self.town.now, "a look that is due in the past would never end"
        self.stage, self.facts, self.due = stage, dict(facts), due

    @property
    def view(self) -> View:
        return View(
            self.reference, self.kind.name, self.state, self.stage, rules(**self.rules), self.facts,
            self.reason, None, False, self.begun, self.town.now, self.town.now,
        )  # fmt: skip

    def check_words(self) -> None:
        """Whatever has come, there are sentences in both languages and values that fit."""
        said = self.kind.explain(self.view)
        assert said
        assert all(words.zh and words.en for words in said)
        values = self.kind.personalise(self.view)
        assert {name: value for name, value in values.items() if len(value) > 35} == {}

    def says(self) -> str:
        return "".join(words.zh for words in self.kind.explain(self.view))


def reported(town: Town, **changes: Any) -> Row:
    row = Row(card_loss.TYPE, town, LOSS, changes)
    row.ask()
    return row


def released(town: Town, **changes: Any) -> Row:
    row = Row(card_release.TYPE, town, RELEASE, {"remote_cancel_allowed": True, **changes})
    row.ask()
    return row


# --- whatever happens ----------------------------------------------------------------------------

EVENTS = st.one_of(
    st.sampled_from(
        ["formal_lost", "replacing", "replaced", "cancelled", "released", "other_report", "number"]
    ),
    st.sampled_from(
        ["bank ", "bank down", "bank lost", "bank bank_frozen", "bank bank_formal_lost", "bank other"]
    ),
    st.sampled_from(["system ", "system down"]),
    st.sampled_from(["account normal", "account temp_lost", "account formal_lost", "account frozen"]),
    st.integers(1, 80),  # hours
)


def happen(row: Row, event: str | int) -> None:
    """One thing that goes on outside, whatever the card's state."""
    town = row.town
    if isinstance(event, int):
        row.wait(town.now + timedelta(hours=event))
        return
    word, _, more = event.partition(" ")
    card = town.cards[0]
    if word == "bank":
        town.bank = more
    elif word == "system":
        town.system = more
    elif word == "account":
        until = town.now + BANK_DAYS if more == "temp_lost" else None
        town.account = Account(more, until)
    elif word == "number":
        town.cards = [replace(card, number=f"N{len(card.number)}{card.number[1:-1]}7"[:12])]
    elif word == "released":
        town.cards = [Card(card.number, released_serial="counter")]
    elif word == "other_report" and card.state == "normal":
        town.cards = [
            replace(card, state="temp_lost", lost_serial="other", lost_until=town.now + timedelta(days=7))
        ]
    elif word not in ("other_report",):
        town.cards = [Card(card.number, word)]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(EVENTS, max_size=7),
    st.sampled_from(["none", "one_way", "two_way"]),
    st.sampled_from([0, 24]),
    st.sampled_from(["", "down", "lost", "other", NO_BANK]),
)
def test_a_report_is_followed_to_its_end_and_says_what_is_so(
    events: Sequence[str | int], sync: Any, delay: int, bank: str
) -> None:
    """Every move is a declared one, a blocked card is told as blocked, and in the end nothing is due."""
    town = Town(bank=bank)
    row = reported(town, bank_sync=sync, effective_delay_hours=delay)
    assert row.state is State.SUCCEEDED, "no answer of the bank undoes the social half"
    for event in events:
        happen(row, event)
        _is_so(row)
    town.system, town.bank = "", ""
    row.wait(town.now + timedelta(days=20))
    assert row.due is None
    assert town.blocks == 1
    assert not situation.of(row.view).blocked


def _is_so(row: Row) -> None:
    """Just after a look that was answered, the social half is told as the card system has it."""
    if row.due is None or row.town.system:
        return
    row.look()
    ours = [card for card in row.town.cards if card.lost_serial == LOSS and card.state == "temp_lost"]
    assert situation.of(row.view).blocked == bool(ours)
    free = any(card.state == "normal" for card in row.town.cards)
    if "社保功能可以使用" in row.says():
        assert free


@settings(max_examples=60, deadline=None)
@given(
    st.lists(EVENTS, max_size=5),
    st.lists(st.sampled_from(["", "down", "lost"]), max_size=4),
    st.sampled_from(["none", "one_way", "two_way"]),
    st.sampled_from(["", "down", "lost", "bank_own_report", NO_BANK]),
)
def test_a_release_ends_and_frees_nothing_but_a_temporary_block(
    events: Sequence[str | int], answers: Sequence[str], sync: Any, bank: str
) -> None:
    """However often its answer is lost, it ends; a card a counter dealt with stays as it is."""
    town = Town()
    loss = reported(town, bank_sync=sync)
    for event in events:
        happen(loss, event)
    town.bank = bank
    before = town.cards[0].state
    row = Row(card_release.TYPE, town, RELEASE, {"bank_sync": sync, "remote_cancel_allowed": True})
    row.begun = town.now
    for system in (*answers, ""):
        town.system = system
        if row.state in (State.SUBMITTED, State.UPSTREAM_UNKNOWN):
            row.ask()
    assert row.state in (State.SUCCEEDED, State.ALREADY_DONE, State.REJECTED)
    if before in situation.AT_COUNTER:
        assert (row.state, row.reason, town.cards[0].state) == (State.REJECTED, before, before)
    if before == "temp_lost":
        assert (row.state, town.cards[0].state) == (State.SUCCEEDED, "normal")
    if before == "normal":
        assert row.state is State.ALREADY_DONE
    row.wait(town.now + timedelta(days=3))
    assert row.due is None


# --- the report ------------------------------------------------------------------------------------


def test_the_halves_have_an_end_each() -> None:
    """The bank's block ends after its own five days and is told as ended; the card's goes on."""
    town = Town()
    row = reported(town, bank_sync="two_way")
    assert (row.stage, row.told) == ("temp_lost_both", ["succeeded_pensioner"])
    row.wait(NOW + timedelta(days=5, hours=1))
    assert row.stage == "temp_lost_bank_open"
    assert "银行账户现在没有挂失" in row.says()
    row.wait(NOW + timedelta(days=7, minutes=2))
    assert (row.stage, row.told[1:], row.due) == ("lapsed", ["lapsed"], None)
    assert "卡还没找到，请马上再挂失一次" in row.says()


def test_a_bank_that_holds_on_for_longer_is_told_as_it_is() -> None:
    """The card works again while the account is still blocked: both are said, until the bank's end."""
    town = Town(account=Account("temp_lost", NOW + timedelta(days=9)))
    row = reported(town, bank_sync="two_way")
    row.wait(NOW + timedelta(days=7, hours=1))
    assert row.stage == "bank_lost"
    assert "银行账户还在挂失，11月30日16:05自动解除" in row.says()
    row.wait(NOW + timedelta(days=10))
    assert (row.stage, row.due) == ("lapsed", None)


@pytest.mark.parametrize("bank", ["down", "lost"])
def test_a_bank_silent_for_a_day_is_given_up_and_told_and_the_card_stays_blocked(bank: str) -> None:
    """One message says that the account is not blocked as far as we know, and whom to call."""
    town = Town(bank=bank)
    row = reported(town, bank_sync="one_way")
    assert row.stage == "temp_lost_bank_waiting"
    row.wait(NOW + timedelta(days=2))
    assert (row.stage, row.told[1:]) == ("temp_lost_bank_open", ["bank_not_blocked"])
    assert "银行一天没有回应" in row.says()
    assert town.bank_calls < 70, "the pauses grow"
    assert town.cards[0].state == "temp_lost"


def test_a_bank_that_answers_late_is_told_late() -> None:
    """Silent at first, done an hour later: the second message brings the bank's own end."""
    town = Town(bank="down")
    row = reported(town, bank_sync="one_way")
    town.bank = ""
    row.wait(NOW + timedelta(hours=1))
    assert (row.stage, row.told[1:]) == ("temp_lost_both", ["bank_blocked"])
    assert card_loss.TYPE.personalise(row.view)["bank_until"] == "11月26日16:06"


def test_a_bank_that_refuses_says_why() -> None:
    """Why is told in the result itself; an account that nobody can use needs no block."""
    row = reported(Town(bank="other"), bank_sync="two_way")
    assert row.stage == "temp_lost_bank_open"
    assert "银行账户没有挂失：银行没有受理" in row.says()
    row = reported(Town(bank="bank_frozen"), bank_sync="two_way")
    assert row.stage == "temp_lost_both"
    assert "银行账户已冻结，不用挂失" in row.says()


def test_a_report_that_takes_effect_later_warns_until_then() -> None:
    """Taken now, in force after 24 hours: both are told, and that the card still works before."""
    row = reported(Town(), effective_delay_hours=24)
    assert (row.stage, row.told) == ("reported", ["delayed"])
    assert "11月22日16:05生效，11月29日16:05自动解除。生效前卡还能用" in row.says()
    row.wait(NOW + timedelta(hours=25))
    assert (row.stage, row.told[1:]) == ("temp_lost", ["effective"])


def test_a_number_that_changed_is_still_the_same_report() -> None:
    """The block is known by our reference, whatever the card is called by then."""
    town = Town()
    row = reported(town)
    happen(row, "number")
    row.look()
    assert row.stage == "temp_lost"


def test_a_card_that_is_gone_was_replaced() -> None:
    """Another card in its place, without our block: the new one is to be used."""
    town = Town()
    row = reported(town)
    town.cards = [Card("B00000001")]
    row.look()
    assert (row.stage, row.due) == ("replaced", None)
    assert "请使用新卡" in row.says()


def test_a_card_somebody_reported_anew_is_no_longer_this_report_s() -> None:
    """Released between two looks and blocked under another reference: this report is over, not the block."""
    town = Town()
    row = reported(town)
    town.cards = [replace(town.cards[0], lost_serial=SECOND)]
    row.look()
    assert (row.stage, row.due, row.told[1:]) == ("reported_again", None, [])
    assert "社保功能可以使用" not in row.says()


def test_a_second_report_tells_nothing_twice() -> None:
    """Of two reports of one card the second was already done, and leaves the end to the first."""
    town = Town()
    first = reported(town)
    second = Row(card_loss.TYPE, town, SECOND)
    second.ask()
    assert second.state is State.ALREADY_DONE
    assert card_loss.follow_up(first.view) == card_loss.follow_up(second.view)
    first.wait(NOW + timedelta(days=8))
    second.wait(NOW + timedelta(days=8))
    assert (first.stage, second.stage) == ("lapsed", "lapsed")
    assert (first.told[1:], second.told[1:]) == (["lapsed"], [])


@pytest.mark.parametrize(
    ("number", "draws"),
    [(WOMAN_OF_73, True), (MAN_OF_40, False), ("430702197102010018", False), ("430702197602010028", True)],
)
def test_only_who_may_draw_a_pension_is_warned_of_it(number: str, draws: bool) -> None:
    """Age and sex in the ID number decide: women from 50, men from 60."""
    assert situation.draws_pension(number, NOW.date()) is draws
    row = Row(card_loss.TYPE, Town(), LOSS, number=number)
    row.ask()
    assert ("养老金" in row.says()) is draws


# --- the reminder ------------------------------------------------------------------------------------


def reminded(town: Town, plan: Plan, at: datetime) -> Any:
    town.now = at
    town.tick()
    return card_loss.remind(town, Reminded(WOMAN_OF_73, "王芳", UUID(int=1), plan, rules(), at))


def test_the_reminder_comes_a_day_before_and_is_judged_by_the_card() -> None:
    """Still blocked: told until it ends. Released, silent, or blocked for longer: not told now."""
    town = Town()
    [plan] = card_loss.follow_up(reported(town).view)
    assert (plan.event, plan.due_at) == ("remind_lapse", NOW + timedelta(days=6))
    told = reminded(town, plan, plan.due_at)
    assert isinstance(told, Tell)
    assert (told.values["card_tail"], told.until) == ("6266", NOW + timedelta(days=7))
    town.system = "down"
    assert isinstance(reminded(town, plan, plan.due_at), Later)
    town.system = ""
    town.cards = [replace(town.cards[0], lost_until=NOW + timedelta(days=9))]
    later = reminded(town, plan, plan.due_at)
    assert isinstance(later, Drop)
    assert [one.due_at for one in later.then] == [NOW + timedelta(days=8)]
    town.cards = [Card()]
    assert reminded(town, plan, plan.due_at) == Drop("not_blocked")


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_blocked_cards_each_is_reminded_of_for_itself(order: int) -> None:
    """In whatever order the card system lists them."""
    town = Town()
    [plan] = card_loss.follow_up(reported(town).view)
    other = replace(town.cards[0], number="F12340001", lost_until=NOW + timedelta(days=9))
    town.cards = [town.cards[0], other][::order]
    told = reminded(town, plan, plan.due_at)
    assert isinstance(told, Tell)
    assert (told.values["card_tail"], told.until) == ("6266", NOW + timedelta(days=7))


def test_a_block_of_a_day_needs_no_reminder_of_its_end() -> None:
    """Who has just been told until when is not told again at once."""
    assert card_loss.follow_up(reported(Town(), duration=24, unit="hour").view) == ()


# --- the release -------------------------------------------------------------------------------------


def test_a_block_that_lapses_while_it_is_released_is_no_failure() -> None:
    """Between look and call the block ended by itself: the card works, and that is what is said."""
    town = Town()
    reported(town)

    class Slow(Town):
        def release(self, card: Card, number: str, serial: str) -> Any:
            self.now = NOW + timedelta(days=7, seconds=1)
            return super().release(card, number, serial)

    slow = Slow(NOW + timedelta(days=7, seconds=-1), town.cards)
    row = released(slow)
    assert (row.state, row.stage) == (State.ALREADY_DONE, "released")
    assert "没有挂失，可以使用" in row.says()


def test_a_card_reported_lost_again_is_not_released_by_a_late_repeat() -> None:
    """Our release was done, its answer lost; what somebody blocked since then stays blocked and is told."""
    town = Town()
    reported(town)
    town.system = "lost"
    row = released(town)
    assert row.state is State.UPSTREAM_UNKNOWN
    town.system = ""
    town.cards = [replace(town.cards[0], state="temp_lost", lost_serial=SECOND)]
    row.ask()
    assert (row.state, row.stage, row.told) == (State.SUCCEEDED, "reported_again", ["blocked_again"])
    assert town.cards[0].state == "temp_lost"


def test_what_was_blocked_at_the_bank_is_released_there() -> None:
    """The card works; the bank's own report stays, and the citizen hears where it ends."""
    town = Town()
    reported(town, bank_sync="two_way")
    town.bank = "bank_own_report"
    row = released(town, bank_sync="two_way")
    assert (row.state, row.stage) == (State.SUCCEEDED, "released_bank_lost")
    assert "挂失是在银行办的" in row.says()
    assert "95533" in row.says()


def test_a_city_that_releases_at_counters_only_says_which() -> None:
    """Nothing is asked of the card system; the halls are named with their addresses and hours."""
    town = Town(system="down")
    row = released(town, remote_cancel_allowed=False)
    assert (row.state, row.reason) == (State.REJECTED, "counter_only")
    assert "市社保大厅：武陵区" in row.says()


def test_a_release_is_found_by_the_report_at_its_next_look() -> None:
    """The report's own page says that it was released, not that it lapsed, though its time has passed."""
    town = Town()
    row = reported(town, bank_sync="two_way")
    released(town, bank_sync="two_way")
    town.now = NOW + timedelta(days=8)
    row.look()
    assert (row.stage, row.due, row.told[1:]) == ("released", None, [])


# --- how it stands -----------------------------------------------------------------------------------


def shown(town: Town, **changes: Any) -> Row:
    row = Row(card_status.TYPE, town, SECOND, changes)
    row.ask()
    return row


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account(), "银行账户正常"),
        (Account("temp_lost", NOW + timedelta(days=1)), "银行账户挂失至11月22日16:05"),
        (Account("formal_lost"), "银行账户已正式挂失"),
        (Account("frozen"), "银行：账户已冻结"),
    ],
)
def test_both_halves_are_told_where_the_bank_can_be_asked(account: Account, words: str) -> None:
    """The bank's own state and end stand beside the card's; looking changes neither."""
    town = Town(account=account)
    row = shown(town, bank_sync="two_way")
    assert (row.stage, row.due) == ("in_use", None)
    assert "社保功能：正常" in row.says()
    assert words in row.says()
    assert (town.account, town.cards) == (account, [Card()])


def test_where_the_bank_cannot_be_asked_its_own_line_is_named() -> None:
    """A city without a connection to the bank, or a bank that is silent, leaves nothing unsaid."""
    assert "请拨打中国建设银行95533，问银行账户是否正常" in shown(Town()).says()
    assert "95533" in shown(Town(bank="down"), bank_sync="two_way").says()


def test_of_several_cards_the_one_in_use_is_shown_and_the_others_counted() -> None:
    """Old cards stay in the system for years; nobody means them."""
    row = shown(Town(cards=[Card("A1", "replaced"), Card("A2", "temp_lost"), Card("F00006266")]))
    assert row.stage == "in_use"
    assert "您名下还有2张卡" in row.says()


def test_a_state_nobody_knows_is_left_to_a_person() -> None:
    """A card system's new word is not guessed at: a person is named."""
    row = shown(Town(cards=[Card(state="frozen")]))
    assert row.stage == "unknown"
    assert "请拨打12333转人工" in row.says()
    assert released(Town(cards=[Card(state="frozen")])).reason == "other"


def test_the_rule_s_defaults_ask_no_bank() -> None:
    """Where a city says nothing, the bank half is the citizen's own: nothing is sent there."""
    town = Town(bank="lost")
    reported(town, bank_sync=CardLoss().bank_sync)
    assert town.bank_calls == 0
