"""What a broadcast is: its text, its audience, its channels and its pace.

Shipped ones are files, ``templates/broadcasts/<name>.toml``; the API and the command
give the same keys. Only texts under ``policy/`` go to an audience.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway import channels, cities
from gateway.broadcasts import audience as audiences
from gateway.broadcasts.audience import Audience
from gateway.broadcasts.form import NOTICES, SEXES, DefinitionSchema, flat
from gateway.calendars import years_before
from gateway.cities import Rules
from gateway.content import store as content
from gateway.content.rendering import MissingPersonalisationError
from gateway.errors import HuiyinError, SettingError, UnknownNameError
from gateway.notifications import suppression
from gateway.notifications.asks import Asks
from gateway.runtime import Runtime

SHIPPED = Path(__file__).parents[2] / "templates" / "broadcasts"
LONGEST_NAME = 3  # characters of a masked name; longer ones are few


class DefinitionError(HuiyinError):
    """A broadcast's definition is wrong; ``problems`` are pairs of a key and what is wrong with it."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {text}" if key else text for key, text in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The second try, by another channel, for those the first did not reach.

    ``wait_seconds`` count from the moment the last first message was handed over;
    ``older_than`` asks for people past that birthday.
    """

    channel: str
    wait_seconds: int
    older_than: int | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A broadcast as it was asked for. Without ``audience`` it goes to a list of recipients.

    ``pace`` is the most messages taken in a minute; None leaves it to the providers.
    ``asks`` is the question each of its text messages and calls ends with.
    """

    name: str
    template: str
    as_of: date
    channel: str = "sms"
    audience: Audience | None = None
    then: FollowUp | None = None
    pace: int | None = None
    asks: Asks | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel, self.then.channel) if self.then else (self.channel,)

    @property
    def called_born_before(self) -> date | None:
        """Who was born before this day is old enough for the follow-up."""
        if self.then is None or self.then.older_than is None:
            return None
        return years_before(self.as_of, self.then.older_than)


# --- reading one ------------------------------------------------------------------------


def read(given: Mapping[str, Any], rules: Rules, now: datetime) -> Definition:
    """A definition from its keys; raises ``DefinitionError`` naming every wrong one."""
    try:
        loaded: dict[str, Any] = DefinitionSchema().load(given)
    except ValidationError as error:
        raise DefinitionError(list(flat(error.messages))) from None
    return resolve(loaded, rules, now)


def resolve(loaded: Mapping[str, Any], rules: Rules, now: datetime) -> Definition:
    """The definition from keys of the right kinds; raises ``DefinitionError``."""
    given = {key: value for key, value in loaded.items() if value is not None}
    problems: list[tuple[str, str]] = []
    today = now.astimezone(rules.zone).date()
    template, channel = given.get("template", ""), given.get("channel", "sms")
    if not re.fullmatch(rf"{NOTICES}[a-z0-9_]{{1,60}}", template):
        problems.append(("template", f"must be a text under {NOTICES}, like policy/retirement_age"))
    then = _follow_up(given.get("then"), channel, problems)
    audience = None if "audience" not in given else _audience(given["audience"], rules, today, problems)
    asks = _asks(given.get("asks"), problems)
    if problems:
        raise DefinitionError(problems)
    name = given.get("name", template.removeprefix(NOTICES))
    return Definition(name, template, today, channel, audience, then, given.get("pace"), asks)


def _follow_up(
    given: Mapping[str, Any] | None, channel: str, problems: list[tuple[str, str]]
) -> FollowUp | None:
    if given is None:
        return None
    if given["channel"] == channel:
        problems.append(("then.channel", f"must be another channel than {channel}"))
    return FollowUp(given["channel"], given.get("wait_seconds") or 0, given.get("older_than"))


def _asks(given: Mapping[str, Any] | None, problems: list[tuple[str, str]]) -> Asks | None:
    if given is None:
        return None
    choices = tuple((digit, word) for digit, word in given["choices"])
    problems += [
        (
            f"asks.choices.{place}",
            f"{word[:20]!r} is heard as a wish of its own ({wished}); take another word",
        )
        for place, (digit, word) in enumerate(choices)
        if (wished := suppression.wish(word) or suppression.wish(digit + word))
    ]
    try:
        return Asks(given["kind"], choices)
    except ValueError as error:
        problems.append(("asks.choices", str(error)))
        return None


