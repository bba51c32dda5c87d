"""The three faces of a transaction, each walked by what it offers alone: fields, options, keys, bodies.

Nothing here knows a type. A browser answers the forms it is shown, a caller presses
what is spoken, a system sends what the types' list describes; who knows an answer
gives it, of any other choice the first is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask

from gateway.demo.browser import Form, Page
from gateway.phone import aloud, prompts
from gateway.phone.signals import Answered, Collect, Hangup, NoInput
from gateway.transactions import choices, registry
from gateway.transactions.desk import Desk
from gateway.transactions.model import Words
from tests.flows.citizen import Browser
from tests.flows.test_api import Api, _key
from tests.stores.test_phone_conversations import Caller
from tests.stores.test_transactions import sent_codes
from tests.transaction_vectors import QUERY_PASSWORD, newest
from tests.world import World

MOST_STEPS = 40  # pages, keys or requests before something is surely wrong


@dataclass(frozen=True, slots=True)
class Submitted:
    """It was confirmed and taken."""


@dataclass(frozen=True, slots=True)
class AskedAnew:
    """It was confirmed, and a field is to be answered anew; ``said`` is what the face tells of why."""

    field: str
    said: str


class Face(Protocol):
    """A door and somebody at it."""

    name: str

    def confirm(self, kind: str, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        """Walk through a transaction until it is confirmed."""
        ...

    def told(self) -> tuple[str, str]:
        """How it stands, as the face tells it to whoever waits: the reference, and everything said."""
        ...

    def as_told(self, sentence: Words) -> str:
        """A sentence in the words of this face."""
        ...


# --- the web -------------------------------------------------------------------------------


@dataclass(slots=True)
class Web:
    """A citizen with a browser."""

    world: World
    app: Flask
    name: str = "web"
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.world, self.app)

    def confirm(self, kind: str, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        self.browser.get(f"/t/{kind}")
        self._send()
        return self._through(answers)

    def go_on(self, reference: str, tail: str, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        """Find what was begun elsewhere by its reference, and finish it."""
        self.browser.get("/progress")
        self.browser.post("/progress", reference=reference)
        self.browser.post("/progress/mobile", mobile=tail)
        self._press("/progress/continue")
        return self._through(answers)

    def _through(self, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        asked: set[str] = set()
        for _ in range(MOST_STEPS):
            if self._place == "check":
                break
            if self._place in asked - {"code"}:  # whoever is known hears at once what cannot be
                return AskedAnew(self._place, self.browser.text)
            asked.add(self._place)
            given = {**answers, "password": QUERY_PASSWORD}
            known = sent_codes(self.world)[-1] if self._place == "code" else given.get(self._place)
            self._send(self._place, known)
        self._send()
        return Submitted() if self._place == "done" else AskedAnew(self._place, self.browser.text)

    @property
    def _place(self) -> str:
        """The last part of the page's address: the field asked for, ``code``, ``check`` or ``done``."""
        return self.browser.path.rpartition("/")[2]

    def _send(self, name: str = "", known: str | None = None) -> None:
        """Fill in the page's own form and press its button; of a choice nobody knows take the first."""
        form = self._form(self.browser.path)
        given = {name: known or form.options[name][0]} if name else {}
        self.browser._arrive(self.browser.client.post(form.action, data={**form.fields, **given}))

    def _press(self, action: str) -> None:
        self.browser._arrive(self.browser.client.post(action, data=self._form(action).fields))

    def _form(self, action: str) -> Form:
        return next(one for one in Page(self.browser.page.text).forms if one.action == action)

    def told(self) -> tuple[str, str]:
        text = self.browser.get(self.browser.path)
        return self.browser.reference(), text

    def as_told(self, sentence: Words) -> str:
        return f"{sentence.zh} {sentence.en}"


# --- the telephone ---------------------------------------------------------------------------


