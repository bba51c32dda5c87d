"""Texts as they are kept: what is sent is what was published, and nobody's words are lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from gateway import audit
from gateway.content import editing, shipped, store
from gateway.content.editing import Author, NewText, TextError
from gateway.content.letters import LetterError
from gateway.content.store import State, TemplateVersion
from gateway.errors import UnknownNameError
from tests.world import START, World


def author(world: World) -> Author:
    return Author("cli", world.runtime.vault, world.clock.now)


def written(world: World, body: str = "您好((姓名))", **changes: Any) -> TemplateVersion:
    given: dict[str, Any] = {"title": "问候", "channel": "sms", "body": body, "klass": "result", **changes}
    with world.runtime.db.write() as tx:
        return editing.create(tx, author(world), NewText(**given))


def again(world: World, one: TemplateVersion, body: str, *, publish: bool = True) -> TemplateVersion:
    with world.runtime.db.write() as tx:
        next_one = editing.add_version(tx, author(world), one.id, body)
        return editing.publish(tx, author(world), *next_one.key) if publish else next_one


def sent(world: World, one: TemplateVersion) -> TemplateVersion | None:
    with world.runtime.db.read() as tx:
        return store.to_send_by_id(tx, one.id, [])


def test_a_draft_is_never_what_is_sent(world: World) -> None:
    """Neither the first, nor one made after a version that was published; by id, by name, in the list."""
    first = written(world, name="greetings/hello")
    assert sent(world, first) is None
    with world.runtime.db.read() as tx, pytest.raises(UnknownNameError):
        store.to_send(tx, "greetings/hello", "sms", "zh-CN", [])
    with world.runtime.db.write() as tx:
        editing.publish(tx, author(world), *first.key)
    again(world, first, "您好((姓名))。", publish=False)
    with world.runtime.db.read() as tx:
        named = store.to_send(tx, "greetings/hello", "sms", "zh-CN", [])
        in_list = next(one for one in store.listed(tx, []) if one.id == first.id)
        in_newest = next(one for one in store.newest_versions(tx) if one.id == first.id)
    assert {one.version for one in (sent(world, first), named, in_list, in_newest) if one} == {1}
    assert (named.state, named.title, named.klass) == (State.PUBLISHED, "问候", "result")


def test_a_version_is_published_in_order_and_once(world: World) -> None:
    """The newest published is sent; what is older than it is not published behind its back."""
    first = written(world)
    second = again(world, first, "二")
    assert sent(world, first) == second
    with world.runtime.db.write() as tx:
        assert editing.publish(tx, author(world), *second.key) == second
        with pytest.raises(TextError, match="newer version"):
            editing.publish(tx, author(world), *first.key)
        with pytest.raises(TextError, match="newest is 2"):
            editing.publish(tx, author(world), first.id, 3)
        with pytest.raises(TextError, match="says already"):
            editing.add_version(tx, author(world), first.id, "二")
        with pytest.raises(TextError, match="no text"):
            editing.add_version(tx, author(world), uuid4(), "三")


def test_what_the_house_fills_asks_for_what_it_gives(world: World) -> None:
    """Reworded, with fewer values or with more: an operator's slip must not stop every message of a kind."""
    with world.runtime.db.read() as tx:
        house = store.to_send(tx, "policy/retirement_age", "sms", "zh-CN", [])
    assert again(world, house, "(( NAME ))您好：请向12333询问。").state == State.PUBLISHED
    assert again(world, house, "您好：请向12333询问。").state == State.PUBLISHED
    with pytest.raises(TextError, match=r"has no \(\(minutes\)\); it gives \(\("):
        again(world, house, "((name))您好：((minutes??五分钟内))请向12333询问。")
    found = sent(world, house)
    assert found
    assert found.version == house.version + 2


def test_an_archived_text_is_found_by_its_id_alone(world: World) -> None:
    """Whoever names it hears that it is gone; nothing else sends it; the house's own stay."""
    one = written(world, name="greetings/hello")
    with world.runtime.db.write() as tx:
        editing.publish(tx, author(world), *one.key)
        assert editing.archive(tx, author(world), one.id).archived
        with pytest.raises(UnknownNameError):
            store.to_send(tx, "greetings/hello", "sms", "zh-CN", [])
        assert one.id not in {other.id for other in (*store.listed(tx, []), *store.newest_versions(tx))}
        with pytest.raises(TextError, match="archived"):
            editing.add_version(tx, author(world), one.id, "二")
        house = store.to_send(tx, "card_loss/failed", "sms", "en", [])
        with pytest.raises(TextError, match="house itself"):
            editing.archive(tx, author(world), house.id)
    found = sent(world, one)
    assert found
    assert found.archived


