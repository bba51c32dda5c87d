"""What of a broadcast no provider can carry: its texts whoever gets them, and a list line by line.

Found before anybody is counted, so that nothing is taken that could only fail.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from gateway.broadcasts import definition as definitions
from gateway.broadcasts.answers import LANGUAGES
from gateway.broadcasts.audience import nameless
from gateway.broadcasts.definition import Definition, DefinitionError
from gateway.broadcasts.recipients import Recipient
from gateway.content import store as content
from gateway.content.store import TemplateVersion
from gateway.messages import Excess
from gateway.notifications.carriage import carriage
from gateway.notifications.check_codes import PLACEHOLDER, SAMPLE
from gateway.runtime import Runtime
from gateway.security import mask_name


def check(tx: Connection, runtime: Runtime, definition: Definition) -> None:
    """Raise ``DefinitionError`` where a channel's text is too much for all of its providers.

    Its variable is measured with a masked name of usual length; longer ones are a matter of
    their line. That the texts are there was checked (``definition.check_texts``).
    """
    problems: dict[str, None] = {}
    for channel in definition.channels:
        carried = carriage(runtime, channel)
        for version in _texts(tx, definition, channel).values():
            beyond = carried.against(version, {"name": "*" * definitions.LONGEST_NAME, PLACEHOLDER: SAMPLE})
            if beyond:
                problems[f"{definition.template} cannot go by {channel}: {beyond}"] = None
    if problems:
        raise DefinitionError([("template", words) for words in problems])


def by_line(tx: Connection, runtime: Runtime, definition: Definition) -> Callable[[Recipient], Excess | None]:
    """What stands against one line of a list by the first channel; no query and one compiled text for all.

    Raises ``DefinitionError`` where the texts themselves are missing or too much.
    """
    definitions.check_texts(tx, definition)
    check(tx, runtime, definition)
    carried = carriage(runtime, definition.channel)
    texts = _texts(tx, definition, definition.channel)
    fallback = texts[content.FALLBACK_LANGUAGE]

    def against(line: Recipient) -> Excess | None:
        name = mask_name(line.name) if line.name else nameless(line.language)
        return carried.against(
            texts.get(line.language, fallback), {"name": name, PLACEHOLDER: SAMPLE}, line.address or ""
        )

    return against


def _texts(tx: Connection, definition: Definition, channel: str) -> dict[str, TemplateVersion]:
    """By the language asked for."""
    return {
        language: content.to_send(tx, definition.template, channel, language, ()) for language in LANGUAGES
    }
