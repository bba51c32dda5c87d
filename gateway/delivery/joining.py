"""Several notices of one person as one message: which belong together, and what it says.

To the provider it is one message. To us each notice has its own attempt, all under one hand-over and
one address: so each learns the same outcome and the same receipt, and is counted for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, select

from gateway.channels import email, voice
from gateway.content import store as content
from gateway.content.frame import Frame
from gateway.content.gathered import Filled, gathered
from gateway.content.letters import LetterError, compile_letter, filled
from gateway.content.rendering import MissingPersonalisationError
from gateway.content.store import TemplateVersion
from gateway.delivery.choosing import REVIEW_PAUSE, Wait
from gateway.delivery.compose import Joined, Key, Letter, Sources, Told, Unsendable, stop_link
from gateway.delivery.number_caps import SEVERAL
from gateway.delivery.store import VALUE
from gateway.errors import TamperedError, UnknownNameError
from gateway.messages import Message, excess
from gateway.notifications import store
from gateway.notifications.preferences import DIGESTS
from gateway.notifications.reasons import Reason
from gateway.notifications.status import Status
from gateway.notifications.store import notifications
from gateway.rows import one_of
from gateway.runtime import Runtime

TEXT = f"{DIGESTS}/notices"
MOST = 20  # notices in one message


# --- which belong together -----------------------------------------------------------------------


def others(
    tx: Connection,
    columns: Sequence[ColumnElement[Any]],
    going: Sequence[Row[Any]],
    where: Sequence[ColumnElement[bool]],
    now: datetime,
) -> Sequence[Row[Any]]:
    """What else is due of the people of these rows and may join them, held as they are; none is no query."""
    citizens = {row.citizen_id for row in going if row.digest}
    if not citizens:
        return ()
    mine = notifications.c
    theirs = one_of(tx, mine.citizen_id, sorted(citizens, key=store.BY_NUMBER)) & mine.digest.is_(True)
    due = (mine.due_at <= now) & (mine.status == Status.WAITING)
    query = select(*columns).where(theirs, due, *where).order_by(mine.id).limit(len(citizens) * MOST)
    held = {row.id for row in going}
    return [row for row in tx.execute(query.with_for_update(skip_locked=True)) if row.id not in held]


def _groups(channel: str, rows: Sequence[Row[Any]]) -> Iterator[Sequence[Row[Any]]]:
    """Two and more of one citizen; words that are spoken or texted need a title for each."""
    theirs: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        if row.digest and row.citizen_id and (row.title or channel == email.SUFFIX):
            theirs.setdefault(row.citizen_id, []).append(row)
    for some in theirs.values():
        some.sort(key=lambda row: (row.expires_at, row.created_at, row.id.int))
        cut = (some[start : start + MOST] for start in range(0, len(some), MOST))
        yield from (group for group in cut if len(group) > 1)


def of(tx: Connection, runtime: Runtime, channel: str, rows: Sequence[Row[Any]]) -> Together | None:
    """What may go together of these rows of a channel; None, without a query, where nothing may."""
    groups = list(_groups(channel, rows))
    if not groups:
        return None
    try:
        texts = {
            language: content.to_send(tx, TEXT, channel, language, runtime.reviewers)
            for language in content.LANGUAGES
        }
    except UnknownNameError:  # it was archived: an operator wants no digests on this channel
        return None
    return Together(channel, groups, texts)


# --- what it says --------------------------------------------------------------------------------


class _One(NamedTuple):
    """Several rows, as what chooses a provider looks at one."""

    id: UUID
    provider: str | None
    klass: str
    template_id: UUID


@dataclass(frozen=True, slots=True)
class Together:
    """A ``compose.Joint``: the groups among the rows of a claim, and the texts around them by language."""

    channel: str
    groups: Sequence[Sequence[Row[Any]]]
    by_language: Mapping[str, TemplateVersion]

    @property
    def texts(self) -> Sequence[Key]:
        return [one.key for one in self.by_language.values()]

    @property
    def first(self) -> Mapping[UUID, UUID]:
        return {row.id: group[0].id for group in self.groups for row in group}

    def letters(self, runtime: Runtime, places: Mapping[UUID, Sequence[Any]], sources: Sources) -> Told:
        """A letter for each group, less those that something stands against."""
        told: dict[UUID, Letter | Unsendable | None] = {}
        for group in self.groups:
            going = [row for row in group if places[row.id][0] and row.id not in sources.against]
            if going:
                told |= self._told(runtime, going, places[going[0].id], sources)
        return told

    def _told(
        self, runtime: Runtime, rows: Sequence[Row[Any]], place: Sequence[Any], sources: Sources
    ) -> Told:
        """The letter under the first of these rows; what nobody can carry together goes singly."""
        address, index = place
        version = self._around(sources.versions[rows[0].template_id, rows[0].template_version].language)
        message: Message | None = None
        with suppress(MissingPersonalisationError, LetterError):  # somebody's words that ask for more
            if self.channel == email.SUFFIX:
                rows, message = _letters(runtime, rows, address, version, sources)
            else:
                message = _words(rows, address, version, sources, calls=self.channel == voice.SUFFIX)
        if len(rows) < 2:
            return {}  # alone, or next to others that cannot be read: each is dealt with by itself
        carriers = sources.carriers[version.key]
        able = [one for one in carriers if message and excess(one.limits, message) is None]
        if not (message and able):
            return dict.fromkeys((row.id for row in rows), _singly(runtime, rows, sources))
        one = _One(
            rows[0].id, next((row.provider for row in rows if row.provider), None), rows[0].klass, SEVERAL
        )
        chosen = sources.choosing.among(able, one, address, index)
        if isinstance(chosen, Wait):
            until = {row.id: min(chosen.until, row.expires_at) for row in rows}
            return {key: Unsendable(Status.WAITING, chosen.reason, at) for key, at in until.items()}
        tried = frozenset[str]().union(*(sources.tried.get(row.id, ()) for row in rows))
        more = any(other.name not in tried for other in able if other is not chosen)
        titles = message.params.get("titles", "")
        message = message._replace(template=chosen.code)
        first = Letter(chosen.name, message, index, more, Joined(tuple(rows[1:]), version.key, titles))
        return {rows[0].id: first, **dict.fromkeys((row.id for row in rows[1:]), None)}

    def _around(self, language: str) -> TemplateVersion:
        return self.by_language.get(language, self.by_language[content.FALLBACK_LANGUAGE])


def _singly(runtime: Runtime, rows: Sequence[Row[Any]], sources: Sources) -> Unsendable:
    """They go each by itself, at once; where they cannot either, they stay together and wait."""
    now = runtime.clock()
    if any(sources.carriers[row.template_id, row.template_version] for row in rows):
        return Unsendable(Status.WAITING, Reason.NOT_JOINED, now, digest=False)
    return Unsendable(Status.WAITING, Reason.NO_PROVIDER, now + REVIEW_PAUSE)


def _words(
    rows: Sequence[Row[Any]], address: str, version: TemplateVersion, sources: Sources, *, calls: bool
) -> Message | None:
    """A text message or a call; None where not even one title has room."""
    named = titles([row.title for row in rows], version.language)
    if named is None:
        return None
    text, params = version.compiled.rendered({"count": str(len(rows)), "titles": named})
    quick = calls and rows[0].citizen_id in sources.young
    return Message(
        address=address,
        text=text,
        signature=sources.rules.signature,
        params=params,
        language=version.language,
        plays=1 if quick else 2,
        slow=not quick,
        expires_at=min(row.expires_at for row in rows),
    )


def titles(names: Sequence[str], language: str, room: int = VALUE) -> str | None:
    """As many titles as there is room for, and how many there are: 延迟退休、认证帮办等3条. Pure."""
    chinese = language.startswith("zh")
    joint, whole = ("、", "等{all}条") if chinese else (", ", " and {left} more")
    for shown in range(len(names), 0, -1):
        left = len(names) - shown
        told = joint.join(names[:shown]) + (whole.format(all=len(names), left=left) if left else "")
        if len(told) <= room:
            return told
    return None


def _letters(
    runtime: Runtime,
    rows: Sequence[Row[Any]],
    address: str,
    version: TemplateVersion,
    sources: Sources,
) -> tuple[Sequence[Row[Any]], Message | None]:
    """An e-mail with the letters of these rows one under the other; and of which: some may be bad."""
    inside = [(row, letter) for row in rows if (letter := _letter(runtime, row, sources))]
    if len(inside) < 2:
        return [], None
    good = [row for row, _ in inside]
    rules, stop = sources.rules, stop_link(runtime, good[0], address)
    cover = filled(compile_letter(version.body, version.language), {"count": str(len(good)), "titles": ""})
    frame = Frame(rules.signature, rules.hotline_elsewhere, version.language, stop)
    subject, text, html = gathered(cover, [letter for _, letter in inside], frame)
    files = dict.fromkeys(row.broadcast_id for row in good)
    return good, Message(
        address=address,
        text=text,
        signature=rules.signature,
        language=version.language,
        subject=subject,
        html=html,
        unsubscribe=stop,
        attachments=tuple(one for key in files for one in sources.files.get(key, ())),
        expires_at=min(row.expires_at for row in good),
    )


def _letter(runtime: Runtime, row: Row[Any], sources: Sources) -> Filled | None:
    version = sources.versions[row.template_id, row.template_version]
    try:
        values = store.personalisation(runtime, row.id, row.personalisation)
        return filled(compile_letter(version.body, version.language), values)
    except (TamperedError, MissingPersonalisationError, LetterError):
        return None
