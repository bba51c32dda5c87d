"""What a broadcast is: its text, its audience, its channels and its pace.

Shipped ones are files, ``templates/broadcasts/<name>.toml``; the API and the command
give the same keys. Only texts under ``policy/`` go to an audience.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection

from gateway import channels, cities
from gateway.broadcasts import audience as audiences
from gateway.broadcasts.audience import Audience
from gateway.broadcasts.form import NOTICES, SEXES, DefinitionSchema, against_digest, against_spans, flat
from gateway.broadcasts.ladder import CALL_BACK, Rung
from gateway.calendars import years_before
from gateway.cities import Rules
from gateway.content import store as content
from gateway.content.rendering import MissingPersonalisationError
from gateway.errors import HuiyinError, SettingError, UnknownNameError
from gateway.notifications import suppression
from gateway.notifications.asks import Asks
from gateway.notifications.check_codes import PLACEHOLDER, SAMPLE
from gateway.runtime import Runtime

SHIPPED = Path(__file__).parents[2] / "templates" / "broadcasts"
LADDERS = SHIPPED.parent / "ladders.toml"
OWN = f"((name)) and (({PLACEHOLDER}))"  # what the text of a broadcast may ask for
LONGEST_NAME = 3  # characters of a masked name; longer ones are few


class DefinitionError(HuiyinError):
    """A broadcast's definition is wrong; ``problems`` are pairs of a key and what is wrong with it."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{key}: {text}" if key else text for key, text in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Definition:
    """A broadcast as it was asked for. Without ``audience`` it goes to a list of recipients.

    ``then`` are the rungs after the first channel, for those not reached; ``within_seconds`` is by when,
    from the start, each was reached or is to be called back. ``pace`` is the most messages taken in a
    minute; None leaves it to the providers. ``asks`` is the question its text messages and calls end with.
    With ``digest`` its messages may wait for the city's digest; ``title`` is what it is called there.
    """

    name: str
    template: str
    as_of: date
    channel: str = "sms"
    audience: Audience | None = None
    then: tuple[Rung, ...] = ()
    pace: int | None = None
    asks: Asks | None = None
    within_seconds: int | None = None
    title: str = ""
    title_en: str = ""
    digest: bool = False

    @property
    def rungs(self) -> tuple[Rung, ...]:
        return (Rung(self.channel), *self.then)

    def titled(self, language: str) -> str | None:
        """What it is called in a digest, in that language; None for a question, which needs its own words."""
        if self.asks:
            return None
        return (self.title_en if language.startswith("en") else "") or self.title or None

    @property
    def channels(self) -> tuple[str, ...]:
        """Those of its messages; a call-back is none."""
        return tuple(rung.channel for rung in self.rungs if rung.channel != CALL_BACK)

    def born_before(self, rung: Rung) -> date | None:
        """Who was born before this day is old enough for a rung."""
        return None if rung.older_than is None else years_before(self.as_of, rung.older_than)


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
    problems: list[tuple[str, str]] = []
    given = {key: value for key, value in _usual(loaded, problems).items() if value is not None}
    today = now.astimezone(rules.zone).date()
    template, channel = given.get("template", ""), given.get("channel", "sms")
    if not re.fullmatch(rf"{NOTICES}[a-z0-9_]{{1,60}}", template):
        problems.append(("template", f"must be a text under {NOTICES}, like policy/retirement_age"))
    within = given.get("within_seconds")
    then = _rungs(given.get("then", ()), channel, within, problems)
    audience = None if "audience" not in given else _audience(given["audience"], rules, today, problems)
    asks = _asks(given.get("asks"), problems)
    problems += against_digest(given) if given.get("digest") else ()
    if problems:
        raise DefinitionError(problems)
    name = given.get("name", template.removeprefix(NOTICES))
    plain = {key: given[key] for key in ("title", "title_en", "digest") if key in given}
    return Definition(
        name, template, today, channel, audience, then, given.get("pace"), asks, within, **plain
    )


