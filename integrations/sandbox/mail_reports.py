"""What becomes of each mail, told as a delivery status notification (RFC 3464) posted to the customer.

A city's relay would pipe such mails to the same address; the body is the whole mail (message/rfc822).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import aiohttp

from integrations.sandbox.handsets import DELIVERED, FAILED
from integrations.sandbox.mailbox import Mail
from integrations.sandbox.receipts import Pushes

NOBODY = "nobody@"  # addresses that begin so bounce
FINE, UNKNOWN = "2.0.0", "5.1.1"
BOUNDARY = "sandbox-report"


class MailReports(Pushes[Mail]):
    """Reports each mail after a delay; one answered otherwise than with 200 is repeated."""

    action = "email_report"
    batch = 1
    in_flight = 16

    def url(self) -> str:
        """Option email_report_url."""
        return self.options.email_report_url

    def expect(self, mail: Mail) -> None:
        """Decide what becomes of the mail and when it is reported."""
        fault = self.wait(mail, mail.at)
        mail.code = UNKNOWN if mail.number.lower().startswith(NOBODY) else FINE
        if fault and fault.mode == "error":
            mail.code = fault.code or UNKNOWN

    def came_due(self, mail: Mail) -> None:
        """The other server has answered."""
        mail.status = DELIVERED if mail.code == FINE else FAILED

    def heard(self, mail: Mail, now: float) -> None:
        """Remember when."""
        mail.report_pushed_at = now

    def report(self, mail: Mail, now: float) -> dict[str, Any]:
        """The notification."""
        return {"mail": notification(mail, now)}

    async def _acknowledged(self, session: aiohttp.ClientSession, reports: list[dict[str, Any]]) -> bool:
        headers = {"Content-Type": "message/rfc822"}
        try:
            async with session.post(self.url(), data=reports[0]["mail"], headers=headers) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def notification(mail: Mail, now: float) -> bytes:
    """A multipart/report about one mail, with the headers of that mail."""
    date = format_datetime(datetime.fromtimestamp(now, UTC))
    action = "delivered" if mail.status == DELIVERED else "failed"
    words = f"""\
From: Mail Delivery System <MAILER-DAEMON@localhost>
To: <{mail.envelope}>
Date: {date}
Subject: Delivery Status Notification ({action})
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{BOUNDARY}"

--{BOUNDARY}
Content-Type: text/plain

Your mail to {mail.number}: {action}.

--{BOUNDARY}
Content-Type: message/delivery-status

Reporting-MTA: dns; localhost

Final-Recipient: rfc822; {mail.number}
Action: {action}
Status: {mail.code}
Last-Attempt-Date: {date}

--{BOUNDARY}
Content-Type: text/rfc822-headers

Return-Path: <{mail.envelope}>
"""
    return words.replace("\n", "\r\n").encode() + mail.head + f"\r\n\r\n--{BOUNDARY}--\r\n".encode()
