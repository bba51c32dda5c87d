"""An entry as a file every calendar takes (RFC 5545). Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.transactions.entry import Entry

LONGEST_LINE = 75  # octets, without the line break (RFC 5545, 3.1)


def written(entry: Entry, reference: str, now: datetime) -> str:
    """The file; times are in UTC, so that it needs no time zone of its own."""
    minutes = int(entry.alarm.total_seconds() // 60)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Huiyin//12333//ZH",
        "BEGIN:VEVENT",
        f"UID:{reference}@huiyin",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(entry.starts_at)}",
        f"DTEND:{_utc(entry.ends_at)}",
        f"SUMMARY:{_escaped(entry.title)}",
        f"LOCATION:{_escaped(entry.place)}",
        f"DESCRIPTION:{_escaped(entry.text)}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_escaped(entry.title)}",
        f"TRIGGER:-PT{minutes}M",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) + "\r\n" for line in lines)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, "\\" + character)
    return text.replace("\r\n", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Broken into lines that are short enough; what follows the first begins with a space.

    No character is broken in two, though the limit counts octets.
    """
    parts, length = [""], 0
    for character in line:
        size = len(character.encode())
        if length + size > LONGEST_LINE:
            parts.append(" ")
            length = 1
        parts[-1] += character
        length += size
    return "\r\n".join(parts)