@dataclass(slots=True)
class Phone:
    """A caller who presses what is named; every transaction is a call of its own.

    What cannot be keyed is given on the web, by the reference that was heard; how it
    stands is then asked in another call.
    """

    world: World
    app: Flask
    name: str = "phone"
    caller: Caller = field(init=False)
    calls: int = 0
    parked: str = ""  # the reference of what was finished on the web

    def confirm(self, kind: str, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        self._dial(self.world.people[0].id_number)
        for key in way(kind):
            self.caller.press(key)
        for _ in range(MOST_STEPS):
            if "确认办理请按1" in self.heard:
                break
            if "不能用按键填写" in self.heard:
                return self._elsewhere(answers)
            self._press(kind, answers)
        self.caller.press("1")
        lines = [line.text for line in self.caller.heard()]
        asked = next((name for name, words in self._asked(kind) if words in lines), None)
        return AskedAnew(asked, "".join(lines)) if asked else Submitted()

    def _elsewhere(self, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        """Hang up, and finish it on the web once another code may be asked for."""
        self.parked = self._reference(self.heard)
        self.caller.do(Hangup())
        self.world.clock.advance(seconds=61)
        return Web(self.world, self.app).go_on(self.parked, self._tail, answers)

    @property
    def _tail(self) -> str:
        return self.world.people[0].mobile[-4:]

    def _dial(self, id_number: str) -> None:
        self.calls += 1
        self.caller = Caller(self.world, id_number, line=f"call {self.calls}")
        self.caller.do(Answered(), 0)

    @property
    def heard(self) -> str:
        return "".join(line.text for line in self.caller.heard())

    def _asked(self, kind: str) -> list[tuple[str, str]]:
        """The fields of a form that are chosen from a list, by the question that is heard."""
        form, chosen = registry.get(kind).form().fields, registry.get(kind).choices
        return [(name, aloud.spoken(form[name].metadata["prompt"]).zh) for name in form if name in chosen]

    def _press(self, kind: str, answers: Mapping[str, str]) -> None:
        """Whatever is asked for now."""
        lines = [line.text for line in self.caller.heard()]
        for name, question in self._asked(kind):
            if question in lines:
                return self._choose(name, answers.get(name))
        if "请按6位查询密码" in self.heard:
            return self.caller.press(QUERY_PASSWORD)
        if "请按6位验证码" in self.heard:
            return self.caller.press(sent_codes(self.world)[-1])
        for name, asked in registry.get(kind).form().fields.items():
            if f"请按您的{asked.metadata['label'].zh}" in self.heard:
                value = answers[name]
                star = asked.metadata["keypad"].star_is
                return self.caller.press((value.replace(star, "*") if star else value) + "#")
        raise AssertionError(f"nobody knows what to press after: {self.heard}")

    def _choose(self, name: str, wanted: str | None) -> None:
        """Listen for the option wanted, page after page, and press its key."""
        with self.world.runtime.db.read() as tx:
            offered = choices.options(Desk(tx, self.world.runtime), newest(self.world), name) or ()
        words = next(one.words for one in offered if wanted in (None, one.value))
        for _ in range(MOST_STEPS):
            for line in self.caller.heard():
                key = re.fullmatch(rf"{re.escape(aloud.spoken(words).zh)}(?:，.*，)?请按(\d)。", line.text)
                if key:
                    return self.caller.press(key[1])
            assert "更多请按5" in self.heard, f"{words.zh} is not among the choices"
            self.caller.press("5")
        raise AssertionError(f"{words.zh} was never offered")

    def told(self) -> tuple[str, str]:
        """Wait until it is told, and hear every part of it."""
        if self.parked:
            self._dial(self.world.people[0].id_number)
            for keys in ("4", f"{self.parked}#", f"{self._tail}#"):
                self.caller.press(keys)
        if "请稍候" in self.heard:
            self.caller.do(NoInput())
        said = self.heard
        while "更多请按5" in self.heard:
            self.caller.press("5")
            said += self.heard
        assert isinstance(self.caller.reply.actions[-1], Collect)
        return self._reference(said), said

    def _reference(self, said: str) -> str:
        found = re.search(r"您的编号是：([\d ，]+)。", said)
        assert found, said
        return re.sub(r"\D", "", found[1])

    def as_told(self, sentence: Words) -> str:
        return aloud.spoken(sentence).zh


def way(kind: str) -> Sequence[str]:
    """The keys that lead from the main menu to a type."""
    offered = tuple(registry.types())
    for entry in prompts.top(offered):
        if entry.type == kind:
            return [entry.key]
        for item in prompts.below(entry.menu, offered) if entry.menu else ():
            if item.type == kind:
                return [entry.key, item.key]
    raise AssertionError(f"no key leads to {kind}")


# --- the API -------------------------------------------------------------------------------


@dataclass(slots=True)
class System:
    """A service with a key."""

    world: World
    app: Flask
    name: str = "api"
    api: Api = field(init=False)
    reference: str = ""

    def __post_init__(self) -> None:
        self.api = Api(self.world, self.app.test_client(), _key(self.world, "faces"))

    def confirm(self, kind: str, answers: Mapping[str, str]) -> Submitted | AskedAnew:
        body = {"type": kind, "answers": self._answers(kind, answers), "proof": {"method": "code"}}
        begun = self.api.post("/v2/transactions", body)
        assert begun.status_code == 201, begun.json
        self.reference = begun.json["reference"]
        proven, wanted = begun, begun.json["proof_missing"]
        while wanted and proven.status_code < 300:
            by_code = {"code", "new"} & set(wanted)
            given = {"code": sent_codes(self.world)[-1]} if by_code else {"password": QUERY_PASSWORD}
            proven = self.api.post(f"/v2/transactions/{self.reference}/proof", given)
            wanted = proven.json.get("proof_missing")
        if proven.status_code < 300:
            return Submitted()
        assert proven.status_code == 409, proven.json
        problem = proven.json["errors"][0]
        return AskedAnew(problem["message"].split()[0].removeprefix("answers."), str(problem))

    def _answers(self, kind: str, known: Mapping[str, str]) -> Mapping[str, str]:
        """What the form describes: known answers, and of other choices the first."""
        types = self.api.get("/v2/transaction-types").json["transaction_types"]
        form = next(one for one in types if one["name"] == kind)
        free = {asked["name"] for asked in form["fields"] if not asked["choices"]}
        given: dict[str, str] = {}
        for _ in range(MOST_STEPS):
            asked = self.api.post(f"/v2/transaction-types/{kind}/options", {"answers": given}).json
            more = [name for name in asked["asked"] if name in free and name not in given]
            given |= {name: known[name] for name in more}
            if more:
                continue
            if asked["field"] is None:
                return given
            offered = [option["value"] for option in asked["options"]]
            wanted = known.get(asked["field"]["name"], offered[0])
            assert wanted in offered
            given[asked["field"]["name"]] = wanted
        raise AssertionError(f"the form of {kind} has no end")

    def told(self) -> tuple[str, str]:
        shown = self.api.get(f"/v2/transactions/{self.reference}").json
        zh, en = ([shown["headline"][one], *shown["explanation"][one]] for one in ("zh", "en"))
        return shown["reference"], "\n".join(f"{one} {other}" for one, other in zip(zh, en, strict=True))

    def as_told(self, sentence: Words) -> str:
        return f"{sentence.zh} {sentence.en}"
