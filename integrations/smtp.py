"""E-mail over SMTP, through the city's own relay or a provider's submission service.

Sources: RFC 5321 (SMTP), RFC 3463 and its IANA registry (enhanced status codes), RFC 3461
(delivery status notifications), RFC 1870 (size). What a mail looks like stands in ``smtp_mail``,
what comes back of it in ``bounces`` and ``complaints``. Nothing is idempotent: a connection
that broke after DATA leaves ``Unknown``, and what became of the mail is told only by its report.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import NamedTuple

from gateway.channels import AddressError
from gateway.channels.email import normalise
from gateway.messages import Limits, Message
from gateway.plugins import seconds
from gateway.providers import (
    Accepted,
    Callback,
    Cause,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
    Unreachable,
)
from integrations import bounces, complaints, report_folder
from integrations.mail_parts import parts
from integrations.mail_tokens import Tokens
from integrations.networks import Networks
from integrations.smtp_line import CLOSING, Line, Lines, Lost, NoLine, Reply, Server
from integrations.smtp_mail import Writer, phrase

SETTINGS: dict[str, str] = {
    "SMTP_HOST": "the server that takes our e-mails, e.g. smtp.example.cn",
    "SMTP_SENDER": "who they are from, e.g. 常德人社 <notice@example.cn>",
    "EMAIL_CALLBACK_NETWORKS": "comma-separated addresses or networks delivery reports come from",
    "CALLBACKS_URL": "our public address for callbacks, ending in a secret; the gateway fills it in",
}

OUTCOMES: dict[str, Outcome] = {
    outcome.code: outcome
    for outcome in (
        Rejected("5.1.1", Cause.RECIPIENT),  # no such mailbox
        Rejected("5.1.2", Cause.RECIPIENT),  # no such domain
        Rejected("5.1.3", Cause.RECIPIENT),  # no address at all
        Rejected("5.1.6", Cause.RECIPIENT),  # moved away
        Rejected("5.1.10", Cause.RECIPIENT),  # a domain that takes no mail
        Rejected("5.2.1", Cause.RECIPIENT),  # mailbox switched off
        Rejected("5.2.2", Cause.AWAY),  # mailbox full: no dead one
        Rejected("5.4.4", Cause.RECIPIENT),  # no way there
        Rejected("5.2.3", Cause.CONTENT),  # too long for the mailbox
        Rejected("5.3.4", Cause.CONTENT),  # too long for the server
        Rejected("5.6.0", Cause.CONTENT),
        Rejected("5.6.7", Cause.RECIPIENT),  # an address not in ASCII: servers that take it are few
        Rejected("5.1.7", Cause.OURS),  # our sender is no address
        Rejected("5.1.8", Cause.OURS),  # our sender's domain is none
        Rejected("5.5.1", Cause.OURS),
        Rejected("5.5.2", Cause.OURS),
        Rejected("5.5.4", Cause.OURS),
        Rejected("500", Cause.OURS),
        Rejected("501", Cause.OURS),
        Rejected("502", Cause.OURS),
        Rejected("503", Cause.OURS),
        Rejected("552", Cause.CONTENT),
        Rejected("530", Cause.ACCOUNT),  # to be signed in first
        Rejected("535", Cause.ACCOUNT),  # wrong user or password
        Rejected("5.7.8", Cause.ACCOUNT),
        Throttled("4.2.2"),  # mailbox full for now
        Throttled("4.7.0"),
        Throttled("4.7.1"),  # come again later: greylisting
        Unreachable("4.3.2"),  # the server is closing
        Unreachable("421"),
    )
}

CAUSES = bounces.CAUSES

# The steps before a recipient was named: whatever their code says of an address, it is our own.
OURS = frozenset({"connect", "auth", "mail"})
OF_A_MAILBOX = (Cause.RECIPIENT, Cause.AWAY)
POLICY = "5.7."  # refused on principle: us, until the server has seen the mail
FILTERED = frozenset({"550", "554"})  # all that filters say once they have seen it
PORTS = {"starttls": 587, "tls": 465, "none": 25}
REFERENCE = 64  # characters
BYTES_A_SECOND = 256 * 1024  # a large mail has as much more time
LONGEST = 2  # times the time for one mail that a hand-over takes in all
FILES = 7 * 2**20  # bytes: in base64, with the mail around, under the 10,240,000 a Postfix takes unless told

Clock = Callable[[], datetime]


class _Mail(NamedTuple):
    """Envelope and content; ``id`` is our Message-ID without its brackets.

    By ``until`` it must be written and by ``answered`` answered (``time.monotonic``).
    """

    sender: str
    address: str
    id: str
    data: bytes
    until: float
    answered: float


class Smtp:
    """``Sender`` and ``Collector``; safe in threads, keeps its connections."""

    name: str = "smtp"
    channel: str = "email"
    batch: int = 20
    needs_template: bool = False
    limits: Limits = Limits(files=FILES)
    reports: frozenset[str] = frozenset({"email-report"})

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        self._sender_name, self.from_address = _sender(settings["SMTP_SENDER"])
        self._domain = settings.get("SMTP_BOUNCE_DOMAIN") or self.from_address.rpartition("@")[2]
        self._tokens = Tokens(self._domain, _secret(settings["CALLBACKS_URL"]))
        self._networks = Networks(settings["EMAIL_CALLBACK_NETWORKS"])
        self._server = _server(settings, self._domain)
        self._lines = Lines(self._server)
        self._folder = settings.get("SMTP_REPORTS_MAILDIR", "")
        self._clock = clock

    # --- Sender ---

    def hand_over(self, handover: str, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send one mail after another on one connection.

        Stops at a lost answer, and begins none after the time for one mail is over. All of it ends
        in twice that time, which must be less than a lease: a large mail, and the wait for the
        answer to any, may take what is left of it. What was not begun is surely not taken.
        """
        outcomes: list[Outcome] = []
        begun = time.monotonic()
        writer = Writer(self.from_address, self._sender_name, self._clock())
        for number, message in enumerate(messages, start=1):
            try:
                outcome = self._send(handover, number, message, writer, begun)
            except NoLine as none:  # whatever it is, it holds for the others as well
                return [*outcomes, *[_no_line(none)] * (len(messages) - len(outcomes))]
            outcomes.append(outcome)
            late = time.monotonic() > begun + self._server.timeout
            if isinstance(outcome, Unknown | Unreachable) or late:
                break
        return [*outcomes, *[Unreachable("not_tried")] * (len(messages) - len(outcomes))]

    def _send(self, handover: str, number: int, message: Message, writer: Writer, begun: float) -> Outcome:
        try:
            address = normalise(message.address)
        except AddressError:
            return OUTCOMES["5.1.3" if message.address.isascii() else "5.6.7"]
        token = self._tokens.write(handover, number, address)
        own_id = self._tokens.message_id(token)
        data = writer.write(own_id, address, message)
        end = begun + LONGEST * self._server.timeout
        until = min(end, time.monotonic() + self._server.timeout + len(data) / BYTES_A_SECOND)
        mail = _Mail(self._tokens.envelope_sender(token), address, own_id, data, until, end)
        outcome = self._on(self._line(until), mail)
        if outcome is None:  # the server had closed the connection, or was about to: once more
            outcome = self._on(self._lines.new(until), mail, last=True)
        return outcome or Unreachable(str(CLOSING))

    def _line(self, until: float) -> Line:
        try:
            return self._lines.take(until)
        except NoLine as none:
            if not none.closing:
                raise
        return self._lines.new(until)

    def _on(self, line: Line, mail: _Mail, *, last: bool = False) -> Outcome | None:
        """One mail on one connection; None where another connection may do better."""
        if line.room and len(mail.data) > line.room:
            self._lines.give(line)
            return OUTCOMES["5.3.4"]
        line.begin(mail.until)
        stage = "mail"
        try:
            for stage, command in _commands(line, mail):
                reply = line.say(command)
                if not _goes_on(stage, reply):
                    return self._refused(line, stage, reply, last)
            stage = "end"
            reply = line.hand(mail.data, mail.answered)
        except Lost as lost:
            if stage == "end":
                return Unknown(lost.code)
            stale = line.kept and lost.code == "connection_lost"
            return None if stale and not last else Unreachable(lost.code)
        if 400 <= reply.number < 600:
            return self._refused(line, stage, reply, last)
        if not _goes_on(stage, reply):  # an answer to something else: whatever became of the mail
            line.close()
            return Unknown(reply.code)
        self._lines.give(line)
        return Accepted(reply.queue_id or mail.id[:REFERENCE])

    def _refused(self, line: Line, stage: str, reply: Reply, last: bool) -> Outcome | None:
        if reply.number == CLOSING:
            line.close()
            return _meaning(stage, reply) if last else None
        try:
            line.say("RSET")
        except Lost:
            return _meaning(stage, reply)
        self._lines.give(line)
        return _meaning(stage, reply)

    # --- Reporter ---

    def verify(self, callback: Callback) -> bool:
        """Whether it comes from where our relay is: reports carry no signature."""
        return callback.remote in self._networks

    def parse(self, callback: Callback) -> Sequence[Report]:
        """Read a report: the whole mail (message/rfc822) the relay took for our envelope sender."""
        found = parts(callback.body)
        if any(part.kind == complaints.KIND for part in found):
            return complaints.read(found, self._tokens)
        return bounces.read(found, self._tokens)

    def acknowledgement(self, _kind: str) -> tuple[str, str]:
        """What the relay's pipe hears; it keeps the report otherwise."""
        return "ok", "text/plain"

    # --- Collector ---

    def collect(self) -> Iterator[tuple[Callback, Callable[[], None]]]:
        """The reports that lie unread in the mailbox folder, if there is one."""
        for body, settle in report_folder.unread(self._folder) if self._folder else ():
            yield Callback("email-report", "", {}, body, ""), settle


