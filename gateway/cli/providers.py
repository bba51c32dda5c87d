"""Who carries our messages: what each can do, from the code, and how each stands here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from gateway import config, plugins
from gateway.cli.command import Context, main, pass_context
from gateway.content import registration
from gateway.messages import Cap, Limits
from gateway.providers import TemplateRegistrar
from gateway.runtime import Runtime


@main.command("providers")
@click.option("--table", is_flag=True, help="Everything in integrations/, as a Markdown table.")
@click.option("--ask", is_flag=True, help="Also ask the providers how our signature stands with them.")
@pass_context
def show_providers(context: Context, *, table: bool, ask: bool) -> None:
    """The providers configured here, whether their settings are whole, and how texts stand with them."""
    if table:
        known = list(abilities())
        context.show({"providers": [asdict(one) for one in known]}, lambda: click.echo(markdown(known)))
        return
    here = context.runtime(sending=ask)
    rows = [
        _standing(here, channel, name, weight)
        for channel in config.CHANNELS
        for name, weight in here.weights(channel).items()
    ]
    context.show({"providers": rows}, lambda: _print(rows))


# --- what each can do ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ability:
    """What a provider's class says of itself; ``codes`` counts the hand-over and the receipt codes judged."""

    name: str
    channel: str
    batch: int
    reviewed: bool
    limits: str
    asked: bool
    reports: tuple[str, ...]
    collects: bool
    registers: bool
    books: str
    codes: tuple[int, int]


def abilities() -> Iterator[Ability]:
    """Every provider in integrations/, by channel and name; none is built and no setting is read."""
    found = [(name, kind) for name in plugins.names() if (kind := plugins.declared(name))]
    order = list(config.CHANNELS)
    for name, kind in sorted(found, key=lambda one: (order.index(one[1].channel), one[0])):
        yield Ability(
            name=name,
            channel=kind.channel,
            batch=kind.batch,
            reviewed=kind.needs_template,
            limits=limits_in_words(kind.limits),
            asked=hasattr(kind, "find"),
            reports=tuple(sorted(getattr(kind, "reports", ()))),
            collects=hasattr(kind, "collect"),
            registers=hasattr(kind, "register"),
            books="listed" if hasattr(kind, "recorded") else "summed" if hasattr(kind, "counted") else "",
            codes=(len(plugins.table(name, "OUTCOMES")), len(plugins.table(name, "CAUSES"))),
        )


def limits_in_words(limits: Limits) -> str:
    """Only those it names."""
    signed = " with the signature" if limits.signed else ""
    countries = ", ".join(f"+{code}" for code in sorted(limits.countries or ()))
    words = {
        f"text {limits.text:,} characters{signed}": limits.text,
        f'text {limits.json:,} characters as `{{"text":"…"}}`': limits.json,
        f"a variable {limits.variable} characters": limits.variable,
        "no empty variable": not limits.empty,
        "no web addresses": not limits.links,
        "no web addresses in variables": limits.links and not limits.links_in_values,
        f"{countries} only": limits.countries is not None,
        f"attachments {limits.files / 1_000_000:,.3g} MB": limits.files,
        "to one number at most " + ", ".join(map(_cap_in_words, limits.caps)): limits.caps,
    }
    for code, there in limits.into.items():
        words[f"into +{code}: {limits_in_words(there).replace('; ', ', ')}"] = True
    return "; ".join(said for said, holds in words.items() if holds) or "none"


def _cap_in_words(cap: Cap) -> str:
    what = {"": "messages", "code": "codes", "notice": "messages that are no codes"}[cap.of]
    unit = {60: "minute", 3600: "hour", 86_400: "day"}[int(cap.within.total_seconds())]
    return f"{cap.most} {what}{' of one text' if cap.same_text else ''} a {unit}"


HEADINGS = (
    "Provider",
    "Channel",
    "Messages a call",
    "Reviewed texts only",
    "Limits",
    "Can be asked",
    "Pushes to us",
    "Is fetched from",
    "Reviews texts",
    "Tells its books of a day",
    "Codes judged: hand-over, receipt",
)


def markdown(known: list[Ability]) -> str:
    """The table of docs/reference/providers.md."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(_cells, known)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _cells(one: Ability) -> tuple[str, ...]:
    def yes(holds: bool) -> str:
        return "yes" if holds else "–"

    reports = ", ".join(f"`{kind}`" for kind in one.reports) or "–"
    can = (yes(one.asked), reports, yes(one.collects), yes(one.registers), one.books or "–")
    codes = ", ".join(map(str, one.codes))
    return f"`{one.name}`", one.channel, str(one.batch), yes(one.reviewed), one.limits, *can, codes


# --- how each stands here --------------------------------------------------------------------


def _standing(here: Runtime, channel: str, name: str, weight: int) -> dict[str, Any]:
    given = {**here.settings.environment, "CALLBACKS_URL": here.settings.callbacks_url}
    missing = plugins.missing(name, given)
    row: dict[str, Any] = {"name": name, "channel": channel, "weight": weight, "missing": list(missing)}
    kind = plugins.declared(name)
    row["can_reconcile"] = hasattr(kind, "find")
    if not hasattr(kind, "register"):
        return row
    with here.db.read() as tx:
        row["texts"] = asdict(registration.standing(tx, name, channel))
    provider = here.providers.get(name)
    if isinstance(provider, TemplateRegistrar):
        row["signature"] = {"name": provider.sign_name, **asdict(provider.review_signature())}
    return row


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        lacks = ", ".join(row["missing"])
        click.echo(
            f"{row['channel']:<6} {row['name']}={row['weight']}  {f'lacks {lacks}' if lacks else 'whole'}"
        )
        asked = "can be asked" if row["can_reconcile"] else "its report is waited for"
        click.echo(f"       an answer that was lost: {asked}")
        for line in _about_texts(row):
            click.echo(f"       {line}")


def _about_texts(row: Mapping[str, Any]) -> Iterator[str]:
    if "texts" not in row:
        return
    signature = row.get("signature")
    yield (
        f"signature {signature['name']}: {_said(signature)}"
        if signature
        else "signature: --ask asks the provider"
    )
    texts = row["texts"]
    yield f"texts: {texts['approved']} approved, {texts['new']} not handed in yet"
    for one in texts["open"]:
        yield f"{one['template']} {one['language']}: {_said(one)}"


def _said(review: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (review["state"], review["reason"])))
