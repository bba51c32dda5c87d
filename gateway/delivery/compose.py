"""From a due row to a message its provider can carry: address, words, template code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Connection, Row, select

from gateway import channels, cities
from gateway.calendars import years_before
from gateway.channels import email, voice
from gateway.cities import Rules
from gateway.citizens import easing
from gateway.content import documents, registered
from gateway.content import store as content
from gateway.content.frame import Frame
from gateway.content.letters import LetterError, compile_letter, letter
from gateway.content.rendering import MissingPersonalisationError, Values
from gateway.content.store import TemplateVersion
from gateway.delivery import measures, wishes
from gateway.delivery.addressing import SEALED, Cells, addresses_of
from gateway.delivery.choosing import REVIEW_PAUSE, Carrier, Choosing, Wait
from gateway.delivery.store import attempts
from gateway.delivery.wishes import Against
from gateway.errors import TamperedError
from gateway.messages import Attachment, Message, excess
from gateway.notifications import unsubscribe
from gateway.notifications.reasons import Reason
from gateway.notifications.request import Class
from gateway.notifications.status import Status
from gateway.notifications.stored import own_unsubscribe
from gateway.providers import ReviewState
from gateway.runtime import Runtime
from gateway.services import senders
from gateway.traffic.turn import Turn

ELDER = 60  # years (Law on the Protection of the Rights of the Elderly, article 2): told slowly, and twice

Key = tuple[UUID, int]


class Joined(NamedTuple):
    """What a message tells besides the row that stands first: other rows, and under which titles.

    ``text`` is the version of the text around them.
    """

    others: tuple[Row[Any], ...]
    text: Key
    titles: str


class Letter(NamedTuple):
    """A message, its address's blind index, the provider to carry it, and whether another untried could."""

    provider: str
    message: Message
    address_index: bytes
    others: bool
    joined: Joined | None = None

    def told_with(self, row: Row[Any]) -> tuple[Row[Any], ...]:
        """All that this letter tells, where ``row`` is the first."""
        return (row, *self.joined.others) if self.joined else (row,)


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Why this row cannot go out: for good, or until ``due_at``; ``digest`` as in ``Against``."""

    status: Status
    reason: str
    due_at: datetime | None = None
    digest: bool | None = None


NOWHERE = Unsendable(Status.SUPPRESSED, Reason.NO_ADDRESS)


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything the rows of one claim need beside their own address, read set-wise."""

    against: Mapping[UUID, Against]  # what stands against some of them
    senders: Mapping[UUID, str]  # under whose names services want them to go out, by the sender's id
    young: frozenset[UUID]  # citizens known to be no elders
    asking: frozenset[UUID]  # calls that wait for a key
    versions: Mapping[Key, TemplateVersion]
    carriers: Mapping[Key, Sequence[Carrier]]
    tried: Mapping[UUID, frozenset[str]]
    files: Mapping[UUID, tuple[Attachment, ...]]  # by broadcast
    rules: Rules
    choosing: Choosing
    cells: Cells


Told = Mapping[UUID, Letter | Unsendable | None]  # by row; None: the letter of another row tells it


class Joint(Protocol):
    """What may go together among the rows of a claim (``joining``).

    ``texts`` are the versions of the texts around them; ``first`` names for each the first of its group.
    """

    @property
    def texts(self) -> Sequence[Key]: ...

    @property
    def first(self) -> Mapping[UUID, UUID]: ...

    def letters(self, runtime: Runtime, places: Mapping[UUID, Sequence[Any]], sources: Sources) -> Told:
        """Letters that tell several; ``places`` are the rows' addresses, if any, with their blind indexes."""


def compose(
    tx: Connection,
    runtime: Runtime,
    channel: str,
    rows: Sequence[Row[Any]],
    still: Collection[str],
    turn: Turn,
    joint: Joint | None = None,
    cells: Cells = SEALED,
) -> tuple[list[Letter | Unsendable | None], Counter[measures.Key]]:
    """A letter for each row of a channel, or why there is none; a handful of queries for all of them.

    ``still`` are the providers an operator holds still, ``turn`` is what each may be given. None for a
    row that the letter of another row tells (``joint``). Beside them: how many were held back, to be
    counted. Nothing is written.
    """
    keys = list({*((row.template_id, row.template_version) for row in rows), *(joint.texts if joint else ())})
    kind, calls = channels.load(channel).ADDRESS, channel == voice.SUFFIX
    addresses = addresses_of(tx, runtime, kind, rows, cells)
    indexes = [runtime.vault.index(kind, address) if address else b"" for address in addresses]
    asked = [(index, row.klass) for index, row in zip(indexes, rows, strict=True)]
    rules = cities.of(runtime).rules_now(runtime.clock())
    sources = Sources(
        against=wishes.against(tx, runtime, rules, channel, rows, indexes, joint.first if joint else {}),
        senders=senders.values(tx, runtime.vault, {row.sender_id for row in rows if row.sender_id}),
        young=_young(tx, runtime.clock().astimezone(rules.zone).date(), rows) if calls else frozenset(),
        asking=frozenset(cells.asking(tx, rows) if calls else ()),
        versions=content.versions(tx, keys),
        carriers=_carriers(tx, runtime, channel, keys, still, turn),
        tried=_tried(tx, [row.id for row in rows if row.tries]),
        files=documents.of(tx, {row.broadcast_id for row in rows if _may_have_files(channel, row)}),
        rules=rules,
        choosing=Choosing(tx, runtime, channel, turn, asked),
        cells=cells,
    )
    places = zip(rows, addresses, indexes, strict=True)
    told = joint.letters(runtime, {row.id: place for row, *place in places}, sources) if joint else {}
    letters = [
        told[row.id]
        if row.id in told
        else (_letter(runtime, channel, row, address, index, sources) if address else NOWHERE)
        for row, address, index in zip(rows, addresses, indexes, strict=True)
    ]
    return letters, sources.choosing.held_back


