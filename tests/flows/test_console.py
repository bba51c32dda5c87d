"""The console: who comes in, what the levers do, and that no page shows personal data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from gateway import audit
from gateway.app import create_app
from gateway.citizens import register
from gateway.delivery import receipts, route_book
from gateway.delivery.attempt import run_lane
from gateway.delivery.route_book import Override
from gateway.levers import calling
from gateway.notifications import inbound
from gateway.notifications.pauses import Kind, paused
from gateway.notifications.request import Class
from gateway.ops import sign_in
from gateway.providers import Accepted, Cause, Delivery, Inbound, Rejected, Unknown, Unreachable
from gateway.services import sessions
from gateway.services.sessions import operator_sessions
from gateway.traffic.board import Change
from gateway.traffic.breaker import Heard, Mode, State, Why
from gateway.transactions import call_backs
from gateway.transactions.tallies import Locked
from tests.flows.operator import NAME, PASSWORD, Operator, employ
from tests.stores import test_overdue as overdue
from tests.stores.test_reminders import Registry, Standing
from tests.world import World

LIVE = (
    "/ops",
    "/ops/providers",
    "/ops/broadcasts",
    "/ops/dead",
    "/ops/dead/others",
    "/ops/calls",
    "/ops/reviews",
    "/ops/promises",
    "/ops/visits",
)
PAGES = (
    *LIVE,
    "/ops/halls",
    "/ops/halls/shi",
    "/ops/replies",
    "/ops/replies/all",
    "/ops/look-up",
    "/ops/audit",
    "/ops/barometer",
)


@pytest.fixture
def world(sqlite_world: World) -> World:
    employ(sqlite_world)
    sqlite_world.settle(3)
    return sqlite_world


@pytest.fixture
def stranger(world: World) -> Operator:
    return Operator(create_app(world.runtime))


@pytest.fixture
def operator(stranger: Operator) -> Operator:
    """Somebody who is signed in."""
    stranger.sign_in()
    assert stranger.path == "/ops"
    return stranger


def actions(world: World) -> list[tuple[str, str, str]]:
    with world.runtime.db.read() as tx:
        assert audit.broken(tx, world.runtime.vault) is None
        rows = tx.execute(select(audit.audit).order_by(audit.audit.c.number)).all()
    return [(row.actor, row.action, row.subject) for row in rows]


def refuse_all(world: World, count: int = 2) -> None:
    """Messages the provider refuses for good."""
    world.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
    world.take(count)
    run_lane(world.runtime, "sms.normal")
    world.provider.script = lambda handover, _message: Accepted(f"ref-{handover}")


# --- who comes in ------------------------------------------------------------------------------


def test_no_page_opens_without_signing_in(stranger: Operator) -> None:
    """Nor does the part of it an open page asks for."""
    for path in PAGES:
        stranger.get(path)
        assert stranger.path == "/ops/login", path
        assert stranger.client.get(f"{path}?auto").status_code == 403, path


def test_signing_in_leads_to_the_page_asked_for_and_nowhere_else(stranger: Operator) -> None:
    stranger.get("/ops/dead")
    stranger.post(stranger.page.request.full_path, name=NAME, password=PASSWORD)
    assert stranger.path == "/ops/dead"
    for elsewhere in ("https://example.com", "//example.com", "/ops/logout", "/ops/../t"):
        answer = stranger.client.get("/ops/login", query_string={"to": elsewhere})
        assert answer.headers["Location"] == "/ops"


def test_five_wrong_passwords_lock_the_name_for_a_quarter_of_an_hour(
    stranger: Operator, world: World
) -> None:
    """The right one does not help then; a quarter of an hour later it does."""
    for _ in range(4):
        assert "名字或密码不对" in stranger.sign_in(password="wrong")
    assert "锁到 16:20" in stranger.sign_in(password="wrong")
    assert "锁到 16:20" in stranger.sign_in()
    world.clock.advance(minutes=15)
    stranger.sign_in()
    assert stranger.path == "/ops"
    named = [(actor, action) for actor, action, _ in actions(world)]
    assert named == [
        *([(NAME, "operator.login_failed")] * 5),
        (NAME, "operator.locked"),
        (NAME, "operator.login"),
    ]


def test_an_unknown_name_is_answered_like_a_known_one(stranger: Operator, world: World) -> None:
    """Same words, same lock; what was typed as a name does not reach the audit chain."""

    def answers(name: str) -> list[tuple[int, str]]:
        said = []
        for _ in range(6):
            text = stranger.sign_in(name, "wrong")
            said.append((stranger.status, text))
        return said

    assert answers(NAME) == answers("my secret password")
    assert {actor for actor, _, _ in actions(world)} == {NAME}


def test_a_stranger_cannot_keep_an_operator_out(stranger: Operator, world: World) -> None:
    """The lock is of the name where the wrong passwords came from, of nobody else; all IPv6 ends are one."""
    for end in range(5):
        answer = sign_in.sign_in(world.runtime, NAME, "wrong", f"2001:db8::{end}")
        assert not isinstance(answer, sign_in.SignedIn)
    assert isinstance(sign_in.sign_in(world.runtime, NAME, PASSWORD, "2001:db8::9"), Locked)
    assert isinstance(sign_in.sign_in(world.runtime, NAME, PASSWORD, "2001:db8:0:1::9"), sign_in.SignedIn)
    stranger.sign_in()
    assert stranger.path == "/ops"


def test_twenty_wrong_tries_close_an_address_for_every_name(world: World) -> None:
    """Whatever the names, and without a row in the audit chain; a quarter of an hour later it is open."""
    before = actions(world)
    for number in range(19):
        answer = sign_in.sign_in(world.runtime, f"name {number}", "wrong", "192.0.2.7")
        assert answer == sign_in.Wrong()
    until = world.clock() + timedelta(minutes=15)
    assert sign_in.sign_in(world.runtime, "name 20", "wrong", "192.0.2.7") == Locked(until)
    assert sign_in.sign_in(world.runtime, NAME, PASSWORD, "192.0.2.7") == Locked(until)
    assert actions(world) == before
    world.clock.advance(minutes=15)
    assert isinstance(sign_in.sign_in(world.runtime, NAME, PASSWORD, "192.0.2.7"), sign_in.SignedIn)


def test_a_name_no_database_takes_is_wrong_like_any_other(
    database_url: str, make_world: Callable[[str], World]
) -> None:
    """And it counts like any other."""
    world = make_world(database_url)
    for name in ("a\0b", "a\ud800b", ""):
        assert sign_in.sign_in(world.runtime, name, "wrong", "192.0.2.7") == sign_in.Wrong()
    answers = [sign_in.sign_in(world.runtime, "a\u202eb", "wrong", "192.0.2.7") for _ in range(5)]
    assert answers == [*[sign_in.Wrong()] * 4, Locked(world.clock() + timedelta(minutes=15))]


def test_guesses_made_at_once_all_count(world: World) -> None:
    """The try is counted before the password is looked at."""
    apps = [Operator(create_app(world.runtime)) for _ in range(2)]
    for _ in range(3):
        for one in apps:
            one.sign_in(password="wrong")
    assert "锁到" in apps[0].sign_in()


def test_a_right_password_forgets_the_wrong_ones(stranger: Operator) -> None:
    for _ in range(2):
        for _ in range(4):
            stranger.sign_in(password="wrong")
        stranger.sign_in()
        assert stranger.path == "/ops"
        stranger.post("/ops/logout")


def test_a_lock_is_lifted_with_a_new_password(stranger: Operator, world: World) -> None:
    """As the operator verb does on the machine itself."""
    for _ in range(5):
        stranger.sign_in(password="wrong")
    employ(world, password="another")
    stranger.sign_in(password="another")
    assert stranger.path == "/ops"


def test_signing_in_changes_the_cookie(stranger: Operator, world: World) -> None:
    """A secret planted in a browser before opens nothing afterwards."""
    planted = "planted-by-somebody-else"
    stranger.client.set_cookie("huiyin_ops", planted, path="/ops")
    stranger.sign_in()
    assert stranger.path == "/ops"
    assert stranger.cookie() != planted
    thief = Operator(stranger.app)
    thief.client.set_cookie("huiyin_ops", planted, path="/ops")
    thief.get("/ops")
    assert thief.path == "/ops/login"


def test_the_cookie_is_for_the_console_alone_and_for_no_script(stranger: Operator) -> None:
    answer = stranger.client.get("/ops/login")
    cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/ops"):
        assert part in cookie
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_database_does_not_hold_what_the_cookie_holds(operator: Operator, world: World) -> None:
    with world.runtime.db.read() as tx:
        [row] = tx.execute(select(operator_sessions)).all()
    assert row.digest != operator.cookie().encode()
    assert row.operator == NAME


def test_a_session_ends_after_half_an_hour_of_nothing(operator: Operator, world: World) -> None:
    """A page that asks again by itself is nobody."""
    for _ in range(3):
        world.clock.advance(minutes=20)
        operator.get("/ops")
        assert operator.path == "/ops"
    for _ in range(3):
        world.clock.advance(minutes=9)
        assert operator.client.get("/ops?auto").status_code == 200
    world.clock.advance(minutes=4)
    assert operator.client.get("/ops?auto").status_code == 403
    operator.get("/ops")
    assert operator.path == "/ops/login"


def test_a_session_ends_after_eight_hours_whatever_happens(operator: Operator, world: World) -> None:
    for _ in range(23):
        world.clock.advance(minutes=20)
        operator.get("/ops")
        assert operator.path == "/ops"
    world.clock.advance(minutes=20)
    operator.get("/ops")
    assert operator.path == "/ops/login"


def test_signing_out_ends_the_session_itself(operator: Operator, world: World) -> None:
    """A copy of the cookie opens nothing afterwards."""
    copy = operator.cookie()
    operator.post("/ops/logout")
    assert operator.path == "/ops/login"
    assert actions(world)[-1] == (NAME, "operator.logout", "console")
    thief = Operator(operator.app)
    thief.client.set_cookie("huiyin_ops", copy, path="/ops")
    thief.get("/ops")
    assert thief.path == "/ops/login"


def test_a_new_password_ends_all_sessions(operator: Operator, world: World) -> None:
    employ(world, password="another")
    operator.get("/ops")
    assert operator.path == "/ops/login"


def test_old_sessions_are_forgotten(operator: Operator, world: World) -> None:
    with world.runtime.db.write() as tx:
        sessions.forget_old(tx, world.clock.advance(minutes=29))
        assert tx.execute(select(operator_sessions)).first()
        sessions.forget_old(tx, world.clock.advance(minutes=1))
        assert not tx.execute(select(operator_sessions)).first()


# --- forms -------------------------------------------------------------------------------------

FORMS: Sequence[tuple[str, dict[str, str]]] = [
    ("/ops/login", {"name": NAME, "password": PASSWORD}),
    ("/ops/logout", {}),
    ("/ops/pause/lane", {"name": "sms.bulk"}),
    ("/ops/resume/lane", {"name": "sms.bulk"}),
    ("/ops/dead/plan", {}),
    ("/ops/dead/replay", {}),
    ("/ops/broadcasts/cancel", {}),
    ("/ops/look-up", {"what": "42197379552324"}),
    ("/ops/calls/done", {}),
    ("/ops/calls/number", {}),
    ("/ops/audit", {}),
    ("/ops/halls/shi/number", {"number": "A101"}),
    ("/ops/halls/shi/walk-in", {"matter": "card"}),
    ("/ops/halls/shi/serve", {}),
]


def test_a_form_without_its_token_does_nothing(operator: Operator, world: World) -> None:
    """Every form of the console, with no token and with a wrong one."""
    before = actions(world)
    for path, fields in FORMS:
        for token in ("", "wrong"):
            answer = operator.client.post(path, data={**fields, "token": token})
            assert answer.status_code == 400, path
    assert actions(world) == before


def test_a_token_is_good_for_its_own_session_alone(operator: Operator) -> None:
    other = Operator(operator.app)
    other.sign_in()
    answer = other.client.post("/ops/pause/lane", data={"name": "sms.bulk", "token": operator.token()})
    assert answer.status_code == 400


# --- the levers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "page"), [("lane", "sms.bulk", "/ops"), ("provider", "scripted", "/ops/providers")]
)
def test_a_pause_is_kept_shown_recorded_and_lifted(
    kind: str, name: str, page: str, operator: Operator, world: World
) -> None:
    operator.post(f"/ops/pause/{kind}", name=name)
    assert operator.path == page
    assert f"{NAME} 暂停" in operator.text
    with world.runtime.db.read() as tx:
        assert paused(tx, Kind(kind))[name].actor == NAME
    operator.post(f"/ops/pause/{kind}", name=name)  # twice is once
    world.wakes.lanes.clear()
    operator.post(f"/ops/resume/{kind}", name=name)
    assert f"{NAME} 暂停" not in operator.text
    assert name in world.wakes.lanes or kind == "provider"
    assert [row for row in actions(world) if kind in row[1]] == [
        (NAME, f"{kind}.pause", name),
        (NAME, f"{kind}.resume", name),
    ]


def test_only_what_there_is_can_be_paused(operator: Operator, world: World) -> None:
    before = actions(world)
    operator.post("/ops/pause/lane", name="sms.nowhere")
    operator.post("/ops/pause/broadcast", name="none")
    assert operator.client.post("/ops/pause/world", data={"token": operator.token()}).status_code == 404
    assert actions(world) == before


def test_a_day_that_cannot_be_is_answered_with_what_to_type(operator: Operator, world: World) -> None:
    """No word of Python's, no day noted; a visit somebody else noted as made is said to wait no longer."""
    failed = Standing("failed", date(2025, 12, 10), date(2026, 11, 20), "changed_face")
    world.runtime._back_offices["pension_registry"] = Registry(failed)
    path = f"/ops/visits/{overdue.wish(world).row.reference}"
    operator.get(path)
    for day, said in (("25.11.2026", "like 2026-12-03"), ("", "like 2026-12-03"), ("2026-11-01", "is over")):
        text = operator.post(path, step="arrange", day=day, part="am")
        assert (operator.status, "日期要像 2026-12-03 这样写" in text, said in text) == (400, True, True)
        assert "isoformat" not in text
    assert not [row for row in actions(world) if row[1].startswith("home_visit")]
    token = operator.token()
    operator.post(path, step="made")
    answer = operator.client.post(path, data={"step": "made", "token": token})
    assert (answer.status_code, "已经不在等上门" in answer.text) == (409, True)
    assert operator.client.post("/ops/visits/0", data={"step": "made", "token": token}).status_code == 404


