"""Changes of what is recorded of a person: who is told, what waits, what people review, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from sqlalchemy import select, update

from gateway import audit, cities
from gateway.catalogue import information_change
from gateway.citizens import holds, passwords, register
from gateway.citizens.passwords import Checked
from gateway.citizens.register import Record, citizens
from gateway.errors import UnknownNameError
from gateway.levers import reviewing
from gateway.levers.accounts import WrongError
from gateway.levers.holding import NotNowError
from gateway.levers.reviewing import Decided
from gateway.messages import has_link
from gateway.notifications import store as notifications
from gateway.notifications.stored import own_address
from gateway.records import changes, fields, reasons, values, words
from gateway.records.changes import Asker
from gateway.transactions import choices, engine, outcome, store
from gateway.transactions.desk import Desk
from gateway.transactions.identity import Proven
from gateway.transactions.model import State, Words
from gateway.transactions.store import Transaction
from integrations.aliyun_sms import AliyunSms
from tests.stores.test_races import at_once
from tests.stores.test_transactions import messages
from tests.world import World

NEW = "13900001234"
CODE, PASSWORD, ATTESTED = "code", "password", "attested"


@pytest.fixture
def town(sqlite_world: World) -> World:
    """People who may be reviewed: a city that begins to look when two others have the number."""
    return with_mail(sqlite_world)


def with_mail(world: World) -> World:
    """Eight people, and a provider for e-mail as well."""
    world.settle(8)
    providers = {**world.runtime.settings.providers, "email": {"scripted": 1}}
    settings = replace(world.runtime.settings, providers=providers)
    world.runtime = replace(world.runtime, settings=settings)
    return world


def draft(world: World, person: int = 1, **answers: str) -> Transaction:
    """A draft of theirs with these answers, whatever is wrong with them is an error of the test."""
    who = world.people[person]
    with world.runtime.db.write() as tx:
        begun = engine.open_draft(tx, world.runtime, "information_change", "web")
        given = {"id_number": who.id_number, "name": who.name, **answers}
        answered = engine.answer(tx, world.runtime, begun, given)
        assert not answered.value
        return answered.transaction


def confirm(world: World, transaction: Transaction, proof: str = CODE, person: int = 1) -> Transaction:
    """Their confirmation, once they have proven who they are in this way."""
    runtime = world.runtime
    with runtime.db.write() as tx:
        who = register.find(tx, runtime.vault, world.people[person].id_number)
        now = runtime.clock()
        proven: dict[str, Any] = {"proof": proof, "citizen_id": who.id if who else None, "confirmed": True}
        taken: dict[str, Any] = {"state": State.SUBMITTED, "stage": "", "submitted_at": now}
        store.change(tx, runtime, transaction.id, **proven, **taken)
        it = store.load(tx, runtime, transaction.id)
        outcome.record(tx, runtime, it, information_change.perform(Desk(tx, runtime), it.case(now)))
        return store.load(tx, runtime, transaction.id)


def changed(world: World, proof: str = CODE, person: int = 1, **answers: str) -> Transaction:
    return confirm(world, draft(world, person, **answers), proof, person)


def recorded(world: World, person: int = 1) -> Record:
    with world.runtime.db.read() as tx:
        found = register.find(tx, world.runtime.vault, world.people[person].id_number)
        record = found and register.record(tx, world.runtime.vault, found.id)
    assert record
    return record


def give(world: World, people: Sequence[int], mobile: str) -> None:
    """Let these people have that number."""
    with world.runtime.db.write() as tx:
        for person in people:
            who = register.find(tx, world.runtime.vault, world.people[person].id_number)
            assert who
            register.change(tx, world.runtime.vault, who.id, {"mobile": mobile})


def crowded(world: World) -> Transaction:
    """A change that waits for a review, since five others have the number."""
    give(world, range(2, 7), f"+86{NEW}")
    return changed(world, item="mobile", mobile=NEW)


def loaded(world: World, transaction: Transaction) -> Transaction:
    with world.runtime.db.read() as tx:
        return store.load(tx, world.runtime, transaction.id)


def decide(world: World, lever: Any, *words: str) -> Decided:
    with world.runtime.db.write() as tx:
        came: Decided = lever(tx, world.runtime, *words, "lin")
    return came


def actions(world: World) -> list[str]:
    with world.runtime.db.read() as tx:
        assert audit.broken(tx, world.runtime.vault) is None
        return list(tx.execute(select(audit.audit.c.action).order_by(audit.audit.c.number)).scalars())


# --- done at once -------------------------------------------------------------------------------


def test_another_mobile_is_told_to_both_and_holds_back_what_is_risky(world: World) -> None:
    """The new number gets the result, the old one a notice without the new; a day's hold; on record."""
    world.settle(2)
    old = recorded(world).mobile
    done = changed(world, item="mobile", mobile=NEW)
    assert (done.state, done.row.stage) == (State.SUCCEEDED, "approved")
    assert recorded(world).mobile == f"+86{NEW}"
    rows = [row for row in world.rows() if row.klass == "result"]
    (to_old,) = [to for row in rows if (to := own_address(world.runtime, row))]
    assert to_old.written == old
    assert len(rows) == 2  # the other goes to whatever is registered: the new number
    assert sorted(NEW[-4:] in text for text in messages(world)) == [False, True]
    assert all("立即拨打12333" in text for text in messages(world))
    with world.runtime.db.read() as tx:
        until = holds.until(tx, recorded(world).id, world.clock())
        found = register.addresses(tx, world.runtime.vault, "mobile", [recorded(world).id])
    assert until
    assert (until - world.clock()).total_seconds() == 24 * 3600
    assert found == {recorded(world).id: f"+86{NEW}"}
    assert actions(world) == ["citizen.change.mobile"]


