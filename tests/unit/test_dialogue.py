"""The dialogue of a call: its properties over every sequence of events, and its rules one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.phone import aloud, dialogue, parts, prompts, signals
from gateway.phone import session as sessions
from gateway.phone.results import (
    AskChoice,
    AskCode,
    AskKeys,
    Code,
    Confirm,
    Locked,
    NoMatch,
    Nothing,
    Offer,
    Offered,
    Office,
    Offices,
    Parked,
    Result,
    Stands,
    Unfinished,
)
from gateway.phone.session import Place, Session
from gateway.phone.signals import (
    NORMAL,
    SLOW,
    Action,
    Answered,
    Collect,
    Digits,
    Event,
    HangUp,
    Hangup,
    NoInput,
    Perform,
    Performed,
    PlayDone,
    Transfer,
)
from gateway.phone.turns import KEYING
from gateway.transactions.model import Step, Words

CITY = Words("常德人社", "Changde social security")
ALL = ("card_loss", "card_release", "card_status", "pension_auth", "pension_payment", "appointment")
ID = AskKeys("id_number", Words("身份证号码", "ID number"), 18, 18, "X")
LIST = tuple(Offer(f"v{n}", Words(f"选项{n}", f"choice {n}")) for n in range(1, 7))
DONE = Stands("34270000000000", Words("挂失", "loss"), Words("办好了", "done"), (Words("好", "fine"),), False)
GREETING_LONGEST = 32  # characters in eight seconds, at four a second

# --- what a call may meet ------------------------------------------------------------------------

said = st.builds(Words, st.text("社保卡一二三0123:-", max_size=8), st.text("abc 012", max_size=8))
sentences = st.builds(Words, st.text("养老金没有停", min_size=1, max_size=130), st.just("said"))
told = st.lists(sentences | sentences.map(lambda words: Step(words.zh, words.en)), max_size=9).map(tuple)
offers = st.lists(st.builds(Offer, st.text("abc", min_size=1, max_size=3), said), max_size=11).map(tuple)
some_offers = offers.filter(bool)
results: st.SearchStrategy[Result] = st.one_of(
    st.builds(
        AskKeys, st.just("f"), said, st.just(3), st.integers(3, 18), st.sampled_from(["", "X"]), st.booleans()
    ),
    st.builds(AskChoice, st.just("f"), said, st.none() | said),
    st.builds(AskCode, st.sampled_from(Code), st.integers(0, 4), st.integers(0, 60)),
    st.builds(
        Confirm,
        st.lists(said, max_size=3).map(tuple),
        st.lists(st.tuples(st.builds(Offer, st.just("f"), said), said), min_size=1, max_size=6).map(tuple),
    ),
    st.builds(
        Stands, st.just("34270000000000"), said, said, told, st.booleans(), offers, st.none() | said, told
    ),
    st.builds(Parked, st.just("34270000000000"), said),
    st.builds(Unfinished, said),
    st.builds(NoMatch, st.integers(1, 4)),
    st.just(Locked()),
    st.builds(Nothing, st.booleans()),
    st.builds(Offices, some_offers),
    st.builds(Office, st.lists(said, min_size=1, max_size=3).map(tuple)),
)
keys = st.text("0123456789*#", max_size=20) | st.sampled_from(
    ["1", "2", "3", "4", "5", "8", "9", "*", "**", "0", "34270000000000", "1234", "123456"]
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Digits, keys, st.sampled_from(["", "#"])),
    st.just(NoInput()),
    st.just(PlayDone()),
    st.just(Answered()),
)


def play(session: Session, event: Event, work: Sequence[tuple[Result, bool]]) -> tuple[Session, Action]:
    """One event and the work that follows; ``work`` answers it, then a code is awaited."""
    answers = iter(work)
    session, actions = dialogue.advance(session, event)
    for _ in range(8):
        if not isinstance(actions[-1], Perform):
            return session, actions[-1]
        assert len(actions) == 1
        wanted: Result
        wanted, elder = next(answers, (AskCode(Code.SOON), False))
        if actions[-1].step == "options":
            wanted = Offered(LIST)
        session, actions = dialogue.advance(session, Performed(wanted, elder))
    raise AssertionError("the dialogue asks for work without end")


a_call = st.lists(
    st.tuples(events, st.lists(st.tuples(results, st.booleans()), max_size=3)), min_size=1, max_size=25
)


# --- properties -------------------------------------------------------------------------------------


@given(a_call, st.sampled_from([ALL, ("card_loss",), ()]))
def test_every_sequence_of_events_ends_or_waits_and_a_person_is_one_key_away(
    call: Any, offered: tuple[str, ...]
) -> None:
    """Nothing raises; each event leads to keys being awaited or the end; 0 always finds a person."""
    session, action = play(dialogue.begin(offered, CITY), Answered(), ())
    for event, work in call:
        session, action = play(session, event, work)
        if session.place is Place.OVER:
            assert isinstance(action, Transfer | HangUp)
            return
        assert isinstance(action, Collect)
        _, person = play(session, Digits("0", "#" if session.place in KEYING else ""), ())
        assert person == Transfer("asked")


@given(told)
def test_an_explanation_in_parts_is_whole_and_no_part_is_long_without_need(
    sentences: Sequence[Words],
) -> None:
    """Every sentence in its order; only the first part may be long, to hold the first step, or a sentence."""
    split = parts.parts(sentences)
    spoken = [words.zh for part in split for words in part]
    assert [said.endswith(words.zh) for said, words in zip(spoken, sentences, strict=True)] == [True] * len(
        spoken
    )
    steps = [place for place, words in enumerate(sentences) if isinstance(words, Step)]
    assert len(split[0]) > (steps[0] if steps else -1)
    for part in split[1:]:
        assert len(part) == 1 or sum(len(words.zh) for words in part) <= parts.LONGEST + 8 * len(part)


@given(a_call)
def test_a_session_and_its_actions_survive_being_kept(call: Any) -> None:
    """JSON and back is the same value, so a call goes on in any process."""
    session = dialogue.begin(ALL, CITY)
    for event, work in call:
        session, action = play(session, event, work)
        assert sessions.from_json(session.to_json()) == session
        assert signals.from_json(signals.to_json((action,))) == (action,)


@given(a_call)
def test_somebody_who_never_presses_a_key_is_not_kept(call: Any) -> None:
    """From everywhere, silence leads to a person or the end of the call in a few rounds."""
    session, action = play(dialogue.begin(ALL, CITY), Answered(), ())
    for event, work in call:
        session, action = play(session, event, work)
    still_moving = [(Stands("1" * 14, CITY, CITY, (), True), False)]
    for _ in range(10):
        session, action = play(session, NoInput(), still_moving)
    assert isinstance(action, Transfer | HangUp)


@given(st.text("0123456789", min_size=0, max_size=17))
def test_back_and_person_never_collide_with_an_x(first: str) -> None:
    """Any 17 digits and one * are an answer; two * are back, whatever stands before them."""
    session, _ = at(ID)
    _, actions = dialogue.advance(session, Digits(f"{first:0<17}*"))
    assert actions == (Perform("answer", {"field": "id_number", "value": f"{first:0<17}X"}),)
    _, actions = dialogue.advance(session, Digits(f"{first}**"))
    assert actions == (Perform("back", {"field": "id_number"}),)


# --- rules --------------------------------------------------------------------------------------------


def at(
    *work: Result, elder: bool = False, offered: tuple[str, ...] = ("card_loss",)
) -> tuple[Session, Action]:
    """A call that has chosen card loss, and what came of its work."""
    session, _ = play(dialogue.begin(("card_loss",), CITY), Answered(), ())
    session, actions = dialogue.advance(session, Digits("1"))
    for result in work:
        session, actions = dialogue.advance(session, Performed(result, elder))
    return session, actions[-1]


def heard(action: Action) -> str:
    assert isinstance(action, Collect)
    return "".join(line.text for line in action.prompt)


def press(session: Session, text: str, terminator: str = "", *work: Result) -> tuple[Session, Action]:
    return play(session, Digits(text, terminator), [(result, False) for result in work])


def test_the_greeting_is_over_in_eight_seconds() -> None:
    _, action = play(dialogue.begin(ALL, CITY), Answered(), ())
    assert isinstance(action, Collect)
    greeting = action.prompt[0].text
    assert greeting.startswith("您好，常德人社")
    assert len(greeting.replace(" ", "")) <= GREETING_LONGEST


@pytest.mark.parametrize(
    ("offered", "words", "missing"),
    [
        (ALL, ["社保卡请按1", "养老待遇请按2", "预约办事请按3", "查办理进度请按4"], ["挂失"]),
        (("card_loss",), ["社保卡临时挂失请按1", "查办理进度请按4"], ["养老", "预约", "按2", "按3"]),
        ((), ["查办理进度请按4"], ["按1", "按2", "按3"]),
    ],
)
def test_the_menu_offers_what_there_is_and_skips_a_menu_of_one(
    offered: tuple[str, ...], words: list[str], missing: list[str]
) -> None:
    _, action = play(dialogue.begin(offered, CITY), Answered(), ())
    assert all(word in heard(action) for word in words)
    assert not any(word in heard(action) for word in missing)


def test_no_menu_is_longer_or_deeper_than_people_can_follow() -> None:
    """At most five choices at the top and four below, all before any data is keyed (domain.md)."""
    assert len(prompts.top(ALL)) <= 5
    assert all(len(prompts.below(entry.key, ALL)) <= 4 for entry in prompts.top(ALL))


def test_a_submenu_is_left_by_star() -> None:
    session, _ = play(dialogue.begin(ALL, CITY), Answered(), ())
    session, action = press(session, "1")
    assert "社保卡临时挂失请按1。解除挂失请按2。查询社保卡状态请按3。" in heard(action)
    session, action = press(session, "*")
    assert "查办理进度请按4" in heard(action)
    _, actions = dialogue.advance(press(session, "1")[0], Digits("2"))
    assert actions == (Perform("begin", {"type": "card_release"}),)


def test_other_offices_are_read_out_by_fours_and_star_leads_from_a_number_to_their_list() -> None:
    session, _ = play(dialogue.begin(ALL, CITY), Answered(), ())
    session, actions = dialogue.advance(session, Digits("5"))
    assert actions == (Perform("referrals", {}),)  # here nothing else is offered below 5
    session, actions = dialogue.advance(session, Performed(Offices(LIST)))
    assert "选项4请按4" in heard(actions[-1])
    assert "选项5" not in heard(actions[-1])
    session, _ = press(session, "5")
    session, actions = dialogue.advance(session, Digits("1"))
    assert actions == (Perform("referral", {"office": "v5"}),)
    session, _ = dialogue.advance(session, Performed(Office((CITY,))))
    _, actions = dialogue.advance(session, Digits("*"))
    assert actions == (Perform("referrals", {}),)


def test_slow_is_slow_until_it_is_asked_back() -> None:
    session, _ = play(dialogue.begin(ALL, CITY), Answered(), ())
    session, action = press(session, "8")
    assert isinstance(action, Collect)
    assert {line.rate for line in action.prompt} == {SLOW}
    session, action = press(session, "8")
    assert isinstance(action, Collect)
    assert {line.rate for line in action.prompt} == {NORMAL}


def test_nine_says_it_again() -> None:
    session, action = at(Confirm((Words("停用7天。", "Stops for 7 days."),), ((Offer("f", CITY), CITY),)))
    assert press(session, "9")[1] == action


def test_silence_says_it_again_more_slowly_and_the_third_time_gets_a_person() -> None:
    session, _ = play(dialogue.begin(ALL, CITY), Answered(), ())
    session, action = play(session, NoInput(), ())
    assert isinstance(action, Collect)
    assert {line.rate for line in action.prompt} == {SLOW}
    assert "查办理进度请按4" in heard(action)
    session, action = play(session, NoInput(), ())
    assert isinstance(action, Collect)
    assert play(session, NoInput(), ())[1] == Transfer("tries")


def test_an_elder_who_says_nothing_gets_a_person_at_once() -> None:
    session, _ = at(AskCode(Code.SENT), elder=True)
    assert play(session, NoInput(), ())[1] == Transfer("silent")


def test_an_elder_is_not_handed_over_while_we_work_or_after_the_result() -> None:
    session, _ = at(DONE, elder=True)
    session, action = play(session, NoInput(), ())
    assert isinstance(action, Collect)
    assert play(session, NoInput(), ())[1] == HangUp()


def test_three_bad_inputs_in_a_row_of_any_kind_get_a_person() -> None:
    """Wrong, empty and timed out count alike; anything right in between begins anew."""
    session, _ = at(ID)
    session, _ = press(session, "123", "#")
    session, action = press(session, "", "#")
    assert "您还没有按号码" in heard(action)
    assert play(session, NoInput(), ())[1] == Transfer("tries")
    session, _ = press(session, "4" * 18, "#", AskCode(Code.SENT))
    session, action = press(session, "123456", "", AskCode(Code.WRONG, 4))
    assert "还可以试4次" in heard(action)
    assert isinstance(press(session, "12", "#")[1], Collect)


def test_the_hash_after_a_complete_number_is_not_an_answer() -> None:
    """Who presses # after the eighteenth key has not pressed it at the next question."""
    session, action = at(ID)
    session, _ = press(session, "4" * 18, "", AskCode(Code.SENT))
    session, action = press(session, "", "#")
    assert session.bad == 0
    assert "请按6位验证码" in heard(action)
    assert press(session, "", "#")[0].bad == 1


