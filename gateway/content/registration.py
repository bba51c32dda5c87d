"""Hand our texts in where a provider reviews them, and fetch what it decided."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.content import store
from gateway.content.store import Registration, TemplateVersion
from gateway.providers import RegistrationRefused, ReviewState, TemplateRegistrar
from gateway.runtime import Runtime

CODE_EVENT = "/code"  # providers have a template kind of their own for one-time codes


def register(runtime: Runtime) -> Iterator[Registration]:
    """Register what is new, review what is pending; yields every registration touched.

    Each answer is committed before the next question is asked, so an
    interrupted run goes on where it stopped.
    """
    for provider in runtime.providers.values():
        if isinstance(provider, TemplateRegistrar):
            yield from _with_provider(runtime, provider)


def _with_provider(runtime: Runtime, provider: TemplateRegistrar) -> Iterator[Registration]:
    with runtime.db.read() as tx:
        known = store.registrations(tx, provider.name)
        versions = [t for t in store.newest_versions(tx) if t.channel == provider.channel]
    for template in versions:
        present = known.get(template.key)
        if present and present.state != ReviewState.PENDING:
            continue
        registration = _reviewed(provider, provider.name, template, present.code if present else "")
        with runtime.db.write() as tx:
            store.record_registration(tx, registration, runtime.clock())
        yield registration


def _reviewed(provider: TemplateRegistrar, name: str, template: TemplateVersion, code: str) -> Registration:
    try:
        if not code:
            kind = "code" if template.name.endswith(CODE_EVENT) else "notice"
            body = template.compiled.provider_body()
            code = provider.register(f"{template.name} {template.language}", body, kind)
        review = provider.review(code)
    except RegistrationRefused as refusal:
        return Registration(template.id, template.version, name, code, ReviewState.REFUSED, str(refusal))
    return Registration(template.id, template.version, name, code, review.state, review.reason)