def build(settings: Mapping[str, str], clock: Clock = lambda: datetime.now(UTC)) -> Smtp:
    """Optional settings: SMTP_PORT (587; 465 for tls, 25 for none), SMTP_SECURITY (starttls, tls or
    none; none for a server on this machine only), SMTP_USER, SMTP_PASSWORD, SMTP_TIMEOUT_SECONDS (10,
    for one message; see ``hand_over``), SMTP_BOUNCE_DOMAIN (the sender's own), SMTP_REPORTS_MAILDIR (a
    mailbox folder that reports are put into).

    Raises ``ValueError`` for a value that is none.
    """
    return Smtp(settings, clock)


# --- settings -----------------------------------------------------------------------------


def _sender(text: str) -> tuple[str, str]:
    name, address = parseaddr(text)
    try:
        return phrase(name), normalise(address)
    except AddressError:
        raise ValueError("SMTP_SENDER must be like 常德人社 <notice@example.cn>") from None


def _secret(address: str) -> str:
    """What our tokens are keyed with: the secret that ends the address reports are posted to."""
    secret = address.rpartition("/")[2]
    if not secret:
        raise ValueError("CALLBACKS_URL is an address that ends in a secret")
    return secret


def _server(settings: Mapping[str, str], domain: str) -> Server:
    security = settings.get("SMTP_SECURITY") or "starttls"
    port = settings.get("SMTP_PORT") or str(PORTS.get(security, ""))
    user, password = settings.get("SMTP_USER", ""), settings.get("SMTP_PASSWORD", "")
    if security not in PORTS:
        raise ValueError("SMTP_SECURITY must be starttls, tls or none")
    if security == "none" and not _is_loopback(settings["SMTP_HOST"]):
        raise ValueError("SMTP_SECURITY none is for a server on this machine only")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError("SMTP_PORT must be a port number")
    if bool(user) != bool(password) or not (user + password).isascii():
        raise ValueError("SMTP_USER and SMTP_PASSWORD go together and are plain ASCII")
    if not re.fullmatch(r"[a-zA-Z0-9.-]+", domain):
        raise ValueError("SMTP_BOUNCE_DOMAIN must be a domain")
    timeout = seconds(settings, "SMTP_TIMEOUT_SECONDS", 10)
    return Server(settings["SMTP_HOST"], int(port), security, user, password, timeout, domain)