def test_a_text_is_said_in_the_asked_language_or_in_chinese(world: World) -> None:
    """A translation shares the name of what it translates; it counts once it is published."""
    chinese = written(world, "您好", name="greetings/hello")
    with world.runtime.db.write() as tx:
        editing.publish(tx, author(world), *chinese.key)
        said = NewText("Hello", "sms", "Hello", "result", "en", translates=chinese.id)
        english = editing.create(tx, author(world), said)
        assert english.name == chinese.name
        assert store.to_send(tx, chinese.name, "sms", "en", []).body == "您好"
        editing.publish(tx, author(world), *english.key)
        assert store.to_send(tx, chinese.name, "sms", "en", []).body == "Hello"
        assert store.to_send(tx, chinese.name, "sms", "fr", []).body == "您好"
        with pytest.raises(TextError, match="new version of it"):
            editing.create(tx, author(world), said)


def test_a_text_is_refused_with_what_is_wrong_with_it(world: World) -> None:
    for wrong, said in (
        ({"channel": "fax"}, "no channel 'fax'"),
        ({"klass": "advert"}, "no class 'advert'"),
        ({"language": "fr"}, "no language 'fr'"),
        ({"title": " "}, "needs a title"),
        ({"body": " "}, "needs words"),
        ({"body": "x" * 100_001}, "100,001"),
        ({"name": "Hello"}, "<group>/<event>"),
    ):
        with pytest.raises(TextError, match=said):
            written(world, **wrong)
    with pytest.raises(LetterError):
        written(world, "no subject", channel="email")


def test_texts_are_listed_by_their_titles(world: World) -> None:
    for title in ("b", "a"):
        one = written(world, title=title, channel="email", body="Subject: S ((x))\n\nB ((y))")
        with world.runtime.db.write() as tx:
            editing.publish(tx, author(world), *one.key)
    with world.runtime.db.read() as tx:
        listed = store.listed(tx, [])
    assert [one.title for one in listed] == sorted(one.title for one in listed)
    mine = [one for one in listed if one.created_by == "cli"]
    assert [(one.subject, one.text, one.updated_at) for one in mine] == [("S ((x))", "B ((y))", None)] * 2
    assert mine[0].created_at == START


def test_what_people_write_over_a_shipped_text_stays_until_its_file_changes(
    world: World, tmp_path: Path
) -> None:
    """Each start imports the files anew; it must not undo what the city wrote in between."""
    file = tmp_path / "greetings" / "hello.sms.zh-CN.txt"
    file.parent.mkdir()

    def imported(body: str) -> int:
        file.write_text(body, "utf-8")
        with world.runtime.db.write() as tx:
            return shipped.import_shipped(tx, world.clock.now, tmp_path)

    def now() -> tuple[int, str]:
        with world.runtime.db.read() as tx:
            one = store.to_send(tx, "greetings/hello", "sms", "zh-CN", [])
            return one.version, one.body

    assert (imported("一"), imported("一"), now()) == (1, 0, (1, "一"))
    with world.runtime.db.read() as tx:
        one = store.to_send(tx, "greetings/hello", "sms", "zh-CN", [])
    again(world, one, "城市的话")
    assert (imported("一"), now()) == (0, (2, "城市的话"))
    assert (imported("二"), now()) == (1, (3, "二"))


def test_whoever_writes_publishes_or_archives_is_on_record(world: World) -> None:
    one = written(world)
    with world.runtime.db.write() as tx:
        editing.publish(tx, author(world), *one.key)
        editing.archive(tx, author(world), one.id)
        editing.archive(tx, author(world), one.id)
        done = tx.execute(select(audit.audit.c.actor, audit.audit.c.action).order_by(audit.audit.c.number))
        assert [tuple(row) for row in done] == [
            ("cli", "template.write"),
            ("cli", "template.publish"),
            ("cli", "template.archive"),
        ]
