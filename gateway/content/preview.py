"""What a text would be: its words, how it is counted, what it costs, and who would carry it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway import cities, plugins
from gateway.channels import sms, voice
from gateway.channels.sms import HOME
from gateway.cities import Rules
from gateway.content import price, registered
from gateway.content.frame import Frame
from gateway.content.letters import compile_letter, letter
from gateway.content.price import Price
from gateway.content.registered import Registration
from gateway.content.rendering import Values
from gateway.content.store import TemplateVersion
from gateway.messages import OF_VALUES, Limits, Message, excess
from gateway.providers import ReviewState
from gateway.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Counted:
    """How a text message fills its parts. ``alphabet`` is gsm (septets) or unicode (UTF-16 code units).

    ``units`` count the signature too; ``room`` is what a part holds, ``left`` what the last still takes.
    """

    alphabet: str
    units: int
    parts: int
    room: int
    left: int


@dataclass(frozen=True, slots=True)
class Carrier:
    """Whether a provider would carry it, and why not, for both readers; ``code`` is its template's there."""

    provider: str
    carries: bool
    zh: str
    en: str
    code: str
    price: Price


@dataclass(frozen=True, slots=True)
class Preview:
    """``counted`` is a text message's, ``seconds`` a call's (said once), ``html`` an e-mail's."""

    subject: str | None
    body: str
    signature: str
    counted: Counted | None
    seconds: float | None
    html: str
    carriers: tuple[Carrier, ...]


def preview(
    tx: Connection, runtime: Runtime, version: TemplateVersion, values: Values, address: str = ""
) -> Preview:
    """With these values; without an address as for the mainland, where most messages go.

    Raises ``MissingPersonalisationError``.
    """
    rules = cities.of(runtime).rules_now(runtime.clock())
    subject, body = version.words(values)
    params = version.compiled.provider_params(values)
    message = Message(address or HOME, body, rules.signature, params=params)
    return Preview(
        subject=subject,
        body=body,
        signature=rules.signature,
        counted=count(body, rules.signature) if version.channel == sms.SUFFIX else None,
        seconds=voice.seconds(body) if version.channel == voice.SUFFIX else None,
        html=page(version, values, rules) if version.channel == "email" else "",
        carriers=tuple(_carriers(tx, runtime, version, message)),
    )


def count(body: str, signature: str) -> Counted:
    """How a text message is counted under a signature (without its 【】)."""
    units, parts = sms.length(body, signature), sms.parts(body, signature)
    rooms = sms.rooms(body, signature)
    room = rooms[parts > 1]
    alphabet = "gsm" if rooms == sms.GSM_ROOMS else "unicode"
    return Counted(alphabet, units, parts, room, max(room * parts - units, 0))


def page(version: TemplateVersion, values: Values, rules: Rules) -> str:
    """An e-mail's HTML as its reader gets it."""
    frame = Frame(rules.signature, rules.hotline_elsewhere, version.language)
    return letter(compile_letter(version.body, version.language), values, frame)[2]


def _carriers(
    tx: Connection, runtime: Runtime, version: TemplateVersion, message: Message
) -> Iterator[Carrier]:
    """Every provider of its channel, the heaviest first."""
    weights = runtime.weights(version.channel)
    for name in sorted(weights, key=lambda one: -weights[one]):
        kind = runtime.providers.get(name) or plugins.declared(name)
        review = registered.registrations(tx, name, [version.key]).get(version.key)
        zh, en = _against(version, kind.limits, message) or _reviewed(kind.needs_template, review)
        cost = price.estimate(
            runtime.settings, version.channel, message.address, message.text, message.signature, name
        )
        yield Carrier(name, not en, zh, en, review.code if review else "", cost)


def _against(version: TemplateVersion, limits: Limits, message: Message) -> tuple[str, str] | None:
    if message.address == HOME:
        limits = replace(limits, countries=None)
    if version.channel == "email":
        return None
    found = excess(limits, message)
    if found and found.limit in OF_VALUES:
        found = replace(found, field=version.compiled.written(found.field))
    return (found.zh, str(found)) if found else None


STANDING: Mapping[str, tuple[str, str]] = {
    "new": ("尚未报备，请先执行 templates register", "not handed in for review yet; run templates register"),
    ReviewState.PENDING: ("审核中，请稍候", "being reviewed; wait for the decision"),
    ReviewState.MISMATCH: (
        "变量与报备的不一致：{}",
        "registered with other variables: {}; mend it",
    ),
    ReviewState.REFUSED: ("审核未通过：{}，请改写后再报备", "refused: {}; reword it and hand it in again"),
}


def _reviewed(needed: bool, review: Registration | None) -> tuple[str, str]:
    """Why a provider of reviewed texts does not carry it yet; empty where it does."""
    if not needed or (review and review.state == ReviewState.APPROVED):
        return "", ""
    zh, en = STANDING[review.state if review else "new"]
    reason = review.reason if review else ""
    return zh.format(reason), en.format(reason)