def test_a_list_is_read_four_at_a_time() -> None:
    session, action = at(AskChoice("slot", Words("请选时间。", "When?")), Offered(LIST))
    assert heard(action).startswith("请选时间。选项1请按1。选项2请按2。选项3请按3。选项4请按4。更多请按5。")
    session, action = press(session, "5")
    assert heard(action).startswith("选项5请按1。选项6请按2。从头听请按5。")
    _, actions = dialogue.advance(session, Digits("2"))
    assert actions == (Perform("answer", {"field": "slot", "value": "v6"}),)
    assert "没有这个选项" in heard(press(session, "3")[1])
    assert "选项1请按1" in heard(press(session, "*")[1])


def test_a_list_without_choices_leads_to_a_person() -> None:
    session, _ = at(AskChoice("slot", Words("请选时间。", "When?")))
    _, actions = dialogue.advance(session, Performed(Offered(())))
    assert actions[-1] == Transfer("no_choice")


def test_what_is_done_is_said_before_it_is_confirmed_and_only_the_end_of_a_number() -> None:
    answers = ((Offer("id_number", ID.label), aloud.masked("43070219960918624X")),)
    _, action = at(Confirm((Words("社保卡会停用7天。", "It stops for 7 days."),), answers))
    assert heard(action) == (
        "现在还没有办，请听完再确认。确认以后：社保卡会停用7天。您的身份证号码：尾号6 2 4 X。"
        "确认办理请按1，修改请按2，转人工请按0。"
    )


