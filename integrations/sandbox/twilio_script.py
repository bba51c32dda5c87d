"""What a call made by Twilio says: the document that is handed over with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from integrations.sandbox import twiml
from integrations.sandbox.twilio_params import Params, Refusal, is_absolute, one
from integrations.sandbox.webhooks import Answer

LONGEST_TWIML = 4000
SLOWED = r"""rate=["'](?:(?:x-)?slow|[2-9]\d%)["']"""  # prosody below the usual 100 %


@dataclass(frozen=True, slots=True)
class Script:
    """What a call says, how often, the keys it asks for, and whether it speaks below the usual pace."""

    text: str
    plays: int
    gather: twiml.Gather | None
    slow: bool


def script_of(params: Params) -> Script:
    """Read Twiml as strictly as the vendor. Raises ``Refusal``."""
    document = one(params, "Twiml")
    if not document:
        raise Refusal("21205", "Url or Twiml is required; the sandbox's telephones take Twiml only.")
    if len(document) > LONGEST_TWIML:
        raise Refusal("32018", f"Twiml size exceeded the maximum of {LONGEST_TWIML} characters.")
    try:
        says, gather = _read(twiml.parse(document.encode()))
    except twiml.TwimlError as error:
        raise Refusal("12100", str(error)) from None
    if gather and not is_absolute(gather.action):
        raise Refusal("15004", "A Gather's action has to be an absolute URL in a document of its own.")
    text, plays = (says[0], len(says)) if len(set(says)) == 1 else (" ".join(says), 1)
    return Script(text, plays, gather, slow=bool(re.search(SLOWED, document, re.ASCII)))


def _read(verbs: Sequence[Element]) -> tuple[list[str], twiml.Gather | None]:
    """What is said up to the end or to the first keys asked for: the sandbox's people go no further."""
    says: list[str] = []
    for verb in verbs:
        if verb.tag == "Gather":
            gather = twiml.gather(verb)
            return says + [text for prompt in gather.prompts for text in twiml.uttered(prompt)], gather
        if verb.tag == "Hangup":
            break
        if verb.tag not in twiml.PROMPTS:
            raise twiml.TwimlError(12200, f"the sandbox's telephones do not know <{verb.tag}>")
        says += twiml.uttered(verb)
    return says, None


def heard_in(answer: Answer) -> list[str]:
    """What the document a customer answered with says. Raises ``TwimlError``."""
    if not 200 <= answer.status < 300:
        raise twiml.TwimlError(11200, f"answered with HTTP {answer.status}")
    if answer.content_type not in twiml.READABLE:
        raise twiml.TwimlError(12300, f"answered {answer.content_type}, which is not TwiML")
    return _read(twiml.parse(answer.body))[0]
