"""What the official clients' own integration suites expect to find, and how they are told of it.

Made once; made again it stays as it is, but for the keys: nobody can read an old secret, so the
keys of the run before end and new ones are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from gateway.channels import sms
from gateway.content import editing, registration
from gateway.content.editing import Author, NewText
from gateway.content.store import templates
from gateway.delivery.owners import owners
from gateway.demo import seed
from gateway.levers import accounts
from gateway.levers.accounts import Desk
from gateway.notifications import inbound
from gateway.providers import Inbound
from gateway.runtime import Runtime
from gateway.services import guests, keys, senders, store
from gateway.services.store import NewKey

SERVICE = "Notify suite"
NUMBER, ADDRESS = "13800138000", "suite@example.com"
LETTER = "00000000-0000-4000-8000-000000000000"  # there are no letters here; the suites only hand it back
INBOUND_NUMBER = "1069012333"
SENDERS: Sequence[tuple[str, str, dict[str, bool]]] = (
    ("sms", "常德人社", {"default": True}),
    ("sms", "12333热线", {}),
    ("sms", INBOUND_NUMBER, {"inbound": True}),
    ("email", "reply@example.com", {"default": True}),
    ("email", "second-reply@example.com", {}),
)
NAME = "notify_suite/functional"
TEXTS = {
    "sms": ("Client Functional test sms template", None, "Functional Tests make our world a better place"),
    "email": (
        "Client Functional test email template",
        "Functional Tests are good",
        "Functional test help make our world a better place",
    ),
}
SAID = ("First", "Second", "Third")


def make(runtime: Runtime) -> Mapping[str, str]:
    """Make what is missing and new keys; returns the suites' environment."""
    seed.need_sandbox(runtime.settings)
    now = runtime.clock()
    with runtime.db.write() as tx:
        service = store.ensure_service(tx, SERVICE, now)
        author = Author("notify suite", runtime.vault, now)
        texts = {channel: _text(tx, author, channel) for channel in TEXTS}
        own = _senders(tx, runtime, service, now)
        for address in (sms.normalise(NUMBER), ADDRESS):
            guests.add(tx, runtime.vault, service, "team", address, now)
        said = [("twilio_sms", one) for one in _said(now)]
        inbound.receive(tx, runtime, said, owners=owners(tx, runtime, said))
        secrets = _keys(tx, runtime, service, now)
    registration.register(runtime)
    return {
        "NOTIFY_API_URL": runtime.settings.public_url,
        **secrets,
        "FUNCTIONAL_TEST_NUMBER": NUMBER,
        "FUNCTIONAL_TEST_EMAIL": ADDRESS,
        "SMS_TEMPLATE_ID": str(texts["sms"]),
        "EMAIL_TEMPLATE_ID": str(texts["email"]),
        "LETTER_TEMPLATE_ID": LETTER,
        "SMS_SENDER_ID": str(own["12333热线"]),
        "EMAIL_REPLY_TO_ID": str(own["second-reply@example.com"]),
    }


def _keys(tx: Connection, runtime: Runtime, service: UUID, now: datetime) -> dict[str, str]:
    """A key of each type; those of the run before end."""
    desk = Desk(tx, runtime.vault, now, "cli")
    for old in keys.of(tx, service):
        accounts.revoke(desk, old.id)
    wanted = {
        "API_KEY": store.TEST,
        "API_SENDING_KEY": store.NORMAL,
        "TEAM_KEY": store.TEAM,
        "INBOUND_SMS_QUERY_KEY": store.NORMAL,
    }
    new = {name: NewKey(name.lower(), kind, store.USUAL) for name, kind in wanted.items()}
    return {name: accounts.new_key(desk, service, one)[1] for name, one in new.items()}


def _text(tx: Connection, author: Author, channel: str) -> UUID:
    """The text of this channel in two versions, the second with the words the suites compare."""
    columns = templates.c
    same = (columns.name == NAME, columns.channel == channel)
    there = tx.execute(select(columns.id).where(*same)).scalar_one_or_none()
    if there is not None:
        return UUID(str(there))
    title, subject, words = TEXTS[channel]
    first = editing.create(
        tx, author, NewText(title, channel, editing.whole(subject, words), "result", "en", NAME)
    )
    editing.publish(tx, author, *first.key)
    body = editing.whole(subject, f"Hello ((name))\r\n\r\n{words}")
    second = editing.add_version(tx, author, first.id, body)
    editing.publish(tx, author, *second.key)
    return first.id


def _senders(tx: Connection, runtime: Runtime, service: UUID, now: datetime) -> Mapping[str, UUID]:
    """The ids of the senders, by what they show."""
    known = {one.value: one.id for one in senders.of(tx, runtime.vault, service)}
    for channel, value, options in SENDERS:
        if value not in known:
            known[value] = senders.add(tx, runtime.vault, service, channel, value, now, **options)
    return known


def _said(now: datetime) -> list[Inbound]:
    """Messages from a citizen to the service's number; each counts once, by its id."""
    citizen = sms.normalise(NUMBER)
    return [
        Inbound(f"notify-suite-{place}", citizen, INBOUND_NUMBER, text, now + timedelta(seconds=place))
        for place, text in enumerate(SAID)
    ]
