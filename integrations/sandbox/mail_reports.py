"""What becomes of each mail, told as reports: delivered or not (RFC 3464), called unwanted (RFC 5965).

Posted to the customer as a city's relay would pipe them, the whole mail (message/rfc822) as the body;
or put into a mailbox folder (Maildir), where one is given.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from integrations.sandbox.faults import Faults
from integrations.sandbox.handsets import DELIVERED, FAILED
from integrations.sandbox.mailbox import COMPLAINS, FULL, GONE, Mailboxes
from integrations.sandbox.mails import Mail
from integrations.sandbox.receipts import Pushes

FINE, UNKNOWN = "2.0.0", "5.1.1"
CODES = {GONE: UNKNOWN, FULL: "5.2.2"}
BOUNDARY = "sandbox-report"


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """One report to come; ``complaint`` tells its kind."""

    mail: Mail
    complaint: bool = False

    @property
    def number(self) -> str:
        """Whose mailbox."""
        return self.mail.number

    @property
    def at(self) -> float:
        """When the mail came."""
        return self.mail.at


class MailReports(Pushes[Report]):
    """Reports each mail after a delay; one answered otherwise than with 200 is repeated."""

    action = "email_report"
    batch = 1
    in_flight = 16

    def __init__(self, faults: Faults, mailboxes: Mailboxes) -> None:
        super().__init__(faults)
        self._mailboxes = mailboxes
        self._names = count(1)

    def url(self) -> str:
        """Option email_report_maildir, else email_report_url."""
        return self.options.email_report_maildir or self.options.email_report_url

    def expect(self, mail: Mail) -> None:
        """Decide what becomes of the mail and when it is reported."""
        fault = self.wait(Report(mail), mail.at)
        mail.code = CODES.get(self._mailboxes.behaves(mail.number), FINE)
        if fault and fault.mode == "error":
            mail.code = fault.code or UNKNOWN

    def came_due(self, report: Report) -> None:
        """The other server has answered; whoever complains does so when the mail has been seen."""
        mail = report.mail
        if report.complaint:
            return
        mail.status = DELIVERED if mail.code == FINE else FAILED
        if mail.status == DELIVERED and self._mailboxes.behaves(mail.number) == COMPLAINS:
            self.wait(Report(mail, complaint=True), time.time())

    def heard(self, report: Report, now: float) -> None:
        """Remember when."""
        if report.complaint:
            report.mail.complained_at = now
        else:
            report.mail.report_pushed_at = now

    def report(self, report: Report, now: float) -> dict[str, Any]:
        """The mail that tells it."""
        tell = complaint if report.complaint else notification
        return {"mail": tell(report.mail, now)}

    async def _acknowledged(self, session: aiohttp.ClientSession, reports: list[dict[str, Any]]) -> bool:
        if self.options.email_report_maildir:
            return self._put(Path(self.options.email_report_maildir), reports[0]["mail"])
        headers = {"Content-Type": "message/rfc822"}
        try:
            async with session.post(self.url(), data=reports[0]["mail"], headers=headers) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _put(self, folder: Path, mail: bytes) -> bool:
        """As every delivery agent does it: written in tmp, then moved into new."""
        name = f"{time.time_ns()}.S{next(self._names)}.sandbox"
        try:
            for part in ("tmp", "new", "cur"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            (folder / "tmp" / name).write_bytes(mail)
            (folder / "tmp" / name).rename(folder / "new" / name)
        except OSError:
            return False
        return True


def notification(mail: Mail, now: float) -> bytes:
    """A delivery status notification about one mail, with the headers of that mail."""
    action = "delivered" if mail.status == DELIVERED else "failed"
    fields = [
        "Reporting-MTA: dns; localhost",
        "",
        f"Final-Recipient: rfc822; {mail.number}",
        f"Action: {action}",
        f"Status: {mail.code}",
        f"Last-Attempt-Date: {_date(now)}",
    ]
    head = ["From: Mail Delivery System <MAILER-DAEMON@localhost>", f"To: <{mail.envelope}>"]
    words = f"Your mail to {mail.number}: {action}."
    return _report(
        "delivery-status", [*head, "Subject: Delivery Status Notification"], words, fields, mail, now
    )


def complaint(mail: Mail, now: float) -> bytes:
    """An abuse report about one mail, with the headers of that mail."""
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: sandbox/1.0",
        "Version: 1",
        f"Original-Mail-From: <{mail.envelope}>",
        f"Original-Rcpt-To: <{mail.number}>",
        f"Arrival-Date: {_date(mail.at)}",
    ]
    head = ["From: Complaints <feedback@localhost>", f"To: <{mail.envelope}>", "Subject: Abuse report"]
    return _report("feedback-report", head, "Somebody called this mail unwanted.", fields, mail, now)


def _report(
    kind: str, head: Sequence[str], words: str, fields: Sequence[str], mail: Mail, now: float
) -> bytes:
    lines = [
        *head,
        f"Date: {_date(now)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="{BOUNDARY}"',
        "",
        *_part("text/plain", [words]),
        *_part(f"message/{kind}", fields),
        *_part("text/rfc822-headers", [f"Return-Path: <{mail.envelope}>"]),
    ]
    return "\r\n".join(lines).encode() + b"\r\n" + mail.head + f"\r\n\r\n--{BOUNDARY}--\r\n".encode()


def _part(kind: str, lines: Sequence[str]) -> list[str]:
    return ["", f"--{BOUNDARY}", f"Content-Type: {kind}", "", *lines]


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))