def code_to(world: World, address: str | None) -> str:
    """The last code that went to this address, or to whatever is registered."""
    runtime = world.runtime
    rows = [(row, own_address(runtime, row)) for row in world.rows() if row.klass == "code"]
    last = max((row for row, to in rows if (to and to.written) == address), key=lambda row: row.created_at)
    return str(notifications.personalisation(runtime, last.id, last.personalisation)["code"])


def prove(world: World, transaction: Transaction, address: str | None) -> object:
    """Ask for the code that is missing and give back the one that came to this address."""
    with world.runtime.db.write() as tx:
        engine.send_code(tx, world.runtime, transaction)
    with world.runtime.db.write() as tx:
        said = engine.prove(tx, world.runtime, transaction, code_to(world, address)).value
    world.clock.advance(seconds=61)
    return said


def submit(world: World, transaction: Transaction) -> bool:
    with world.runtime.db.write() as tx:
        return engine.submit(tx, world.runtime, transaction).value


def test_nothing_is_confirmed_before_the_new_number_gave_back_its_code(town: World) -> None:
    """The code proves one number: where another is written afterwards, that one must give back its own."""
    begun = draft(town, item="mobile", mobile=NEW)
    assert not submit(town, begun)
    assert prove(town, begun, None) == Proven()
    assert not submit(town, begun)
    assert prove(town, begun, f"+86{NEW}") == Proven()
    with town.runtime.db.write() as tx:
        engine.answer(tx, town.runtime, begun, {"mobile": "13900005678"})
    assert not submit(town, begun)
    assert prove(town, begun, "+8613900005678") == Proven()
    assert submit(town, begun)
    assert recorded(town).mobile == "+8613900005678"


def test_the_same_value_is_a_success_that_changes_nothing(town: World) -> None:
    """Who asks twice, or for what is recorded, is told so; nobody is held back or written to twice."""
    first = draft(town, item="mobile", mobile=NEW)
    again = draft(town, item="mobile", mobile=NEW)
    assert confirm(town, first).state is State.SUCCEEDED
    assert changed(town, item="postcode", postcode="415000").state is State.SUCCEEDED
    town.clock.advance(hours=25)
    assert confirm(town, again).state is State.ALREADY_DONE
    assert actions(town) == ["citizen.change.mobile", "citizen.change.postcode"]
    with town.runtime.db.read() as tx:
        assert holds.until(tx, recorded(town).id, town.clock()) is None


