"""Hand our texts in where a provider reviews them, and fetch what it decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from gateway.content import registered, store
from gateway.content.registered import Registration
from gateway.content.store import TemplateVersion
from gateway.errors import UnknownNameError
from gateway.providers import RegistrationRefused, RegistrationUnanswered, ReviewState, TemplateRegistrar
from gateway.runtime import Runtime

log = structlog.get_logger()
CODE_EVENT = "/code"  # providers have a template kind of their own for one-time codes


def register(runtime: Runtime) -> Iterator[Registration]:
    """Register what is new, review what is pending; yields every registration touched.

    Each answer is committed before the next question is asked, so an
    interrupted run goes on where it stopped.
    """
    for provider in runtime.providers.values():
        if isinstance(provider, TemplateRegistrar):
            yield from _with_provider(runtime, provider)


def pull(runtime: Runtime) -> int:
    """Fetch what was decided on texts still pending, and hand none in; returns how many were decided.

    Asking is harmless, so nobody has to be the only one who asks. A provider that cannot be asked
    is asked the next time.
    """
    decided = 0
    for provider in runtime.providers.values():
        if isinstance(provider, TemplateRegistrar):
            with runtime.db.read() as tx:
                known = registered.registrations(tx, provider.name)
                pending = [one for one in known.values() if one.state == ReviewState.PENDING]
                ours = store.versions(tx, [one.key for one in pending])
            answers = (_reviewed(provider, one, ours[one.key]) for one in pending)
            decided += sum(bool(_kept(runtime, one)) for one in answers if one.state != ReviewState.PENDING)
    return decided


@dataclass(frozen=True, slots=True)
class Open:
    """A text that does not go out yet, or never will: the provider's judgement."""

    template: str
    language: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How the newest texts of a channel stand with a provider; ``new`` ones were not handed in yet."""

    approved: int
    new: int
    open: tuple[Open, ...]


def standing(tx: Connection, provider: str, channel: str) -> Standing:
    """What is known of it here; nobody is asked."""
    known = registered.registrations(tx, provider)
    newest = [text for text in store.newest_versions(tx) if text.channel == channel]
    given = [(text, known[text.key]) for text in newest if text.key in known]
    waiting = [
        Open(text.name, text.language, one.state, one.reason)
        for text, one in given
        if one.state != ReviewState.APPROVED
    ]
    waiting.sort(key=lambda one: (one.template, one.language))
    return Standing(len(given) - len(waiting), len(newest) - len(given), tuple(waiting))


def hand_in(runtime: Runtime, template: TemplateVersion) -> Iterator[Registration]:
    """Hand one version in, a draft too, or ask again how it stands: a mismatch may have been mended there."""
    for provider in _registrars(runtime, template.channel):
        with runtime.db.read() as tx:
            known = registered.registrations(tx, provider.name, [template.key]).get(template.key)
        if known is None or not known.code:
            known = _kept(runtime, _handed_in(provider, template))
        yield _kept(runtime, _reviewed(provider, known, template)) if known.code else known


def link(runtime: Runtime, template: TemplateVersion, name: str, code: str) -> Registration:
    """Say that a provider has this version under a code already, and ask it how that stands.

    Raises ``UnknownNameError`` where no such provider reviews texts of the channel.
    """
    registrars = {one.name: one for one in _registrars(runtime, template.channel)}
    if name not in registrars:
        known = ", ".join(registrars) or "none"
        raise UnknownNameError(f"{name[:40]} reviews no {template.channel} texts here; known: {known}.")
    said = Registration(template.id, template.version, name, code[:80], ReviewState.PENDING, "")
    return _kept(runtime, _reviewed(registrars[name], said, template))


def _registrars(runtime: Runtime, channel: str) -> list[TemplateRegistrar]:
    every = runtime.providers.values()
    return [one for one in every if isinstance(one, TemplateRegistrar) and one.channel == channel]


def _with_provider(runtime: Runtime, provider: TemplateRegistrar) -> Iterator[Registration]:
    with runtime.db.read() as tx:
        known = registered.registrations(tx, provider.name)
        versions = [t for t in store.newest_versions(tx) if t.channel == provider.channel]
    for template in versions:
        present = known.get(template.key)
        try:
            if present is None:
                present = _kept(runtime, _handed_in(provider, template))
            if present.state == ReviewState.PENDING:
                yield _kept(runtime, _reviewed(provider, present, template))
            elif template.key not in known:
                yield present
        except RegistrationUnanswered as error:
            log.warning("registration_unanswered", provider=provider.name, code=str(error))


def _kept(runtime: Runtime, registration: Registration) -> Registration:
    with runtime.db.write() as tx:
        registered.record_registration(tx, registration, runtime.clock())
    return registration


def _handed_in(provider: TemplateRegistrar, template: TemplateVersion) -> Registration:
    """The registration just made; its code is kept before anything else is asked."""
    place = (template.id, template.version, provider.name)
    kind = "code" if template.name.endswith(CODE_EVENT) else "notice"
    try:
        body = template.compiled.provider_body()
        code = provider.register(f"{template.name} {template.language}", body, kind)
    except RegistrationRefused as refusal:
        return Registration(*place, "", ReviewState.REFUSED, str(refusal))
    return Registration(*place, code, ReviewState.PENDING, "")


def _reviewed(
    provider: TemplateRegistrar, registration: Registration, template: TemplateVersion
) -> Registration:
    review = provider.review(registration.code, template.compiled.provider_body())
    reason = review.reason
    if review.state == ReviewState.MISMATCH:
        ours = ", ".join(template.compiled.variables.values())
        reason = f"its variables there: {reason or 'none'}; ours: {ours or 'none'}"
    return replace(registration, state=review.state, reason=reason)