# --- what the first page says --------------------------------------------------------------------


def test_a_quiet_night_is_said_in_one_sentence(operator: Operator) -> None:
    assert "一切正常，没有积压" in operator.get("/ops")


def test_a_lane_nobody_works_is_said_with_its_reason(operator: Operator, world: World) -> None:
    world.take(2)
    world.clock.advance(minutes=2)
    assert "短信普通停住了：2条在等，最近5分钟没有发出。请看后台进程在不在。" in operator.get("/ops")


def test_a_provider_that_takes_nothing_is_named(operator: Operator, world: World) -> None:
    world.provider.script = lambda _handover, _message: Unreachable("connect_timeout")
    world.take(2)
    run_lane(world.runtime, "sms.normal")
    assert "短信发不出去：scripted 最近5分钟没有受理，2条在等" in operator.get("/ops")
    text = operator.get("/ops/providers")
    assert "connect_timeout" in text
    assert "0.0%" in text


def test_refusals_alone_are_told_apart_from_a_provider_that_is_away(operator: Operator, world: World) -> None:
    """They may be the numbers' fault."""
    refuse_all(world)
    world.take(1)
    assert "短信最近5分钟的2次全被拒绝，1条在等。请看代码。" in operator.get("/ops")


def test_a_backlog_that_moves_tells_when_it_will_be_gone(operator: Operator, world: World) -> None:
    world.take(3)
    run_lane(world.runtime, "sms.normal")
    world.take(3)
    world.clock.advance(minutes=2)
    assert "短信普通有积压：3条，正在发，约" in operator.get("/ops")