def _audience(
    given: Mapping[str, Any], rules: Rules, today: date, problems: list[tuple[str, str]]
) -> Audience:
    codes = {district.name: code for code, district in rules.districts.items()}
    districts = tuple(codes.get(name, name) for name in given.get("districts", ()))
    problems += [
        ("audience.districts", f"{code[:20]!r} is no district of {rules.name_en}")
        for code in districts
        if code not in rules.districts
    ]
    young, old = given.get("age_from"), given.get("age_to")
    if young is not None and old is not None and young > old:
        problems.append(("audience.age_to", f"must not be below age_from ({young})"))
    return Audience(
        as_of=today,
        districts=tuple(dict.fromkeys(districts)),
        age_from=young,
        age_to=old,
        sex=SEXES.get(given.get("sex") or ""),
        insured_types=tuple(given.get("insured_types", ())),
        pension_states=tuple(given.get("pension_states", ())),
    )


# --- shipped ones ----------------------------------------------------------------------------


def shipped(name: str, folder: Path = SHIPPED) -> dict[str, Any]:
    """The keys of a shipped broadcast; ``UnknownNameError`` says which there are."""
    path = folder / f"{name}.toml"
    known = sorted(found.stem for found in folder.glob("*.toml"))
    if name not in known:
        raise UnknownNameError(f"There is no broadcast called {name[:40]!r}; there are {', '.join(known)}.")
    return from_file(path)


def from_file(path: Path) -> dict[str, Any]:
    """The keys in a file. A wrong file raises ``SettingError`` with file, key and reason."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: cannot be read: {error}") from None
    problems = list(flat(DefinitionSchema().validate(given)))
    if problems:
        key, reason = problems[0]
        raise SettingError(f"{path}: {key}: {reason}")
    return given


# --- what a list can do ------------------------------------------------------------


def check_list(definition: Definition, kind: str) -> None:
    """Raise ``DefinitionError`` where a list of this kind cannot go the definition's ways."""
    problems = []
    if kind == "mobile":
        problems += [
            ("channel", f"a list of mobiles does not go by {channel}")
            for channel in definition.channels
            if kind != channels.load(channel).ADDRESS
        ]
        if definition.called_born_before:
            problems.append(("then.older_than", "nobody's age is known; list ID numbers, or leave it out"))
    if problems:
        raise DefinitionError(problems)


# --- its texts ---------------------------------------------------------------------------------


def check_texts(tx: Connection, definition: Definition) -> None:
    """Raise ``DefinitionError`` where a channel has no text, or the text asks for more than a name."""
    problems = []
    for channel in definition.channels:
        try:
            version = content.to_send(tx, definition.template, channel, content.FALLBACK_LANGUAGE, ())
            version.compiled.values({"name": ""})
        except UnknownNameError:
            problems.append(("template", f"{definition.template} has no text for {channel}"))
        except MissingPersonalisationError:
            problems.append(("template", f"{definition.template} for {channel} may ask for ((name)) alone"))
    if problems:
        raise DefinitionError(problems)


def parts_each(tx: Connection, runtime: Runtime, definition: Definition, language: str) -> int:
    """How many parts one person's first message has, in a language."""
    signature = cities.shipped()[runtime.settings.city].rules_now(runtime.clock()).signature
    version = content.to_send(tx, definition.template, definition.channel, language, ())
    text = version.compiled.render({"name": "*" * LONGEST_NAME})
    return channels.load(definition.channel).parts(text, signature)


# --- as stored -----------------------------------------------------------------------------------


def dump(definition: Definition) -> str:
    """As JSON for its row; it holds no personal data."""
    asks = definition.asks
    values = asdict(replace(definition, asks=None))
    values["asks"] = asks and {"kind": asks.kind, "choices": asks.choices}
    return json.dumps(values, ensure_ascii=False, default=str)


def load(stored: str) -> Definition:
    values = json.loads(stored)
    values["as_of"] = date.fromisoformat(values["as_of"])
    values["audience"] = values["audience"] and audiences.from_json(values["audience"])
    values["then"] = values["then"] and FollowUp(**values["then"])
    if asks := values.get("asks"):
        values["asks"] = Asks(asks["kind"], tuple((digit, word) for digit, word in asks["choices"]))
    return Definition(**values)
