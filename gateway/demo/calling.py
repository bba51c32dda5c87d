"""One transaction of any type, played by telephone: what cannot be keyed is given on the web afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from gateway.demo.browser import Browser
from gateway.demo.city import Person
from gateway.demo.faces import (
    MOST_STEPS,
    Place,
    Played,
    Service,
    answer_pages,
    ended,
    examples,
    known,
    played,
)
from gateway.demo.identities import query_password
from gateway.demo.patience import TourError
from gateway.demo.world import Handset, World
from gateway.phone import prompts
from gateway.phone.aloud import spoken
from gateway.transactions import registry
from gateway.transactions.model import Words

PARKED = "不能用按键填写"


class Caller:
    """Somebody who dials the hotline; the sandbox's exchange plays the telephone network."""

    def __init__(self, place: Place, mobile: str) -> None:
        self._world = World(place.sandbox_url)
        self._hear(self._world.post("dial", **{"from": f"+86{mobile}", "to": "12333"}))

    def press(self, keys: str) -> None:
        self._hear(self._world.post(f"dial/{self._call}", press=keys))

    def wait(self) -> None:
        """Press nothing until the hotline goes on by itself."""
        self._hear(self._world.post(f"dial/{self._call}", wait=True))

    def hang_up(self) -> None:
        self._world.post(f"dial/{self._call}", hang_up=True)

    def _hear(self, answer: Mapping[str, Any]) -> None:
        self._call, self.heard = answer["call"], "".join(answer["says"])
        if answer["ended"]:
            raise TourError(f"The call ended ({answer['ended']}) after: {self.heard[-80:]}")


_REFERENCE = re.compile(r"(\d(?: \d){3})，(\d(?: \d){4})，(\d(?: \d){4})")


def _way(kind: str) -> list[str]:
    """The keys that lead from the main menu to a type."""
    offered = list(registry.types())
    for entry in prompts.top(offered):
        below = prompts.below(entry.menu, offered) if entry.menu else ()
        for item in (entry, *below):
            if item.type == kind:
                return [entry.key] if item is entry else [entry.key, item.key]
    raise TourError(f"The telephone's menu has no {kind}.")


def parks(kind: str) -> bool:
    """Whether the telephone alone cannot finish a type: its form has a field that cannot be keyed."""
    fields = registry.get(kind).form().fields.values()
    return any(not one.metadata["keypad"] and not one.metadata["from_register"] for one in fields)


def phone(place: Place, person: Person, kind: str = "card_loss") -> Played:
    """A caller keys what is asked for, hears the reference, and looks it up on the web."""
    handset, caller = Handset(place.sandbox_url, person.mobile), Caller(place, person.mobile)
    for key in _way(kind):
        caller.press(key)
    started = time.monotonic()
    for _ in range(MOST_STEPS):
        found = _REFERENCE.search(caller.heard)
        if found:
            break
        if "请稍候" in caller.heard:
            caller.wait()
            continue
        started = time.monotonic()
        caller.press(_keys(caller, person, handset) or _answer(caller.heard, place, person, kind))
    else:
        raise TourError(f"The call led nowhere; last heard: {caller.heard[-80:]}")
    parked = PARKED in caller.heard
    caller.hang_up()
    reference = "".join(found.groups()).replace(" ", "")
    browser = _looked_up(place, reference, person.mobile)
    if parked:
        started = _finish(place, browser, person, kind)
    page = ended(browser)
    took = time.monotonic() - started
    return played(kind, "phone", reference, page["state"], handset.result(), took)


def _keys(caller: Caller, person: Person, handset: Handset) -> str:
    """What says who is calling, where it is asked for."""
    heard = caller.heard
    if "身份证号码" in heard and "请按您的" in heard:
        return person.id_number.replace("X", "*") + "#"
    if "请按6位查询密码" in heard:
        return query_password(person)
    return handset.code() if "请按6位验证码" in heard else ""


def _answer(heard: str, place: Place, person: Person, kind: str) -> str:
    """The form's own example, keyed or picked from what is read out; of other choices the first."""
    named, it = {**examples(kind), **known(person, kind)}, registry.get(kind)
    for name, field in it.form().fields.items():
        if name in named and f"请按您的{field.metadata['label'].zh}" in heard:
            return f"{named[name]}#"
        if name in named and name in it.choices and spoken(field.metadata["prompt"]).zh in heard:
            words = Service(place).words(kind, name, named[name])
            key = re.search(rf"{re.escape(spoken(Words(words, '')).zh)}(?:，[^。]*，)?请按(\d)", heard)
            return key[1] if key else "5"
    return "1"


def _looked_up(place: Place, reference: str, mobile: str) -> Browser:
    browser = Browser(place.url)
    browser.get("/progress")
    browser.submit("reference", reference)
    browser.submit("mobile", mobile[-4:])
    return browser


def _finish(place: Place, browser: Browser, person: Person, kind: str) -> float:
    """Go on where the telephone ended, with another code, and confirm; the moment of it."""
    handset = Handset(place.sandbox_url, person.mobile)
    browser.press("/progress/continue")
    answer_pages(browser, person, kind, handset)
    started = time.monotonic()
    browser.press("/check")
    return started
