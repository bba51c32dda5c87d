"""The link in a notice: asked on a page, done by a press, undone by another; or by a mail program at once."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.audit import audit, broken
from gateway.citizens import register
from gateway.delivery.attempt import run_lane
from gateway.notifications import store as notifications
from gateway.notifications import suppression, unsubscribe
from gateway.notifications.request import Class, Request
from tests.world import Scripted, World

MAIL = "wang@example.cn"
VALUES = {"card_tail": "6266", "until": "11月28日16:05", "bank": "银行账户请联系发卡行另行挂失"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def post(sqlite_world: World) -> Scripted:
    """A provider of e-mails."""
    post = Scripted(batch=1)
    post.name, post.channel = "post", "email"
    runtime = sqlite_world.runtime
    settings = replace(runtime.settings, providers={**runtime.settings.providers, "email": {"post": 1}})
    providers = {**runtime.providers, "post": post}
    sqlite_world.runtime = replace(runtime, providers=providers, settings=settings)
    return post


@pytest.fixture
def client(sqlite_world: World, post: Scripted) -> FlaskClient:
    """Without cookies: a mail program's."""
    return create_app(sqlite_world.runtime).test_client(use_cookies=False)


@pytest.fixture
def link(sqlite_world: World) -> str:
    index = sqlite_world.runtime.vault.index("email", MAIL)
    return unsubscribe.link(sqlite_world.runtime.vault, "", index)


def _send(world: World, klass: Class, citizen: UUID | None = None, address: str | None = MAIL) -> str:
    """Take an e-mail and work its lane; its status."""
    request = Request(citizen, "email", klass, "card_loss/succeeded", "zh-CN", VALUES, address=address)
    with world.runtime.db.write() as tx:
        notifications.take(tx, world.runtime, [request])
    run_lane(world.runtime, request.lane)
    return str(world.rows()[-1].status)


def _stopped(world: World) -> int:
    with world.runtime.db.read() as tx:
        return suppression.count(tx)


def test_a_notice_names_the_link_and_the_link_stops_the_next_one(
    sqlite_world: World, post: Scripted, client: FlaskClient
) -> None:
    """Also for somebody of the register; results go on, and name no link."""
    person = next(person for person in sqlite_world.settle(60) if person.email)
    with sqlite_world.runtime.db.read() as tx:
        citizen = register.find(tx, sqlite_world.runtime.vault, person.id_number)
    assert citizen
    assert _send(sqlite_world, Class.NOTICE, citizen.id, None) == "accepted"
    ((_, notice),) = post.took
    public, _, token = notice.unsubscribe.partition("/u/")
    assert public == sqlite_world.runtime.settings.public_url
    assert notice.unsubscribe in notice.text
    assert f'href="{notice.unsubscribe}"' in notice.html
    assert client.post(f"/u/{token}", data=ONE_CLICK).status_code == 200
    assert _send(sqlite_world, Class.NOTICE, citizen.id, None) == "suppressed"
    assert _send(sqlite_world, Class.RESULT, citizen.id, None) == "accepted"
    _, result = post.took[-1]
    assert (result.unsubscribe, "/u/" in result.text + result.html) == ("", False)


def test_a_mail_program_stops_them_with_one_request(
    client: FlaskClient, link: str, sqlite_world: World
) -> None:
    """RFC 8058: no cookie, no sign-in, no redirect; repeating it changes nothing."""
    bodies = [{"data": ONE_CLICK}, {"data": ONE_CLICK, "content_type": "multipart/form-data"}, {"data": b""}]
    answers = [client.post(link, **body) for body in bodies]  # type: ignore[arg-type]
    assert {(answer.status_code, answer.headers.get("Set-Cookie")) for answer in answers} == {(200, None)}
    assert _stopped(sqlite_world) == 1
    with sqlite_world.runtime.db.read() as tx:
        row = tx.execute(select(suppression.suppressions)).one()
    assert (row.reason, row.provider) == ("opted_out", "one_click")


def test_looking_at_the_page_stops_nothing(client: FlaskClient, link: str, sqlite_world: World) -> None:
    """Mail scanners follow every link; only a press counts."""
    page = client.get(link)
    assert page.status_code == 200
    assert "停止接收" in page.text
    assert client.head(link).status_code == 200
    assert client.get(link, query_string=ONE_CLICK).status_code == 200
    assert _stopped(sqlite_world) == 0


def test_the_press_can_be_undone(client: FlaskClient, link: str, sqlite_world: World) -> None:
    """The page says so, and opened again it shows how things stand."""
    assert "已停止" in client.post(link, data=ONE_CLICK).text
    again = client.get(link).text
    assert "已停止" in again
    assert 'name="wish" value="start"' in again
    assert "已恢复" in client.post(link, data={"wish": "start"}).text
    assert "已停止" not in client.get(link).text
    assert _stopped(sqlite_world) == 0
    assert _send(sqlite_world, Class.NOTICE) == "accepted"


def test_each_wish_stands_in_the_audit_chain_once(
    client: FlaskClient, link: str, sqlite_world: World
) -> None:
    """Without the address, and not again where nothing changed."""
    for fields in (ONE_CLICK, ONE_CLICK, {"wish": "start"}, {"wish": "start"}):
        client.post(link, data=fields)
    with sqlite_world.runtime.db.read() as tx:
        rows = tx.execute(select(audit).order_by(audit.c.number)).all()
        assert broken(tx, sqlite_world.runtime.vault) is None
    assert [(row.actor, row.action) for row in rows] == [
        ("recipient", "notices.stop"),
        ("recipient", "notices.start"),
    ]
    assert not any(MAIL in row.subject for row in rows)


@pytest.mark.parametrize("wrong", ["x", "a" * 30, "cut", "altered", "%00", "a" * 5000])
def test_a_wrong_link_is_told_kindly(wrong: str, client: FlaskClient, link: str, sqlite_world: World) -> None:
    """404, nothing changed, and a number to call."""
    first = "B" if link[3] == "A" else "A"
    token = {"cut": link[3:-1], "altered": first + link[4:]}.get(wrong, wrong)
    for answer in (client.get(f"/u/{token}"), client.post(f"/u/{token}", data=ONE_CLICK)):
        assert answer.status_code == 404
        assert "这个链接打不开了" in answer.text
        assert "12333" in answer.text
    assert _stopped(sqlite_world) == 0


def test_the_page_is_no_worse_guarded_than_the_others(client: FlaskClient, link: str) -> None:
    """The strict policy, no referrer, nothing kept, and no token of a form."""
    page = client.get(link)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers
    assert client.put(link).status_code == 405