def test_changing_one_of_several_answers_asks_which() -> None:
    label = Words("时间", "Time")
    session, _ = at(Confirm((), ((Offer("id_number", ID.label), CITY), (Offer("slot", label), CITY))))
    session, action = press(session, "2")
    assert heard(action).startswith("修改身份证号码请按1。修改时间请按2。")
    _, actions = dialogue.advance(session, Digits("2"))
    assert actions == (Perform("ask", {"field": "slot"}),)


def test_the_line_is_held_a_few_rounds_for_a_back_office() -> None:
    """正在办理 for ten seconds; then the caller may go, and is told how they will hear of it."""
    moving = Stands("34270000000000", DONE.title, Words("已收到", "received"), (), True)
    session, _ = at(Confirm((), ((Offer("f", CITY), CITY),)))
    session, action = press(session, "1", "", moving)
    assert "正在办理，请稍候" in heard(action)
    rounds = 0
    while session.place is Place.WAIT:
        assert isinstance(action, Collect)
        assert action.first == 2
        session, action = play(session, NoInput(), [(moving, False)])
        rounds += 1
    assert rounds == 5
    assert "您可以挂机" in heard(action)
    assert heard(action).count("3 4 2 7，0 0 0 0 0，0 0 0 0 0") == 2


def test_an_action_is_done_only_after_it_is_confirmed() -> None:
    cancel = (Offer("cancel", Words("取消预约", "cancel the appointment")),)
    booked = Stands(DONE.reference, DONE.title, DONE.headline, (), False, cancel)
    session, action = at(booked)
    assert "取消预约请按1。" in heard(action)
    session, action = press(session, "1")
    assert "您选择了：取消预约。确定请按1" in heard(action)
    _, actions = dialogue.advance(session, Digits("1"))
    assert actions == (Perform("act", {"name": "cancel"}),)
    assert dialogue.advance(session, Digits("*"))[1] == (Perform("look"),)