def _is_loopback(host: str) -> bool:
    return bool(re.fullmatch(r"127(\.[0-9]+){3}|localhost|::1", host))


# --- the dialogue -------------------------------------------------------------------------


def _commands(line: Line, mail: _Mail) -> Sequence[tuple[str, str]]:
    """The three commands before the mail itself. Reports are asked for where the server makes them."""
    sender, recipient = f"MAIL FROM:<{mail.sender}>", f"RCPT TO:<{mail.address}>"
    if line.has("size"):
        sender += f" SIZE={len(mail.data)}"
    if line.has("dsn"):
        sender += " RET=HDRS"  # the mail itself need not travel back
        recipient += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{_xtext(mail.address)}"
    return ("mail", sender), ("rcpt", recipient), ("data", "DATA")


def _goes_on(stage: str, reply: Reply) -> bool:
    """Whether that answer is the one a step waits for (RFC 5321, 4.2.1 and 4.3.2)."""
    return reply.number == 354 if stage == "data" else 200 <= reply.number < 300


def _no_line(none: NoLine) -> Outcome:
    return _meaning(none.stage, none.reply) if none.reply else Unreachable(none.code)


def _meaning(stage: str, reply: Reply) -> Outcome:
    """What a refusal at this step means; the server's text is never part of it."""
    known = OUTCOMES.get(reply.code)
    early = stage in OURS and isinstance(known, Rejected) and known.cause in OF_A_MAILBOX
    if known is not None and not early:
        return known
    if reply.number < 500:
        return Throttled(reply.code)
    return Rejected(reply.code, _cause(stage, reply.code))


def _cause(stage: str, code: str) -> Cause:
    """Where the table does not tell. That a mailbox is dead, nothing but its code says."""
    if stage in OURS:
        return Cause.ACCOUNT
    if code.startswith(POLICY):
        return Cause.ACCOUNT if stage == "rcpt" else Cause.CONTENT
    return Cause.CONTENT if stage != "rcpt" and code in FILTERED else Cause.UNSPECIFIED


def _xtext(text: str) -> str:
    """RFC 3461, 4."""
    return re.sub(r"[+=]", lambda sign: f"+{ord(sign[0]):02X}", text)
