"""Actions as TwiML, for a Twilio number or a switch that speaks its language.

What Twilio does differently (vendor's pages of Gather and Say): one ``timeout``
stands for the first key and for those between; a Gather without
``actionOnEmptyResult`` falls through to the next verb; a finishing key takes #
away from the menus, so there it is none; a slower pace is a ``prosody`` in the Say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from twilio.twiml.voice_response import Gather, VoiceResponse

from gateway.phone import aloud, prompts
from gateway.phone.signals import NORMAL, Action, Collect, HangUp, Say, Transfer

SPOKEN = {"voice": "Polly.Zhiyu", "language": "cmn-CN"}  # takes SSML, which Twilio's own voices do not


def render(actions: Sequence[Action], action_url: str, agent: str) -> str:
    """The document. ``agent`` is the number people are reached at; without one it is said where they are."""
    response = VoiceResponse()
    for action in actions:
        match action:
            case Say():
                _say(response, action)
            case Collect():
                _gather(response, action, action_url)
            case Transfer() if agent:
                response.dial(agent)
            case Transfer():
                words = prompts.words("no_agent")
                _say(response, Say(aloud.spoken(words).zh, words.en))
                response.hangup()
            case HangUp():
                response.hangup()
    return str(response)


def sorry(agent: str) -> str:
    """What is heard when something of ours went wrong: an apology, then a person."""
    said = (aloud.spoken(prompts.words(name)) for name in ("sorry", "person"))
    return render((*(Say(words.zh, words.en) for words in said), Transfer("error")), "", agent)


def _gather(response: VoiceResponse, collect: Collect, action_url: str) -> None:
    gather = response.gather(
        input="dtmf",
        num_digits=collect.max,
        finish_on_key=collect.terminator,
        timeout=math.ceil(collect.first),
        action=action_url,
        method="POST",
        action_on_empty_result=True,
    )
    for said in collect.prompt:
        _say(gather, said)


def _say(parent: VoiceResponse | Gather, said: Say) -> None:
    if said.rate == NORMAL:
        parent.say(said.text, **SPOKEN)
    else:
        parent.say(**SPOKEN).prosody(said.text, rate=f"{said.rate}%")