def test_a_paused_lane_and_its_backlog_are_said(operator: Operator, world: World) -> None:
    world.take(2)
    operator.post("/ops/pause/lane", name="sms.normal")
    assert f"短信普通已由 {NAME} 暂停，2条在等" in operator.text


def test_every_provider_paused_is_said(operator: Operator, world: World) -> None:
    world.take(2)
    operator.post("/ops/pause/provider", name="scripted")
    assert "短信停住了：所有供应商都已暂停，2条在等" in operator.get("/ops")


def test_lost_answers_and_dead_letters_are_said(operator: Operator, world: World) -> None:
    refuse_all(world)
    world.provider.script = lambda _handover, _message: Unknown("read_timeout")
    world.take(1)
    run_lane(world.runtime, "sms.normal")
    text = operator.get("/ops")
    assert "最近24小时有2条死信" in text
    assert "1条不知供应商收没收到" in text


def test_a_provider_shows_its_share_codes_and_how_late_receipts_come(
    operator: Operator, world: World
) -> None:
    world.take(3)
    run_lane(world.runtime, "sms.normal")
    world.clock.advance(seconds=12)
    with world.runtime.db.write() as tx:
        receipts.keep(tx, world.runtime, "scripted", world.provider.report(0, Delivery.DELIVERED))
    receipts.apply_due(world.runtime)
    refuse_all(world, 1)
    text = operator.get("/ops/providers")
    assert "75.0%" in text
    assert "p50 12 s · p95 12 s" in text
    assert "isv.BLACK_LIST" in text


