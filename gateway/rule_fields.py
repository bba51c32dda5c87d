"""Fields of a rules file: strict about their kind, and saying what is wrong."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, validate
from marshmallow import fields as form

YEARS = range(1900, 3000)


class Day(form.Field[date]):
    """A TOML date, which arrives as a date; of years that have a midnight in every zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if type(value) is not date:
            raise ValidationError("must be a date; write 2026-01-31 without quotes")
        if value.year not in YEARS:
            raise ValidationError(f"must be of the years {YEARS[0]} to {YEARS[-1]}")
        return value


class Flag(form.Field[bool]):
    """true or false; nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Clock(form.Field[time]):
    """A time of the day as people write it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        try:
            if not isinstance(value, str) or len(value) != len("08:30"):
                raise ValueError
            return time.fromisoformat(value)
        except ValueError:
            raise ValidationError('must be a time of the day; write "08:30"') from None


def number(low: int, high: int, **options: Any) -> form.Integer:
    return form.Integer(strict=True, validate=validate.Range(low, high), **options)


def text(pattern: str = r"\S(.*\S)?", **options: Any) -> form.String:
    """A text that matches as a whole."""
    shown = pattern.replace("{", "{{").replace("}", "}}")
    check = validate.Regexp(rf"(?:{pattern})\Z", error=f"{{input!r}} does not match {shown}")
    return form.String(validate=check, **options)


def zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError("is no time zone; write one like Asia/Shanghai") from None


def spans(given: list[list[time]]) -> tuple[tuple[time, time], ...]:
    """Spans of a day: pairs, each ends after it begins and before the next one begins."""
    flat = [moment for span in given for moment in span]
    if any(len(span) != 2 for span in given) or flat != sorted(set(flat)):
        raise ValidationError('must be spans in their order; write [["08:30", "12:00"]]')
    return tuple((begin, end) for begin, end in given)
