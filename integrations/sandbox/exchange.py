"""A telephone exchange as Twilio's: somebody dials the customer's number, its server answers in TwiML.

The caller's side is stepped through over HTTP: each step says what is heard until the exchange
waits for keys or the call ends. Nobody waits for real: a timeout is a step, too.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from aiohttp import web

from integrations.sandbox import twiml
from integrations.sandbox.handsets import moment
from integrations.sandbox.options import Credentials, Options
from integrations.sandbox.steering import as_json, read
from integrations.sandbox.twilio_params import new_sid
from integrations.sandbox.twiml import Gather, TwimlError
from integrations.sandbox.webhooks import UnansweredError, Webhooks

KEPT = 1000  # calls, the newest
REDIRECTS = 25  # documents fetched before the caller can do anything: more is a loop
OF_A_GATHER = ("Digits", "FinishedOnKey")
STEPS = "press (keys), wait (nothing is pressed), hang_up or repeat (the last webhook again)"


@dataclass(slots=True, eq=False)
class Line:
    """One call to the customer; ``last`` is the newest webhook, ``pending`` what is still to be done."""

    id: str
    caller: str
    called: str
    at: float
    url: str
    last: tuple[str, str, Mapping[str, str]]
    pending: list[Element] = field(default_factory=list)
    waits: Gather | None = None
    keys: str = ""
    ended: str | None = None
    hung_up: bool = False
    transcript: list[dict[str, str]] = field(default_factory=list)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note(self, what: str, words: str) -> None:
        """One more line of the transcript: says, presses, waits, asks, ends."""
        self.transcript.append({"at": moment(time.time()), what: words})

    def about(self) -> dict[str, str]:
        """What every webhook of this call says."""
        return {name: value for name, value in self.last[2].items() if name not in OF_A_GATHER}


class Exchange:
    """The calls and the addresses under /_sandbox/dial."""

    def __init__(self, credentials: Credentials, webhooks: Webhooks) -> None:
        self.options = Options()
        self._account = credentials.twilio_sid
        self._webhooks = webhooks
        self._lines: dict[str, Line] = {}

    def routes(self) -> list[web.RouteDef]:
        """To be added to the application."""
        return [
            web.post("/_sandbox/dial", self.post_dial),
            web.post("/_sandbox/dial/{id}", self.post_step),
            web.get("/_sandbox/dial/{id}", self.get_line),
        ]

    def clear(self) -> None:
        """Forget all calls."""
        self._lines.clear()

    # --- handlers ---

    async def post_dial(self, request: web.Request) -> web.Response:
        """{"from", "to"}: call the customer's number."""
        values = await read(request)
        caller, called = (str(values.get(name) or "") for name in ("from", "to"))
        if not all(re.fullmatch(r"\+?\d{3,15}", number, re.ASCII) for number in (caller, called)):
            raise web.HTTPBadRequest(text='dial needs "from" and "to", telephone numbers like +8613800138000')
        if not self.options.voice_url:
            raise web.HTTPBadRequest(text='nobody answers: set "voice_url" by POST /_sandbox/settings')
        line = self._new_line(caller, called)
        return await self._step(line, lambda: self._fetch(line, *line.last))

    async def post_step(self, request: web.Request) -> web.Response:
        """One of press, wait, hang_up and repeat."""
        line, values = self._line(request), await read(request)
        given = [name for name in ("press", "wait", "hang_up", "repeat") if values.get(name)]
        if len(given) != 1:
            raise web.HTTPBadRequest(text=f"one step at a time: {STEPS}")
        async with line.busy:
            if line.ended and (line.hung_up or given != ["repeat"]):
                raise web.HTTPConflict(text=f"the call has ended: {line.ended}")
            if given == ["press"]:
                return await self._press(line, str(values["press"]))
            steps = {"wait": self._wait, "hang_up": self._hang_up, "repeat": self._repeat}
            return await steps[given[0]](line)

    async def get_line(self, request: web.Request) -> web.Response:
        """The call with its transcript."""
        line = self._line(request)
        about = {"from": line.caller, "to": line.called, "at": moment(line.at)}
        return as_json({**_shown(line, []), **about, "transcript": line.transcript})

    # --- what the caller does ---

    async def _press(self, line: Line, keys: str) -> web.Response:
        if not re.fullmatch(r"[0-9*#]{1,64}", keys, re.ASCII):
            raise web.HTTPBadRequest(text="press takes the keys 0-9, * and #")
        if line.waits is None:
            raise web.HTTPConflict(text="nothing is waited for")
        line.note("presses", keys)
        line.keys, complete, finished = line.waits.collect(line.keys + keys)
        if not complete:
            return as_json(_shown(line, []))
        key = line.waits.finish_on if finished else ""
        return await self._step(line, lambda: self._submit(line, key))

    async def _wait(self, line: Line) -> web.Response:
        line.note("waits", f"{line.waits.timeout if line.waits else 0} s")
        return await self._step(line, lambda: self._submit(line, ""))

    async def _repeat(self, line: Line) -> web.Response:
        line.ended, line.waits, line.keys = None, None, ""
        return await self._step(line, lambda: self._fetch(line, *line.last))

    async def _hang_up(self, line: Line) -> web.Response:
        line.hung_up = True
        await self._end(line, "hangup")
        return as_json(_shown(line, []))

    # --- what the exchange does ---

    def _new_line(self, caller: str, called: str) -> Line:
        fields = {
            "AccountSid": self._account,
            "ApiVersion": "2010-04-01",
            "CallSid": new_sid("CA"),
            "CallStatus": "ringing",
            "Called": called,
            "Caller": caller,
            "Direction": "inbound",
            "From": caller,
            "To": called,
        }
        first = ("POST", self.options.voice_url, fields)
        line = Line(fields["CallSid"], caller, called, time.time(), self.options.voice_url, first)
        self._lines[line.id] = line
        if len(self._lines) > KEPT:
            del self._lines[next(iter(self._lines))]
        return line

    def _line(self, request: web.Request) -> Line:
        line = self._lines.get(request.match_info["id"])
        if line is None:
            raise web.HTTPNotFound(text="no such call: dial by POST /_sandbox/dial")
        return line

    async def _step(self, line: Line, begin: Callable[[], Awaitable[None]]) -> web.Response:
        """Begin, then go on until keys are waited for or the call ends; what was heard meanwhile."""
        says: list[str] = []
        try:
            await begin()
            await self._run(line, says)
        except TwimlError as error:
            self._say(line, says, twiml.SORRY)
            await self._end(line, f"error:{error}")
        return as_json(_shown(line, says))

    async def _submit(self, line: Line, finished_by: str) -> None:
        """The Gather is over: to its action with what was pressed, else on with the next verb."""
        waited, keys = line.waits, line.keys
        line.waits, line.keys = None, ""
        if waited is None or not (keys or waited.on_empty):
            return
        fields = {"Digits": keys, "FinishedOnKey": finished_by}
        await self._go_on(line, waited.method, waited.action, fields)

    async def _go_on(self, line: Line, method: str, url: str, fields: Mapping[str, str]) -> None:
        """The next webhook; its address may be relative to the document that names it."""
        asked = {**line.about(), "CallStatus": "in-progress", **fields}
        await self._fetch(line, method, urljoin(line.url, url), asked)

    async def _fetch(self, line: Line, method: str, url: str, fields: Mapping[str, str]) -> None:
        line.last = (method, url, fields)
        digits = f" Digits={fields['Digits']}" if "Digits" in fields else ""
        line.note("asks", f"{method} {url}{digits}")
        try:
            answer = await self._webhooks.ask(method, url, fields)
        except UnansweredError as error:
            raise TwimlError(11200, f"{method} {url} was not answered: {error}") from None
        if not 200 <= answer.status < 300:
            raise TwimlError(11200, f"{method} {url} was answered with HTTP {answer.status}")
        if answer.content_type not in twiml.READABLE:
            raise TwimlError(12300, f"{method} {url} answered {answer.content_type}, which is not TwiML")
        line.url, line.pending = url, twiml.parse(answer.body)

    async def _run(self, line: Line, says: list[str]) -> None:
        fetched, how = 0, "hangup"
        while line.pending:
            verb = line.pending.pop(0)
            if verb.tag in twiml.PROMPTS:
                self._hear(line, says, verb)
            elif verb.tag == "Gather":
                line.waits = twiml.gather(verb)
                for prompt in line.waits.prompts:
                    self._hear(line, says, prompt)
                return
            elif verb.tag == "Redirect":
                fetched += 1
                if fetched > REDIRECTS:
                    raise TwimlError(11215, f"more than {REDIRECTS} redirects without a word from the caller")
                await self._go_on(line, twiml.method(verb), twiml.words(verb), {})
            else:
                how = _ending(verb)
                break
        await self._end(line, how)

    def _hear(self, line: Line, says: list[str], prompt: Element) -> None:
        for words in twiml.uttered(prompt):
            self._say(line, says, words)

    def _say(self, line: Line, says: list[str], words: str) -> None:
        says.append(words)
        line.note("says", words)

    async def _end(self, line: Line, how: str) -> None:
        """The call is over: the number's status callback hears of it, else its voice address."""
        line.ended, line.waits, line.pending = how, None, []
        line.note("ends", how)
        if how.startswith(("dial:", "enqueue:")):
            return  # it goes on, with somebody else
        url = self.options.voice_status_url or self.options.voice_url
        lasted = {"CallStatus": "completed", "CallDuration": str(max(1, round(time.time() - line.at)))}
        line.note("asks", f"POST {url} CallStatus=completed")
        try:
            await self._webhooks.ask("POST", url, {**line.about(), **lasted})
        except UnansweredError as error:
            line.note("asks", f"POST {url} was not answered: {error}")


def _ending(verb: Element) -> str:
    if verb.tag == "Hangup":
        return "hangup"
    if verb.tag == "Reject":
        return "reject"
    if verb.tag in ("Dial", "Enqueue"):
        return f"{verb.tag.lower()}:{twiml.words(verb) or verb.get('workflowSid', '')}"
    raise TwimlError(12200, f"this exchange does not know <{verb.tag}>")


def _shown(line: Line, says: list[str]) -> dict[str, Any]:
    waits = line.waits and {
        "digits": line.waits.digits,
        "finish_on": line.waits.finish_on,
        "timeout": line.waits.timeout,
    }
    return {"call": line.id, "says": says, "waits": waits, "ended": line.ended}
