"""Count first, then go: how many people a broadcast is for, how many parts, how long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gateway import channels, cities
from gateway.broadcasts import answers, audience, carrying, enclosures, ladder, recipients, store
from gateway.broadcasts import definition as definitions
from gateway.broadcasts.audience import Group
from gateway.broadcasts.definition import Definition, DefinitionError
from gateway.broadcasts.ladder import CALL_BACK, Rung
from gateway.broadcasts.progress import stamp
from gateway.broadcasts.recipients import BATCH, Checked
from gateway.cities import Rules
from gateway.content.documents import Listed
from gateway.delivery import hours
from gateway.messages import Attachment
from gateway.notifications.asks import Asks
from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Share:
    """A rung and what it comes to at most, should nobody be reached before: people, and parts."""

    rung: Rung
    people: int
    parts: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would go out by the first channel. ``parts`` is an estimate from masked names of usual length.

    ``rungs`` are what may follow it.

    ``no_address`` and ``opted_out`` are in ``people`` and will be suppressed.
    ``seconds`` is how long the pace makes it last; None without a pace.
    ``closed`` are channels of the follow-up without a provider: then nobody is followed up.
    ``asks`` is the question it ends with. ``digest_at`` is when they would go if it were started now and
    they may wait for one another.
    """

    people: int
    no_address: int
    opted_out: int
    parts: int
    seconds: int | None
    closed: tuple[str, ...]
    groups: Sequence[Group]
    attachments: tuple[Listed, ...] = ()
    asks: Asks | None = None
    rungs: tuple[Share, ...] = ()
    digest_at: datetime | None = None


def rehearse(
    tx: Connection, runtime: Runtime, definition: Definition, files: Sequence[Attachment] = ()
) -> Rehearsal:
    """Count an audience; raises ``DefinitionError`` where the texts are not there, or no provider."""
    closed = _checked(tx, runtime, definition, files)
    groups = _groups(tx, definition, definition.rungs[0])
    people = sum(group.people for group in groups)
    return Rehearsal(
        people=people,
        no_address=sum(group.no_address for group in groups),
        opted_out=sum(group.opted_out for group in groups),
        parts=_parts(tx, runtime, definition, definition.channel, _written_to(groups)),
        seconds=_seconds(people, definition),
        closed=closed,
        groups=groups,
        attachments=_listed(files),
        asks=definition.asks,
        rungs=tuple(
            _share(tx, runtime, definition, rung, _written_to(_groups(tx, definition, rung), rung))
            for rung in definition.then
        ),
        digest_at=digest_at(runtime, definition),
    )


def digest_at(runtime: Runtime, definition: Definition) -> datetime | None:
    """When a page of it taken now is due; None where it waits for no digest."""
    now = runtime.clock()
    return hours.digest(cities.of(runtime).rules_now(now), now) if definition.digest else None


def _checked(
    tx: Connection, runtime: Runtime, definition: Definition, files: Sequence[Attachment]
) -> tuple[str, ...]:
    """Everything but the people; returns the closed channels."""
    closed = _closed(runtime, definition)
    enclosures.check(runtime, definition, files)
    definitions.check_texts(tx, definition)
    answers.check_texts(tx, definition)
    carrying.check(tx, runtime, definition)
    return closed


def _groups(tx: Connection, definition: Definition, rung: Rung) -> Sequence[Group]:
    """Whom a rung may write to, or call; one query."""
    if definition.audience is None:
        return ()
    young = [age for age in (definition.audience.age_from, rung.older_than) if age is not None]
    wanted = replace(definition.audience, age_from=max(young, default=None))
    kind = "mobile" if rung.channel == CALL_BACK else channels.load(rung.channel).ADDRESS
    return audience.count(tx, wanted, kind)


def _written_to(groups: Sequence[Group], rung: Rung | None = None) -> dict[str, int]:
    """How many of them get it, by language; a person may find out another number."""
    languages: dict[str, int] = {}
    for group in groups:
        nowhere = 0 if rung and rung.channel == CALL_BACK else group.no_address
        sent = group.people - nowhere - group.opted_out
        languages[group.language] = languages.get(group.language, 0) + sent
    return languages


