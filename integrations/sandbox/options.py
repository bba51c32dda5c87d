"""Who may talk to the sandbox, and what of its behaviour can be changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Credentials:
    """Accounts the sandbox knows; from the environment, as arguments are seen by everybody."""

    access_key_id: str
    access_key_secret: str
    sign_names: frozenset[str]
    card_app_id: str
    card_secret: str
    pension_app_id: str
    pension_secret: str
    tts_code: str
    twilio_sid: str
    twilio_token: str
    twilio_numbers: frozenset[str]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the SANDBOX_ variables listed by --help; SANDBOX_SIGN_NAME may be several, comma-separated,
        and so may SANDBOX_TWILIO_NUMBERS."""

        def value(name: str, default: str) -> str:
            return environment.get(f"SANDBOX_{name}") or default

        def several(name: str, default: str) -> frozenset[str]:
            return frozenset(part.strip() for part in value(name, default).split(",") if part.strip())

        return cls(
            access_key_id=value("ACCESS_KEY_ID", "sandbox"),
            access_key_secret=value("ACCESS_KEY_SECRET", "sandbox"),
            sign_names=several("SIGN_NAME", "常德人社"),
            card_app_id=value("CARD_APP_ID", "huiyin"),
            card_secret=value("CARD_SECRET", "sandbox"),
            pension_app_id=value("PENSION_APP_ID", value("CARD_APP_ID", "huiyin")),
            pension_secret=value("PENSION_SECRET", value("CARD_SECRET", "sandbox")),
            tts_code=value("TTS_CODE", "TTS_1"),
            twilio_sid=value("TWILIO_SID", "AC" + "5a" * 16),
            twilio_token=value("TWILIO_TOKEN", "sandbox"),
            twilio_numbers=several("TWILIO_NUMBERS", "+15005550006"),
        )


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds where a time is meant. ``newest`` is how many messages and calls are kept to look at.

    ``voice_url`` answers calls dialled in the sandbox's exchange; ``voice_status_url`` hears of their
    end, ``voice_url`` itself while it is "".
    """

    report_url: str = ""
    voice_report_url: str = ""
    sms_up_url: str = ""
    twilio_inbound_url: str = ""
    voice_url: str = ""
    voice_status_url: str = ""
    email_report_url: str = ""
    receipt_delay: float = 0.3
    receipt_retries: tuple[float, ...] = (60.0, 300.0, 600.0)
    query_visible_after: float = 1.0
    review_delay: float = 0.0
    limits: bool = True
    newest: int = 200_000
    newest_mails: int = 5_000
    ring_seconds: float = 0.2
    talk_seconds: float = 0.2

    def changed(self, values: Mapping[str, Any]) -> Self:
        """A copy with these values. Raises ``ValueError`` for a name or a kind of value that is none."""
        unknown = values.keys() - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        current = asdict(self)
        return replace(self, **{name: _like(current[name], value) for name, value in values.items()})


def _like(current: object, value: Any) -> Any:
    """``value`` as the kind of thing ``current`` is."""
    if isinstance(current, tuple) and isinstance(value, list):
        return tuple(float(seconds) for seconds in value)
    if isinstance(current, bool) or isinstance(value, bool):
        if isinstance(current, bool) and isinstance(value, bool):
            return value
    elif isinstance(current, str) and isinstance(value, str):
        return value
    elif isinstance(current, int | float) and isinstance(value, int | float) and value >= 0:
        return type(current)(value)
    raise ValueError(f"{value!r} is not of the kind of {current!r}")