def test_every_item_ends_in_its_own_column_and_no_other(town: World) -> None:
    """Index and district follow; the rest of the record, and everybody else's, stays."""
    before, other = recorded(town), recorded(town, 2)
    changed(town, item="address", district="430702", address="常德市武陵区朗州路1号2栋301")
    changed(town, item="postcode", postcode="４１５ ０００")
    changed(town, item="email", email="Wang@Example.CN")
    assert recorded(town) == replace(
        before,
        address="常德市武陵区朗州路1号2栋301",
        district="430702",
        postcode="415000",
        email="Wang@example.cn",
    )
    assert recorded(town, 2) == other
    with town.runtime.db.read() as tx:
        index = tx.execute(select(citizens.c.email_index).where(citizens.c.id == before.id)).scalar_one()
    assert index == town.runtime.vault.index("email", "wang@example.cn")


def test_another_email_address_is_told_to_the_old_one_by_email(town: World) -> None:
    """Where none was recorded nobody else is told; without e-mail the item is not offered at all."""
    who = next(place for place, one in enumerate(town.people) if one.email is None)
    changed(town, person=who, item="email", email="first@example.cn")
    assert {row.channel for row in town.rows()} == {"sms", "email"}
    town.clock.advance(hours=25)
    last = changed(town, person=who, item="email", email="second@example.cn")
    went = [own_address(town.runtime, row) for row in town.rows() if row.transaction_id == last.id]
    assert [one.written for one in went if one] == ["first@example.cn"]
    assert len(went) == 3
    assert "second" not in "".join(messages(town))
    town.runtime = replace(
        town.runtime, settings=replace(town.runtime.settings, providers={"sms": {"scripted": 1}, "email": {}})
    )
    it = draft(town, item="postcode", postcode="415000")
    with town.runtime.db.read() as tx:
        desk = Desk(tx, town.runtime)
        offered = [one.value for one in information_change.TYPE.choices["item"](desk, it.case(town.clock()))]
    assert offered == ["mobile", "address", "postcode", "password", "key"]


@given(st.emails(domains=st.sampled_from(["example.com", "mail.example.gov.cn"])))
def test_no_message_of_a_new_email_address_has_a_link_or_a_value_too_long(address: str) -> None:
    """Vendors refuse values with a web address in them, and what follows an @ is one."""
    masked = values.shown("email", address)
    facts = {"item": "email", "name": "王*", "value": masked.zh, "value_en": masked.en}
    said = values.values(facts, "12345678901237", cities.shipped()["changde"].versions[-1], None)
    longest = AliyunSms.limits.variable or 0
    assert [name for name, one in said.items() if has_link(one) or len(one) > longest] == []


def test_key_data_changes_nothing_and_names_the_papers(town: World) -> None:
    """It ends at the counter with a list, and offers to book a visit for the right matter."""
    before = recorded(town)
    done = changed(town, item="key", key_datum="birth_date")
    assert (done.state, done.row.stage) == (State.SUCCEEDED, "counter")
    assert recorded(town) == before
    kind, view = information_change.TYPE, done.view(town.clock())
    papers = [one.name for one in done.rules.information_change.key_data[2:3]]
    said = "".join(words.zh for words in kind.explain(view))
    assert papers == ["出生日期"]
    assert "最早记载出生日期的个人档案" in said
    book = kind.actions["book"]
    assert book.refusal(view, town.clock()) is None
    assert book.sets["matter"] in {one.id for one in done.rules.appointment.matters}
    assert "出生日期" in "".join(messages(town))


# --- the password ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("proof", "at_once"), [(CODE, False), (ATTESTED, True), ("code+password", True)])
def test_a_password_proven_by_a_code_alone_counts_after_the_hold(
    town: World, proof: str, at_once: bool
) -> None:
    """And it stands nowhere but as a digest: neither in the answers nor in what is told."""
    done = changed(town, proof, item="password", new_password="730581", new_password_again="730581")
    assert done.state is State.SUCCEEDED
    assert "730581" not in str([done.answers, done.facts, messages(town)])
    with town.runtime.db.read() as tx:
        now = passwords.check(tx, town.runtime, recorded(town).id, "730581")
        town.clock.advance(hours=24)
        later = passwords.check(tx, town.runtime, recorded(town).id, "730581")
    assert (now is Checked.RIGHT, later) == (at_once, Checked.RIGHT)