def _usual(loaded: Mapping[str, Any], problems: list[tuple[str, str]]) -> Mapping[str, Any]:
    """With the rungs usual for its kind of notice, where it names a kind and no rungs of its own."""
    if loaded.get("reach") is None or "then" in loaded:
        return loaded
    try:
        return {**usual_rungs(loaded["reach"]), **loaded}
    except UnknownNameError as error:
        problems.append(("reach", str(error)))
        return loaded


def _rungs(
    given: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    channel: str,
    within: int | None,
    problems: list[tuple[str, str]],
) -> tuple[Rung, ...]:
    rungs = [given] if isinstance(given, Mapping) else given
    before = [channel]
    for place, one in enumerate(rungs):
        key = "then.channel" if len(rungs) == 1 else f"then.{place}.channel"
        if one["channel"] in before:
            problems.append((key, f"must be another channel than {' and '.join(before)}"))
        if CALL_BACK in before:
            problems.append((key, f"cannot follow a {CALL_BACK}, which is the last"))
        before.append(one["channel"])
    if within is not None and CALL_BACK not in before:
        problems.append(("within_seconds", f"needs {CALL_BACK} as the last of then"))
    return tuple(Rung(one["channel"], one.get("wait_seconds") or 0, one.get("older_than")) for one in rungs)


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
    problems += against_spans(given)
    return Audience(
        as_of=today,
        districts=tuple(dict.fromkeys(districts)),
        age_from=given.get("age_from"),
        age_to=given.get("age_to"),
        sex=SEXES.get(given.get("sex") or ""),
        insured_types=tuple(given.get("insured_types", ())),
        pension_states=tuple(given.get("pension_states", ())),
        **audiences.months(given),
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


def usual_rungs(kind: str, path: Path = LADDERS) -> dict[str, Any]:
    """``then`` and ``within_seconds`` of a kind of notice; ``UnknownNameError`` names the kinds."""
    kinds = tomllib.loads(path.read_text(encoding="utf-8"))
    if kind not in kinds:
        raise UnknownNameError(f"There is no kind called {kind[:40]!r}; there are {', '.join(kinds)}.")
    known: dict[str, Any] = kinds[kind]
    return known


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
        if any(rung.older_than for rung in definition.then):
            problems.append(("then.older_than", "nobody's age is known; list ID numbers, or leave it out"))
        if definition.digest:
            problems.append(("digest", "nobody is known by a mobile; list ID numbers, or leave it out"))
    if problems:
        raise DefinitionError(problems)


# --- its texts ---------------------------------------------------------------------------------


def check_texts(tx: Connection, definition: Definition) -> None:
    """Raise ``DefinitionError`` where a channel has no text, or the text asks for more than a name."""
    problems = []
    for channel in definition.channels:
        try:
            version = content.to_send(tx, definition.template, channel, content.FALLBACK_LANGUAGE, ())
            version.compiled.values({"name": "", PLACEHOLDER: SAMPLE})
        except UnknownNameError:
            problems.append(("template", f"{definition.template} has no text for {channel}"))
        except MissingPersonalisationError:
            problems.append(("template", f"{definition.template} for {channel} may ask for {OWN} alone"))
    if problems:
        raise DefinitionError(problems)


def parts_each(tx: Connection, runtime: Runtime, template: str, channel: str, language: str) -> int:
    """How many parts one person's message by a channel has, in a language."""
    signature = cities.of(runtime).rules_now(runtime.clock()).signature
    version = content.to_send(tx, template, channel, language, ())
    text = version.compiled.render({"name": "*" * LONGEST_NAME, PLACEHOLDER: SAMPLE})
    return channels.load(channel).parts(text, signature)


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
    then = values["then"] or ()
    rungs = (then,) if isinstance(then, dict) else then  # one alone, as it was stored once
    values["then"] = tuple(Rung(**rung) for rung in rungs)
    if asks := values.get("asks"):
        values["asks"] = Asks(asks["kind"], tuple((digit, word) for digit, word in asks["choices"]))
    return Definition(**values)
