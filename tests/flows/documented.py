"""An instance of the API in which every example of its document can be posted as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import jwt
from flask import Flask
from sqlalchemy import select

from gateway.api import document, examples
from gateway.app import create_app
from gateway.content import editing
from gateway.content.editing import Author, NewText
from gateway.content.store import templates
from gateway.notifications import store as notifications
from gateway.services import guests, senders
from gateway.services import store as services
from tests.stores.test_information_change import PASSWORD, changed
from tests.world import World

CITIZENS = 12


class Documented:
    """The application, a service whose key may do everything, and what the examples speak of."""

    def __init__(self, world: World) -> None:
        world.settle(CITIZENS)
        self.world, self._numbers = world, count()
        self.app: Flask = create_app(world.runtime)
        self.document: dict[str, Any] = document.of(self.app)
        self.client = self.app.test_client()
        with world.runtime.db.write() as tx:
            owner = services.ensure_service(tx, "counter", world.clock.now)
            guests.add(tx, world.runtime.vault, owner, "team", "+8613800138000", world.clock.now)
            scopes = (*services.USUAL, services.WEBHOOKS, services.OPERATE)
            services.set_limits(tx, owner, services.Limits(1_000_000, {}))  # the clock stands still
            self.key = services.create_key(
                tx, world.runtime.vault, owner, "key", world.clock.now, scopes=scopes
            )
            self.sender, self.reply_to = (
                senders.add(tx, world.runtime.vault, owner, *one, world.clock.now)
                for one in (("sms", "常德社保"), ("email", "reply@example.com"))
            )
        self.ids = {
            examples.SMS_TEXT: self.text("card_loss/code"),
            examples.EMAIL_TEXT: self.text("card_loss/succeeded", "email"),
            examples.VOICE_TEXT: self.text("pension_auth/remind_due", "voice"),
            "aliyun_sms": world.provider.name,
            examples.HOOK: "http://127.0.0.1:9/",
        }

    def narrowed(self) -> dict[str, Any]:
        """The document with this instance's own ids, where only what is there can be named."""
        found: dict[str, Any] = self.real(self.document)
        for name, properties in self.existing().items():
            found["components"]["schemas"][name]["properties"] |= properties
        return found

    def existing(self) -> dict[str, dict[str, Any]]:
        """By form and field: what names something, and what this moment allows."""
        later = [(self.world.clock.now + timedelta(hours=hours)).isoformat() for hours in (1, 100)]
        mobiles = {"enum": ["13800138000", "+86 139 0013 9000", "+852 9123 4567"]}
        stop = {"enum": ["https://example.com/stop"]}
        forms: dict[str, dict[str, Any]] = {
            "NewSms": {"phone_number": mobiles, "sms_sender_id": {"enum": [str(self.sender)]}},
            "NewEmail": {
                "email_address": {"enum": ["wang@example.com"]},
                "email_reply_to_id": {"enum": [str(self.reply_to)]},
                "one_click_unsubscribe_url": stop,
            },
        }
        for channel, form in zip(("sms", "email"), forms.values(), strict=True):
            form |= {"template_id": {"enum": [self._plain_text(channel)]}, "scheduled_for": {"enum": later}}
        return forms

    def _plain_text(self, channel: str) -> str:
        """A text of this channel that asks for no values."""
        author = Author("test", self.world.runtime.vault, self.world.clock.now)
        body = editing.whole("通知" if channel == "email" else None, "您的材料已收到。")
        with self.world.runtime.db.write() as tx:
            made = editing.create(tx, author, NewText("已收到", channel, body, "result"))
            editing.publish(tx, author, *made.key)
        return str(made.id)

    def text(self, name: str, channel: str = "sms") -> str:
        columns = templates.c
        where = (columns.name == name, columns.channel == channel, columns.language == "zh-CN")
        with self.world.runtime.db.read() as tx:
            return str(tx.execute(select(columns.id).where(*where)).scalar_one())

    # --- calling ---

    def token(self) -> str:
        claims = {"iss": self.key[-73:-37], "iat": int(self.world.clock.now.timestamp())}
        return jwt.encode(claims, self.key[-36:], "HS256")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token()}"}
        return self.client.open(path, method=method.upper(), data=data, headers=headers)

    def real(self, value: Any) -> Any:
        """An example with this instance's own ids in it."""
        text = json.dumps(value)
        for stands, for_this in self.ids.items():
            text = text.replace(stands, for_this)
        return json.loads(text)

    def examples(self) -> Iterator[tuple[str, str, dict[str, Any], str, Any]]:
        """Method, path, operation, name and body of each example."""
        for method, path, operation in document.operations(self.document):
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    yield method, path, operation, name, example["value"]

    # --- what the paths speak of ---

    def parameters(self, path: str) -> Mapping[str, str]:
        """Values for a path's parameters; what they name is made for it."""
        if path.startswith("/v2/ops/reviews/"):
            return {"reference": self._under_review()}
        if "{reference}" in path:
            return {"reference": self._transaction()}
        if path.startswith(("/v2/template/", "/v2/ops/templates/")):
            return {"key": self.text("card_loss/code"), "number": "1"}
        if "/webhooks/{kind}" in path:
            return {"kind": "receipt", "service": self.key[-73:-37]}
        if path.startswith("/v2/ops/"):
            return self._of_a_service(path)
        if path.startswith("/v2/transaction-types/"):
            return {"name": "appointment"}
        return {}

    def _of_a_service(self, path: str) -> Mapping[str, str]:
        """What operators steer: a message, a closed hall, or a service made for it with key and sender."""
        if path == "/v2/ops/cancel":
            self.ids[examples.NOTIFICATION] = str(self.world.take()[0])
        if path == "/v2/ops/halls/reopen":
            body = {"hall": "shi", "day": f"2027-03-{next(self._numbers):02}", "reason": "停电"}
            self.ids[examples.CLOSURE] = self.call("post", "/v2/ops/halls/close", body).json["id"]
        kind = path.split("/")[3]
        if "{key}" not in path:
            return {}
        made = self.call("post", "/v2/ops/services", {"name": f"service {next(self._numbers)}"}).json
        within = f"/v2/ops/services/{made['id']}"
        if kind == "keys":
            made = self.call("post", f"{within}/keys", {"name": "key"}).json
        if kind == "senders":
            made = self.call("post", f"{within}/senders", {"channel": "sms", "value": "人社局"}).json
        return {"key": made["id"]}

    def _under_review(self) -> str:
        """Another person's change that waits for somebody."""
        person = next(self._numbers) % CITIZENS
        waits = changed(self.world, PASSWORD, person, item="mobile", mobile="13900001234")
        return str(waits.row.reference)

    def _transaction(self) -> str:
        """One that waits for its code, a minute after it was sent."""
        self.world.clock.advance(minutes=61)
        begun = self.call(
            "post", "/v2/transactions", examples.BODIES["post /v2/transactions"]["proven by a code"]
        )
        row = [row for row in self.world.rows() if row.klass == "code"][-1]
        values = notifications.personalisation(self.world.runtime, row.id, row.personalisation)
        self.ids[examples.CODE] = values["code"]
        self.world.clock.advance(seconds=61)
        return str(begun.json["reference"])