def test_a_password_that_differs_is_asked_for_twice_again_and_a_weak_one_at_once(town: World) -> None:
    """Nobody can tell which of two was meant; what is read off the ID number is refused before the second."""
    begun = draft(town, item="password")
    weak = town.people[1].id_number[6:12]
    with town.runtime.db.write() as tx:
        refused = engine.answer(tx, town.runtime, begun, {"new_password": weak})
        assert set(refused.value) == {"new_password"}
        assert not engine.answer(tx, town.runtime, begun, {"new_password": "730581"}).value
        came = engine.answer(tx, town.runtime, begun, {"new_password_again": "730582"})
    assert set(came.value) == {"new_password", "new_password_again"}
    assert engine.unanswered(came.transaction) == ["new_password", "new_password_again"]


# --- held back ------------------------------------------------------------------------------------


def test_after_another_mobile_contacts_and_password_wait_a_day(town: World) -> None:
    """Whoever took a telephone cannot take the rest at once; an address can be changed all the same."""
    late = draft(town, item="email", email="wang@example.cn")
    changed(town, item="mobile", mobile=NEW)
    refused = confirm(town, late)
    assert (refused.state, refused.row.reason) == (State.REJECTED, "on_hold")
    until = "11月22日16:05"  # the city holds for 24 hours
    told = words.explain(refused.view(town.clock()))
    assert until in told[-1].zh
    assert "after 16:05 on 22 November" in told[-1].en
    assert recorded(town).email == town.people[1].email
    begun = draft(town, item="postcode", postcode="415001")
    with town.runtime.db.write() as tx:
        store.change(tx, town.runtime, begun.id, citizen_id=recorded(town).id, proof=CODE)
        known = store.load(tx, town.runtime, begun.id)
        offered = choices.options(Desk(tx, town.runtime), known, "item") or []
        notes = {one.value: one.note.zh for one in offered if one.note and until in one.note.zh}
        assert set(notes) == {"mobile", "email", "password"}  # before the new value is asked for
        asked = engine.answer(tx, town.runtime, begun, {"item": "mobile", "mobile": "13900005678"})
    assert set(asked.value) == {"item"}
    assert changed(town, item="postcode", postcode="415001").state is State.SUCCEEDED


# --- reviewed -------------------------------------------------------------------------------------


def test_a_number_of_many_waits_for_people_and_is_recorded_once_approved(world: World) -> None:
    """Until then the old one stays and nothing is held back; who decides second hears that it is decided."""
    world.settle(8)
    waits = crowded(world)
    assert (waits.state, waits.row.stage, waits.row.due_at) == (State.SUBMITTED, "pending_review", None)
    assert recorded(world).mobile == f"+86{world.people[1].mobile}"
    assert "核对后生效，11月25日前答复" in "".join(messages(world))
    with world.runtime.db.read() as tx:
        (listed,) = reviewing.listed(tx, world.runtime)
        assert holds.until(tx, recorded(world).id, world.clock()) is None
    assert (listed.reference, listed.causes) == (waits.row.reference, ["many_people"])
    assert NEW not in str(listed)
    assert decide(world, reviewing.approve, waits.row.reference).state == "approved"
    assert recorded(world).mobile == f"+86{NEW}"
    assert loaded(world, waits).state is State.SUCCEEDED
    with pytest.raises(NotNowError, match="not under review: it is succeeded approved"):
        decide(world, reviewing.reject, waits.row.reference, "misuse")
    assert actions(world) == ["citizen.change.mobile", "review.approved"]
    assert len(messages(world)) == 4  # that it waits, to both numbers; then to each what became of it