def test_too_many_wrong_proofs_are_told_before_the_person() -> None:
    session, _ = at(AskCode(Code.SENT))
    _, actions = dialogue.advance(session, Performed(Locked()))
    assert isinstance(actions[0], signals.Say)
    assert "次数太多" in actions[0].text
    assert actions[-1] == Transfer("locked")


def test_keys_are_never_shown_when_a_value_is_printed() -> None:
    """A stray line of a log or a traceback holds no ID number."""
    session, _ = at(ID)
    _, actions = dialogue.advance(session, Digits("430702199609186240", "#"))
    assert "430702" not in repr(actions) + repr(Digits("430702199609186240", "#"))


def test_hanging_up_ends_everything_from_everywhere() -> None:
    for session in (dialogue.begin(ALL, CITY), at(ID)[0], at(DONE)[0]):
        over, _ = dialogue.advance(session, Hangup("completed"))
        assert over.place is Place.OVER
        assert play(over, Digits("1"), ())[1] == HangUp()


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("11月28日16:05自动解除。", "11月28日16点05分自动解除。"),
        ("尾号6266的社保卡", "尾号6 2 6 6的社保卡"),
        ("2026年11月25日09:00-09:30", "2026年11月25日9点到9点30分"),
        ("预约号A023", "预约号A 0 2 3"),
        ("请拨打12333转人工，或到窗口。", "请按0转人工，或到窗口。"),
        ("停用7天，尾号624X", "停用7天，尾号624X"),
    ],
)
def test_written_sentences_are_made_for_the_ear(written: str, spoken: str) -> None:
    assert aloud.spoken(Words(written, "")).zh == spoken
    assert aloud.spoken(aloud.spoken(Words(written, ""))).zh == spoken