def test_what_a_breaker_did_and_an_operators_weights_are_on_the_page(
    operator: Operator, world: World
) -> None:
    """How a provider stands, why and until when; and the history of it below."""
    now = world.clock.now
    opened = State(Mode.OPEN, now.timestamp(), now.timestamp() + 30, 1, Why.FAILING, 3)
    wish = Override("sms", {"scripted": 7}, now + timedelta(hours=1), NAME, "省钱")
    with world.runtime.db.write() as tx:
        route_book.note(tx, [Change("scripted", State(), opened, Heard(calls=12, bad=9))])
        route_book.override(tx, world.runtime, wish)
    text = operator.get("/ops/providers")
    assert "暂不使用" in text
    assert "失败太多" in text
    assert "12次调用，9次失败，0次因账号被拒 12 calls, 9 failed, 0 blocked" in text
    assert f"sms=7 → 11-21 17:05:00 {NAME}" in text
    assert "sms=1 → sms=7 · 临时权重：省钱" in text


def test_an_unchanged_page_is_not_sent_again(operator: Operator, world: World) -> None:
    """304 under the tag of what is shown; a change sends the part that changes."""
    first = operator.client.get("/ops?auto")
    assert (first.status_code, "<html" in first.text) == (200, False)
    same = operator.client.get("/ops?auto", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    world.take(1)
    changed = operator.client.get("/ops?auto", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_every_page_opens_on_either_database(database_url: str, make_world: Callable[[str], World]) -> None:
    """With something of everything in it."""
    here = make_world(database_url)
    employ(here)
    here.settle(3)
    refuse_all(here)
    here.take(2)
    run_lane(here.runtime, "sms.normal")
    wish(here)
    reply(here)
    someone = Operator(create_app(here.runtime))
    someone.sign_in()
    for path in (*PAGES, "/ops/"):
        someone.get(path)
        assert someone.status == 200, path
    someone.get("/ops/look-up")
    someone.post("/ops/look-up", what=here.people[0].mobile)
    assert someone.status == 200
    someone.post("/ops/dead/plan", **GROUP)
    assert someone.status == 200
    someone.get("/ops/replies")
    assert here.people[0].name in someone.post("/ops/replies/read", tab="waiting")
    someone.get(f"/ops/replies?after={replied(here)}")
    assert someone.status == 200
    assert "没有人在等答复" in someone.post("/ops/replies/handled", id=replied(here))


# --- dead letters --------------------------------------------------------------------------------

GROUP = {"status": "failed", "klass": "result", "channel": "sms", "reason": "isv.BLACK_LIST"}


def test_dead_letters_are_explained_counted_and_replayed(operator: Operator, world: World) -> None:
    """The dry run changes nothing; the replay is on record with its number."""
    refuse_all(world, 3)
    text = operator.get("/ops/dead")
    assert "isv.BLACK_LIST" in text
    assert "黑名单" in text
    plan = operator.post("/ops/dead/plan", **GROUP)
    assert "会重发 would go out 3" in plan
    assert world.statuses() == {"failed": 3}
    until = operator.page.text.split('name="until" value="')[1].split('"')[0]
    assert "已重新接收3条" in operator.post("/ops/dead/replay", until=until, **GROUP)
    assert world.statuses() == {"failed": 3, "waiting": 3}
    assert "没有死信" in operator.get("/ops/dead")
    assert actions(world)[-1] == (NAME, "dead.replayed", "3 failed/result/sms/isv.BLACK_LIST")


def test_codes_are_shown_and_never_offered(operator: Operator, world: World) -> None:
    world.provider.script = lambda _handover, _message: Rejected("isv.BLACK_LIST", Cause.RECIPIENT)
    world.take(1, Class.CODE)
    run_lane(world.runtime, "sms.urgent")
    assert "验证码不重发" in operator.get("/ops/dead")
    assert "/ops/dead/plan" not in operator.page.text
    fields = {**GROUP, "klass": "code"}
    assert "没有可以重发的" in operator.post("/ops/dead/plan", **fields)


def test_a_group_that_is_none_is_refused(operator: Operator) -> None:
    """A status that is no dead letter's, a class and a channel there are not."""
    for wrong in ({"status": "delivered"}, {"klass": "x"}, {"channel": "fax"}):
        answer = operator.client.post("/ops/dead/plan", data={"token": operator.token(), **GROUP, **wrong})
        assert answer.status_code == 400


# --- one matter ----------------------------------------------------------------------------------


def test_a_message_is_found_by_its_id_and_by_the_number_it_went_to(operator: Operator, world: World) -> None:
    """Each look is on record: the id as it is, the number by its citizen only."""
    [key] = world.take(1)
    run_lane(world.runtime, "sms.normal")
    mobile = world.people[0].mobile
    operator.get("/ops/look-up")
    for given, subject in ((str(key), str(key)), (f" {mobile[:3]} {mobile[3:]}", None)):
        text = operator.post("/ops/look-up", what=given)
        assert "供应商已受理" in text
        assert ("accepted: scripted took it; its receipt is awaited until" in text) == (subject is not None)
        assert mobile not in operator.page.text
        actor, _, recorded = actions(world)[-1]
        assert actor == NAME
        assert recorded == subject or recorded == f"1 messages of {world.rows()[0].citizen_id}"
    assert f"{mobile[:3]}****{mobile[-4:]}" in operator.text


def test_what_is_not_found_is_said_so(operator: Operator) -> None:
    """Something that is none of the three is told apart from nothing found."""
    operator.get("/ops/look-up")
    for given, status in (("hello", 422), ("12345678901234", 404), ("13800000000", 404)):
        operator.post("/ops/look-up", what=given)
        assert operator.status == status


# --- call-backs --------------------------------------------------------------------------------


def wish(world: World) -> None:
    """The first person asks to be called."""
    with world.runtime.db.write() as tx:
        citizen = register.find(tx, world.runtime.vault, world.people[0].id_number)
        assert citizen
        call_backs.ask(tx, world.runtime, world.runtime.new_id(), citizen.id, "call_back")


def reply(world: World) -> None:
    """The first person writes their name."""
    person = world.people[0]
    said = Inbound("m1", f"+86{person.mobile}", "106", person.name, world.clock())
    with world.runtime.db.write() as tx:
        inbound.receive(tx, world.runtime, [("scripted", said)])


def replied(world: World) -> str:
    with world.runtime.db.read() as tx:
        return str(tx.execute(select(inbound.inbound.c.id)).scalar_one())


def open_wish(world: World) -> str:
    with world.runtime.db.read() as tx:
        return str(call_backs.open_ones(tx)[0].id)


def test_a_number_is_shown_for_a_reason_and_on_record(operator: Operator, world: World) -> None:
    wish(world)
    key, mobile = open_wish(world), world.people[0].mobile
    operator.get("/ops/calls")
    operator.post("/ops/calls/number", id=key)
    assert mobile not in operator.page.text
    assert not any(action == "call_back.number" for _, action, _ in actions(world))
    operator.post("/ops/calls/number", id=key, reason="check")
    assert mobile in operator.page.text
    assert actions(world)[-1] == (NAME, "call_back.number", f"check {key}")


def test_who_takes_a_call_has_it_alone_and_says_by_a_key_what_came_of_it(
    operator: Operator, world: World
) -> None:
    """The number is shown and on record; nobody answering leaves it in the list, with when to try again."""
    wish(world)
    key, mobile = open_wish(world), world.people[0].mobile
    operator.get("/ops/calls")
    text = operator.post("/ops/calls/number", id=key, reason="call")
    assert mobile in operator.page.text
    assert all(f'accesskey="{n}"' in operator.page.text for n in range(1, 6))
    assert "1 已经说上话" in text
    assert actions(world)[-1] == (NAME, "call_back.taken", key)
    assert f"{NAME}在打" in operator.get("/ops/calls")
    listed = operator.post("/ops/calls/tried", id=key, result="no_answer")
    assert "打过1次，没有人接" in listed
    assert actions(world)[-1] == (NAME, "call_back.tried", f"no_answer {key}")
    operator.post("/ops/calls/tried", id=key, result="never")
    assert operator.status == 400
    with world.runtime.db.write() as tx:
        calling.take(tx, world.runtime, UUID(key), "somebody else")
    operator.get("/ops/calls")
    assert "别人正在打" in operator.post("/ops/calls/number", id=key, reason="call")
    assert operator.status == 409


def test_a_wish_that_was_fulfilled_leaves_the_list(operator: Operator, world: World) -> None:
    wish(world)
    key = open_wish(world)
    operator.get("/ops/calls")
    assert "没有人在等回电" in operator.post("/ops/calls/done", id=key)
    assert actions(world)[-1] == (NAME, "call_back.done", f"talked {key}")


# --- the books -----------------------------------------------------------------------------------


def test_the_books_are_read_to_the_last_row_when_asked(operator: Operator, world: World) -> None:
    world.take(2)
    assert "审计链完整" not in operator.get("/ops/audit")
    text = operator.post("/ops/audit")
    assert "审计链完整" in text
    assert "账和行一致" in text
    with world.runtime.db.write() as tx:
        tx.execute(update(audit.audit).where(audit.audit.c.number == 1).values(actor="somebody else"))
    assert "审计链从第1行起对不上" in operator.post("/ops/audit")


# --- nothing about people ------------------------------------------------------------------------


def test_no_page_shows_personal_data(operator: Operator, world: World) -> None:
    """After every kind of traffic and every look-up, on every page and in every address line."""
    refuse_all(world, 3)
    world.take(3)
    run_lane(world.runtime, "sms.normal")
    wish(world)
    reply(world)
    for path in PAGES:
        operator.get(path)
        assert operator.status == 200, path
        operator.client.get(f"{path}?auto")
    operator.get("/ops/look-up")
    for person in world.people:
        operator.post("/ops/look-up", what=person.mobile)
    operator.post("/ops/calls/number", id=open_wish(world))
    operator.post("/ops/dead/plan", **GROUP)
    operator.post("/ops/audit")
    seen = "\n".join(operator.seen)
    for person in world.people:
        for secret in (person.name, person.mobile, person.id_number, person.address):
            assert secret not in seen
