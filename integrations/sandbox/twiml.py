"""TwiML: Twilio's XML of what to do with a call, read as Twilio reads it.

Rules: the vendor's pages of each verb; numbers are those of its error dictionary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

LARGEST = 64 * 1024  # bytes of a document
SORRY = "We're sorry, an application error has occurred. Goodbye."  # what a broken document sounds like
READABLE = ("text/xml", "application/xml", "text/html")  # content types that may be TwiML
PROMPTS = ("Say", "Play", "Pause")
LONGEST_SAY = 4096  # characters
# The vendor's own voices take no SSML; Amazon's take these tags, a rate in words or of 20 to 200 %, and
# speak one language each.
PLAIN_VOICES = frozenset({"man", "woman", "alice"})
SSML = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"})
RATES = r"x-slow|slow|medium|fast|x-fast|(?:[2-9]\d|1\d\d|200)%"
TONGUES = {"Polly.Zhiyu": "cmn-CN", "Polly.Joanna": "en-US"}


class TwimlError(Exception):
    """Why Twilio would give up the call: its error's number and what is wrong, for people."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")


@dataclass(frozen=True, slots=True)
class Gather:
    """What is waited for.

    ``digits`` None is any number of them; ``finish_on`` "" is no key; ``timeout`` in seconds, for
    the first key and between keys. ``on_empty`` calls ``action`` even when nothing was pressed.
    """

    prompts: tuple[Element, ...]
    action: str
    method: str
    digits: int | None
    finish_on: str
    timeout: int
    on_empty: bool

    def collect(self, keys: str) -> tuple[str, bool, bool]:
        """The digits in these keys, whether that is all, and whether the finishing key said so.

        What is pressed after the end is lost, as it is there.
        """
        kept = ""
        for key in keys:
            if key == self.finish_on:
                return kept, True, True
            kept += key
            if len(kept) == self.digits:
                return kept, True, False
        return kept, False, False


def parse(body: bytes) -> list[Element]:
    """The verbs of a document. Raises ``TwimlError``."""
    if len(body) > LARGEST:
        raise TwimlError(11750, f"the answer is larger than {LARGEST // 1024} kB")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise TwimlError(12100, "TwiML has no DOCTYPE")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without a DOCTYPE no entity expands
    except ET.ParseError as error:
        raise TwimlError(12100, f"not XML: {error}") from None
    if root.tag != "Response":
        raise TwimlError(12100, f"the root is <{root.tag}>, not <Response>")
    return list(root)


def words(element: Element) -> str:
    """The text in an element, blanks at its ends dropped."""
    return "".join(element.itertext()).strip()


def uttered(prompt: Element) -> list[str]:
    """What is heard of a Say, Play or Pause; endless repetition is heard once."""
    times = max(1, _count(prompt, "loop", 1, least=0))
    if prompt.tag == "Say":
        _check_voice(prompt)
        text = words(prompt)
        if not 0 < len(text) <= LONGEST_SAY:
            raise TwimlError(13520, f"<Say> has 1 to {LONGEST_SAY} characters")
        return [text] * times
    if prompt.tag == "Play":
        return [f"♪ {words(prompt) or prompt.get('digits', '')}"] * times
    _count(prompt, "length", 1)
    return []


def _check_voice(say: Element) -> None:
    voice, language = say.get("voice", ""), say.get("language")
    if language and TONGUES.get(voice, language) != language:
        raise TwimlError(12200, f"the voice {voice} does not speak {language}")
    for tag in list(say.iter())[1:]:
        if tag.tag not in SSML or voice in PLAIN_VOICES:
            raise TwimlError(12200, f"<{tag.tag}> must not stand in this <Say>")
        rate = tag.get("rate", "medium")
        if not re.fullmatch(RATES, rate, re.ASCII):
            raise TwimlError(12200, f"rate {rate!r} is no pace of speech")


def gather(element: Element) -> Gather:
    """Read a Gather. Raises ``TwimlError``."""
    for prompt in element:
        if prompt.tag not in PROMPTS:
            raise TwimlError(13320, f"<{prompt.tag}> must not stand in <Gather>")
    if "dtmf" not in element.get("input", "dtmf").split():
        raise TwimlError(13334, "this exchange hears keys only: input needs dtmf")
    finish_on = element.get("finishOnKey", "#")
    if not re.fullmatch(r"[0-9#*]?", finish_on, re.ASCII):
        raise TwimlError(13310, f"finishOnKey {finish_on!r} is no key")
    return Gather(
        prompts=tuple(element),
        action=element.get("action", ""),
        method=method(element),
        digits=_count(element, "numDigits", 1) if "numDigits" in element.attrib else None,
        finish_on=finish_on,
        timeout=_count(element, "timeout", 5),
        on_empty=_truth(element, "actionOnEmptyResult"),
    )


def method(element: Element) -> str:
    """GET or POST."""
    name = element.get("method", "POST").upper()
    if name not in ("GET", "POST"):
        raise TwimlError(13312, f"method {name!r} is neither GET nor POST")
    return name


def _count(element: Element, name: str, default: int, least: int = 1) -> int:
    text = element.get(name, str(default))
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or int(text) < least:
        code = {"numDigits": 13314, "timeout": 13313}.get(name, 12200)
        raise TwimlError(code, f"{name} {text!r} of <{element.tag}> is not a number of at least {least}")
    return int(text)


def _truth(element: Element, name: str) -> bool:
    text = element.get(name, "false")
    if text not in ("true", "false"):
        raise TwimlError(13338, f"{name} {text!r} is neither true nor false")
    return text == "true"