def _young(tx: Connection, today: date, rows: Sequence[Row[Any]]) -> frozenset[UUID]:
    """The people to be called who are known to be younger than an elder, by the city's date."""
    called = [row.citizen_id for row in rows if row.citizen_id]
    return frozenset(easing.born_after(tx, years_before(today, ELDER), called))


def _tried(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The providers that had each of these notifications before."""
    found: dict[UUID, frozenset[str]] = {}
    if ids:
        query = select(attempts.c.notification_id, attempts.c.provider)
        for row in tx.execute(query.where(attempts.c.notification_id.in_(ids))):
            found[row.notification_id] = found.get(row.notification_id, frozenset()) | {row.provider}
    return found


def _letter(
    runtime: Runtime, channel: str, row: Row[Any], address: str, index: bytes, sources: Sources
) -> Letter | Unsendable:
    if sources.against and (against := sources.against.get(row.id)):
        status = Status.WAITING if against.until else Status.SUPPRESSED
        return Unsendable(status, against.reason, against.until, against.digest)
    carriers = sources.carriers[row.template_id, row.template_version]
    if not carriers:
        return Unsendable(Status.WAITING, Reason.NO_PROVIDER, runtime.clock() + REVIEW_PAUSE)
    try:
        message = _message(runtime, channel, row, address, sources, carriers[0].code)
    except TamperedError:
        return Unsendable(Status.FAILED, Reason.CANNOT_OPEN)
    except (MissingPersonalisationError, LetterError):
        return Unsendable(Status.FAILED, Reason.CANNOT_RENDER)
    able = [one for one in carriers if excess(one.limits, message) is None]
    if not able:
        found = next(filter(None, (excess(one.limits, message) for one in carriers)))
        return Unsendable(Status.FAILED, f"{Reason.CANNOT_CARRY}:{found.limit}:{found.field}"[:80])
    chosen = sources.choosing.among(able, row, address, index)
    if isinstance(chosen, Wait):
        return Unsendable(Status.WAITING, chosen.reason, min(chosen.until, row.expires_at))
    if chosen.code != message.template:
        message = message._replace(template=chosen.code)
    others = len(able) > 1 and any(
        one.name not in sources.tried.get(row.id, ()) for one in able if one is not chosen
    )
    return Letter(chosen.name, message, index, others)


def _message(
    runtime: Runtime, channel: str, row: Row[Any], address: str, sources: Sources, code: str | None
) -> Message:
    """The message, under the code its likeliest provider knows its template by."""
    version = sources.versions[row.template_id, row.template_version]
    values = sources.cells.values(runtime, row)
    if channel == email.SUFFIX:
        return _letter_to(runtime, row, address, sources, version, values)
    text, params = version.compiled.rendered(values)
    quick = bool(sources.young) and row.citizen_id in sources.young
    return Message(
        address=address,
        text=text,
        signature=senders.signature(sources.senders.get(row.sender_id), sources.rules.signature),
        template=code,
        params=params,
        language=version.language,
        plays=row.plays or (1 if quick else 2),
        slow=not quick,
        asks=bool(sources.asking) and row.id in sources.asking,
        expires_at=row.expires_at,
    )


def _letter_to(
    runtime: Runtime,
    row: Row[Any],
    address: str,
    sources: Sources,
    version: TemplateVersion,
    values: Values,
) -> Message:
    rules, stop = sources.rules, stop_link(runtime, row, address)
    frame = Frame(rules.signature, rules.hotline_elsewhere, version.language, stop)
    subject, text, html = letter(compile_letter(version.body, version.language), values, frame)
    return Message(
        address=address,
        text=text,
        signature=rules.signature,
        language=version.language,
        subject=subject,
        html=html,
        reply_to=sources.senders.get(row.sender_id, ""),
        unsubscribe=stop,
        attachments=sources.files.get(row.broadcast_id, ()),
        expires_at=row.expires_at,
    )


def stop_link(runtime: Runtime, row: Row[Any], address: str) -> str:
    """Where notices by e-mail can be stopped; "" for what nobody can stop."""
    if row.unsubscribe:
        return own_unsubscribe(runtime, row)
    if row.klass != Class.NOTICE:
        return ""
    index = runtime.vault.index(email.ADDRESS, address)
    return unsubscribe.link(runtime.vault, runtime.settings.public_url, index)


def _may_have_files(channel: str, row: Row[Any]) -> bool:
    return channel == email.SUFFIX and row.broadcast_id is not None


def _carriers(
    tx: Connection,
    runtime: Runtime,
    channel: str,
    keys: Sequence[Key],
    still: Collection[str],
    turn: Turn,
) -> dict[Key, list[Carrier]]:
    """The providers of a channel that may send each of these template versions now, the heaviest first."""
    given = turn.weights(runtime.weights(channel))
    weights = {name: n for name, n in given.items() if n and name not in still}
    reviewed = [name for name in weights if runtime.providers[name].needs_template]
    known = {name: registered.registrations(tx, name, keys) for name in reviewed}
    found: dict[Key, list[Carrier]] = {key: [] for key in keys}
    for name, weight in sorted(weights.items(), key=itemgetter(1), reverse=True):
        limits = runtime.providers[name].limits
        for key in keys:
            if name not in known:
                found[key].append(Carrier(name, weight, limits, None))
            elif (review := known[name].get(key)) and review.state == ReviewState.APPROVED:
                found[key].append(Carrier(name, weight, limits, review.code))
    return found