def _share(
    tx: Connection, runtime: Runtime, definition: Definition, rung: Rung, languages: Mapping[str, int]
) -> Share:
    called = rung.channel == CALL_BACK
    parts = 0 if called else _parts(tx, runtime, definition, rung.channel, languages)
    return Share(rung, sum(languages.values()), parts)


def rehearse_list(
    tx: Connection,
    runtime: Runtime,
    definition: Definition,
    checked: Checked,
    files: Sequence[Attachment] = (),
) -> Rehearsal:
    """The same for the good lines of a list."""
    closed = _checked(tx, runtime, definition, files)
    languages = Counter(recipient.language for recipient in checked.good)
    people = len(checked.good)
    return Rehearsal(
        people=people,
        no_address=0,
        opted_out=0,
        parts=_parts(tx, runtime, definition, definition.channel, languages),
        seconds=_seconds(people, definition),
        closed=closed,
        groups=(),
        attachments=_listed(files),
        asks=definition.asks,
        rungs=tuple(_share(tx, runtime, definition, rung, languages) for rung in definition.then),
        digest_at=digest_at(runtime, definition),
    )


def _listed(files: Sequence[Attachment]) -> tuple[Listed, ...]:
    return tuple(Listed(one.name, len(one.body)) for one in files)


def _closed(runtime: Runtime, definition: Definition) -> tuple[str, ...]:
    closed = tuple(channel for channel in definition.channels if not runtime.weights(channel))
    if definition.channel in closed:
        setting = f"{definition.channel.upper()}_PROVIDERS"
        raise DefinitionError(
            [("channel", f"{definition.channel} is closed here; {setting} names no provider")]
        )
    return closed


def _parts(
    tx: Connection, runtime: Runtime, definition: Definition, channel: str, languages: Mapping[str, int]
) -> int:
    return sum(
        people * definitions.parts_each(tx, runtime, definition.template, channel, language)
        for language, people in languages.items()
        if people
    )


def _seconds(people: int, definition: Definition) -> int | None:
    """How long the pace makes the first channel last; it must be through well before the deadline."""
    seconds = round(people * 60 / definition.pace) if definition.pace else None
    within = definition.within_seconds
    if seconds is not None and within is not None and seconds + ladder.BEFORE.total_seconds() > within:
        words = f"is too short: at {definition.pace:,} a minute the first messages alone take {seconds:,} s"
        raise DefinitionError([("within_seconds", words)])
    return seconds


def store_list(
    runtime: Runtime, definition: Definition, checked: Checked, actor: str, files: Sequence[Attachment] = ()
) -> UUID:
    """Keep a list of any length as a draft, some lines in each commit; it may start when all are in."""
    with runtime.db.write() as tx:
        key = store.create(tx, runtime, definition, actor, counted=None, files=files)
    for start in range(0, len(checked.good), BATCH):
        rows = recipients.sealed(runtime, key, checked.good[start : start + BATCH])
        with runtime.db.write() as tx:
            if not store.is_draft(tx, key):  # cancelled meanwhile: its list is not wanted any more
                return key
            recipients.keep(tx, rows)
    with runtime.db.write() as tx:
        store.list_is_read(tx, key, len(checked.good))
    return key


def as_json(rehearsal: Rehearsal, rules: Rules) -> dict[str, Any]:
    """As the API and the command show it: the groups gathered by district."""
    districts: dict[str, dict[str, int]] = {}
    for group in rehearsal.groups:
        bands = districts.setdefault(group.district, {})
        bands[group.band] = bands.get(group.band, 0) + group.people
    return {
        "people": rehearsal.people,
        "no_address": rehearsal.no_address,
        "opted_out": rehearsal.opted_out,
        "estimated_parts": rehearsal.parts,
        "estimated_s": rehearsal.seconds,
        "ladder": [
            {**asdict(one.rung), "people_at_most": one.people, "parts_at_most": one.parts}
            for one in rehearsal.rungs
        ],
        "closed_channels": list(rehearsal.closed),
        "asks": answers.question_as_json(rehearsal.asks),
        "digest_at": stamp(rehearsal.digest_at),
        "attachments": [asdict(one) for one in rehearsal.attachments],
        "by_district": [
            {"district": code, "name": _name(code, rules), "people": sum(bands.values()), "by_age": bands}
            for code, bands in sorted(districts.items())
        ],
    }


def _name(code: str, rules: Rules) -> str:
    known = rules.districts.get(code)
    return known.name if known else code
