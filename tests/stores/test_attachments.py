"""Files with broadcasts on both databases: kept once, read once, shown by name and size."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select

from gateway.broadcasts import definition as definitions
from gateway.broadcasts import enclosures, progress, rehearsal, store
from gateway.broadcasts.definition import DefinitionError
from gateway.broadcasts.expand import run_due
from gateway.broadcasts.store import START
from gateway.cities import shipped
from gateway.content import documents
from gateway.content.documents import Listed, checked
from gateway.delivery.attempt import run_lane
from gateway.levers import dead_letters
from gateway.messages import Attachment, Limits
from gateway.notifications import suppression
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.providers import Accepted, Cause, Rejected
from tests.world import Scripted, World

A_PDF = b"%PDF-1.7\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
TEMPLATE = "policy/retirement_age"
NOTICE, GUIDE = checked("通知.pdf", A_PDF), checked("guide.pdf", A_PDF)


def _post(world: World, files: int = 10**7) -> Scripted:
    """A provider of e-mails that takes so many bytes of files."""
    post = Scripted(batch=2)
    post.name, post.channel, post.limits = "post", "email", Limits(files=files)
    runtime = world.runtime
    settings = replace(runtime.settings, providers={**runtime.settings.providers, "email": {"post": 1}})
    world.runtime = replace(runtime, providers={**runtime.providers, "post": post}, settings=settings)
    return post


def _definition(world: World, **keys: Any) -> definitions.Definition:
    now = world.clock.now
    given = {"template": TEMPLATE, "channel": "email", "audience": {}, **keys}
    return definitions.read(given, shipped()["changde"].rules_now(now), now)


def _started(world: World, *files: Attachment) -> UUID:
    definition = _definition(world)
    with world.runtime.db.read() as tx:
        counted = rehearsal.rehearse(tx, world.runtime, definition, files)
    assert counted.attachments == tuple(Listed(one.name, len(one.body)) for one in files)
    with world.runtime.db.write() as tx:
        key = store.create(tx, world.runtime, definition, "test", counted=counted.people, files=files)
        assert store.act(tx, world.runtime, key, START, "test") is None
    return key


def test_every_e_mail_of_a_broadcast_carries_its_files(world: World) -> None:
    """In their order, with their names; they are read once for a claim, and share their bytes."""
    post = _post(world)
    world.settle(30)
    key = _started(world, NOTICE, GUIDE)
    asked: list[str] = []
    event.listen(world.runtime.db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    run_due(world.runtime)
    run_lane(world.runtime, "email.bulk")
    assert len(post.took) > 2
    assert all(message.attachments == (NOTICE, GUIDE) for _, message in post.took)
    assert len({id(message.attachments[0].body) for _, message in post.took}) == 1
    assert sum("FROM documents" in statement and "body" in statement for statement in asked) == 1
    with world.runtime.db.read() as tx:
        shown = progress.of(tx, store.find(tx, key), world.clock())
    assert list(progress.as_json(shown)["attachments"]) == [
        {"name": "通知.pdf", "size": len(A_PDF)},
        {"name": "guide.pdf", "size": len(A_PDF)},
    ]


def test_a_replay_carries_the_files_of_its_broadcast(sqlite_world: World) -> None:
    """What the provider refused goes out whole once the cause is gone."""
    world = sqlite_world
    post = _post(world)
    world.settle(30)
    post.script = lambda _handover, _message: Rejected("5.3.4", Cause.CONTENT)
    _started(world, NOTICE, GUIDE)
    run_due(world.runtime)
    run_lane(world.runtime, "email.bulk")
    post.script = lambda handover, _message: Accepted(f"ref-{handover}")
    [dead] = {(row.status, row.reason) for row in world.rows() if row.status == "failed"}
    why = dead_letters.Cause(Status(dead[0]), Class.NOTICE, "email", dead[1])
    assert sum(dead_letters.replay(world.runtime, why, world.clock())) > 1
    run_lane(world.runtime, "email.bulk")
    assert {message.attachments for _, message in post.took} == {(NOTICE, GUIDE)}


def test_a_file_is_kept_once_however_many_it_goes_to(world: World) -> None:
    """By name and content: the same bytes under another name are another document."""
    one, other = uuid4(), uuid4()
    with world.runtime.db.write() as tx:
        documents.attach(tx, one, [NOTICE, GUIDE], world.clock())
        documents.attach(tx, other, [GUIDE], world.clock())
    with world.runtime.db.read() as tx:
        assert tx.execute(select(func.count()).select_from(documents.documents)).scalar_one() == 2
        assert documents.of(tx, [one, other, uuid4()]) == {one: (NOTICE, GUIDE), other: (GUIDE,)}
        assert documents.of(tx, []) == {}


def test_files_no_provider_carries_are_refused_before_anybody_is_written_to(world: World) -> None:
    """At the door, with the limit; so are files of a broadcast that sends no e-mail."""
    _post(world, files=10)
    definition = _definition(world)
    with pytest.raises(DefinitionError, match=r"have .* bytes together; .* take at most 10\. Make"):
        enclosures.check(world.runtime, definition, [NOTICE])
    with pytest.raises(DefinitionError, match="attachments: go with e-mails only"):
        enclosures.check(world.runtime, replace(definition, channel="sms"), [NOTICE])
    enclosures.check(world.runtime, replace(definition, channel="sms"), [])


def test_who_stopped_e_mails_is_counted_before_they_go(world: World) -> None:
    """By the e-mail address, where the broadcast goes by e-mail."""
    _post(world)
    stopped = [person for person in world.settle(30) if person.email][:2]
    said = [
        (world.runtime.vault.index("email", person.email), "one_click", world.clock())
        for person in stopped
        if person.email
    ]
    with world.runtime.db.write() as tx:
        suppression.suppress(tx, said)
    for channel, count in (("email", 2), ("sms", 0)):
        with world.runtime.db.read() as tx:
            counted = rehearsal.rehearse(tx, world.runtime, _definition(world, channel=channel))
        assert counted.opted_out == count


# --- where files come from --------------------------------------------------------------------


def test_a_definition_names_files_beside_itself(tmp_path: Path) -> None:
    """A plain name; nothing outside the folder is read."""
    (tmp_path / "通知.pdf").write_bytes(A_PDF)
    (tmp_path / "all.toml").write_text(
        f'template = "{TEMPLATE}"\nattachments = ["通知.pdf"]\n', encoding="utf-8"
    )
    keys = definitions.from_file(tmp_path / "all.toml")
    assert enclosures.beside(tmp_path, keys["attachments"]) == [NOTICE]
    with pytest.raises(DefinitionError) as refusal:
        enclosures.beside(tmp_path / "x", ["../通知.pdf", "none.pdf", "..", str(tmp_path / "通知.pdf")])
    assert [key for key, _ in refusal.value.problems] == [f"attachments.{place}" for place in range(4)]
    assert "none.pdf cannot be read" in refusal.value.problems[1][1]


def test_the_api_takes_files_in_base64() -> None:
    """In one line or in many, as e-mail has it. What is none is named by its place."""
    content = base64.b64encode(A_PDF).decode()
    for written in (content, base64.encodebytes(A_PDF).decode(), content[:40] + "\r\n" + content[40:]):
        assert enclosures.decoded([{"name": "通知.pdf", "content": written}]) == [NOTICE]
    with pytest.raises(DefinitionError) as refusal:
        enclosures.decoded([{"name": "a.pdf", "content": "?"}, {"name": "a.exe", "content": content}])
    said = dict(refusal.value.problems)
    assert said["attachments.0"] == "content must be the file in base64"
    assert "Save it as PDF" in said["attachments.1"]
    assert "请另存为PDF" in said["attachments.1"]
    assert json.dumps(said)