def test_one_sent_back_is_put_right_under_its_own_reference(town: World) -> None:
    """The named value is open again and all else kept; the new value is checked anew, and counts."""
    waits = crowded(town)
    came = decide(town, reviewing.send_back, waits.row.reference, "unreachable")
    assert (came.state, came.reason) == ("returned", "unreachable")
    back = loaded(town, waits)
    assert (back.state, back.row.stage, back.row.proof) == (State.DRAFT, "returned", None)
    assert engine.unanswered(back) == ["mobile"]
    assert "用它联系不上您" in "".join(messages(town))
    with town.runtime.db.write() as tx:
        assert not engine.answer(tx, town.runtime, back, {"mobile": "13900005678"}).value
    done = confirm(town, back)
    assert (done.state, done.row.stage, done.row.reference) == (
        State.SUCCEEDED,
        "approved",
        waits.row.reference,
    )
    assert recorded(town).mobile == "+8613900005678"


def test_a_review_of_a_new_mobile_is_told_to_it_as_well(town: World) -> None:
    """Who may have lost the old number hears at the new one that it waits, and what came of it."""
    waits = crowded(town)
    decide(town, reviewing.send_back, waits.row.reference, "unclear")
    told = [address.written for row in town.rows() if (address := own_address(town.runtime, row))]
    assert told == [f"+86{NEW}", f"+86{NEW}"]
    assert len(messages(town)) == 4  # the same two to the number that is registered


def test_a_refused_one_leaves_the_record(town: World) -> None:
    """With its reason in words and what to do next."""
    waits = crowded(town)
    assert decide(town, reviewing.reject, waits.row.reference, "misuse").reason == "misuse"
    assert loaded(town, waits).state is State.REJECTED
    assert recorded(town).mobile == f"+86{town.people[1].mobile}"
    assert "可能被人冒用" in "".join(messages(town))


def test_a_record_changed_meanwhile_is_not_overwritten(town: World) -> None:
    """A counter was faster: the older wish ends as refused and says so."""
    waits = crowded(town)
    give(town, [1], "+8613911112222")
    assert decide(town, reviewing.approve, waits.row.reference).reason == "changed_meanwhile"
    assert recorded(town).mobile == "+8613911112222"
    assert loaded(town, waits).state is State.REJECTED


def test_one_change_of_an_item_is_under_review_at_a_time(town: World) -> None:
    """A second one is asked for another item; confirmed all the same, it is refused with the reason."""
    second = draft(town, item="mobile", mobile="13900009999")
    crowded(town)
    refused = confirm(town, second)
    assert (refused.state, refused.row.reason) == (State.REJECTED, "in_review")
    with town.runtime.db.read() as tx:
        assert len(changes.pending(tx, 10)) == 1


def test_what_the_rules_name_is_reviewed_and_nothing_else(town: World) -> None:
    """A password as the only proof, the third change in 30 days; what a city leaves out does not count."""
    alone = changed(town, PASSWORD, item="mobile", mobile=NEW)
    assert alone.row.stage == "pending_review"
    codes = ["415000", "415001", "415002"]
    stages = [changed(town, item="postcode", postcode=code).row.stage for code in codes]
    assert stages == ["approved", "approved", "pending_review"]
    town.clock.advance(days=31)
    assert changed(town, person=2, item="postcode", postcode="415000").row.stage == "approved"
    with town.runtime.db.read() as tx:
        why = [row.causes for row in changes.pending(tx, 10)]
        rules = alone.rules
        lenient = replace(rules, information_change=replace(rules.information_change, review=()))
        wish = changes.wanted(alone.answers)
        code, password = (Asker(proof, relative=False) for proof in (CODE, PASSWORD))
        found = [
            changes.causes(tx, town.runtime.vault, lenient, recorded(town), wish, asker, town.clock())
            for asker in (code, password)
        ]
    assert why == ["password_alone", "often"]
    assert found == [[], ["password_alone"]]


def test_what_a_grown_ups_relative_asks_for_is_reviewed(town: World) -> None:
    """Contacts wait for people, a password is refused; an address is not power and counts at once."""
    with town.runtime.db.read() as tx:
        helper = register.find(tx, town.runtime.vault, town.people[2].id_number)
    assert helper

    def asked(**answers: str) -> Transaction:
        begun = draft(town, 1, **answers)
        with town.runtime.db.write() as tx:
            store.change(tx, town.runtime, begun.id, helped=True, helper_id=helper.id)
        return confirm(town, begun)

    assert asked(item="mobile", mobile=NEW).row.stage == "pending_review"
    refused = asked(item="password", new_password="730582", new_password_again="730582")
    assert refused.row.reason == "own_only"
    assert "730582" not in str(refused.answers)
    assert asked(item="postcode", postcode="415000").row.stage == "approved"
    with town.runtime.db.read() as tx:
        assert [row.causes for row in changes.pending(tx, 10)] == ["by_helper"]


def test_two_reviewers_at_once_decide_once(postgres_url: str, make_world: Callable[[str], World]) -> None:
    """One decision stands; the others hear that there is nothing to decide any more."""
    world = make_world(postgres_url)
    world.settle(8)
    reference = crowded(world).row.reference

    def approve() -> object:
        try:
            return decide(world, reviewing.approve, reference).state
        except NotNowError:
            return "late"

    def reject() -> object:
        try:
            return decide(world, reviewing.reject, reference, "misuse").state
        except NotNowError:
            return "late"

    said = at_once(approve, reject, approve)
    assert said.count("late") == 2
    assert len([one for one in actions(world) if one.startswith("review.")]) == 1


def test_looking_closely_needs_a_reason_and_is_on_record(town: World) -> None:
    """The list is masked; one is opened in full, with why. A reason or reference nobody knows is refused."""
    waits = crowded(town)
    reference = waits.row.reference
    with town.runtime.db.write() as tx:
        with pytest.raises(WrongError, match="why must be one of decide, asked"):
            reviewing.opened(tx, town.runtime, reference, "13900001234 called", "lin")
        seen = reviewing.opened(tx, town.runtime, reference, "decide", "lin")
        with pytest.raises(UnknownNameError):
            reviewing.opened(tx, town.runtime, "20261128000001", "decide", "lin")
    assert (seen.wanted, seen.sharing) == (f"+86{NEW}", 5)
    assert actions(town) == ["review.open"]
    with pytest.raises(WrongError, match="reason must be one of"):
        decide(town, reviewing.reject, reference, "unclear")


# --- values people write --------------------------------------------------------------------------

FIELDS = (fields.Mobile(), fields.Email(), fields.PostalAddress(), fields.Postcode(), fields.NewPassword())


@given(st.text(max_size=40) | st.from_regex(r"[ \t]*[0-9０-９]{6}[ \t]*", fullmatch=True))
def test_whatever_is_written_is_taken_in_one_form_or_refused_in_words(text: str) -> None:
    """What is taken is taken again as it is; what is not has a sentence in both languages."""
    for field in FIELDS:
        try:
            kept = field.deserialize(text)
        except ValidationError as error:
            said = error.messages[0]
            assert isinstance(said, Words)
            assert said.zh
            assert said.en
            continue
        assert field.deserialize(kept) == kept
        assert "\n" not in str(kept)


def test_every_cause_stage_and_reason_has_words() -> None:
    """In both languages."""
    from gateway.information_rules import CAUSES, EVER, ITEMS

    assert {*CAUSES, *EVER} == set(reasons.CAUSES)
    assert set(ITEMS) == set(reasons.ITEMS)
    assert set(reasons.RETURNS) | set(reasons.REFUSALS) <= set(reasons.REASONS)


def test_the_register_refuses_what_it_does_not_change(town: World) -> None:
    """A name is not changed by way of a contact; a person who is gone is told apart."""
    with town.runtime.db.write() as tx:
        with pytest.raises(ValueError, match="name of a citizen is not changed here"):
            register.change(tx, town.runtime.vault, recorded(town).id, {"name": "张三"})
        tx.execute(update(citizens).where(citizens.c.id == recorded(town).id).values(mobile=b"\x01damaged"))
        damaged = register.record(tx, town.runtime.vault, recorded(town).id)
        assert damaged
        assert damaged.mobile is None
        assert not register.change(tx, town.runtime.vault, town.runtime.new_id(), {"mobile": None})
