"""Who may talk to the sandbox, and what of its behaviour can be changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

MOST = 2**53  # of any setting that is a number


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
    filing_app_id: str
    filing_secret: str
    work_order_app_id: str
    work_order_secret: str
    tts_code: str
    twilio_sid: str
    twilio_token: str
    twilio_numbers: frozenset[str]
    others: Mapping[str, str] = field(default_factory=dict, repr=False)

    def value(self, name: str, default: str) -> str:
        """SANDBOX_<name> of the environment: the accounts of vendors whose doors were added."""
        return self.others.get(f"SANDBOX_{name}") or default

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
            filing_app_id=value("FILING_APP_ID", value("CARD_APP_ID", "huiyin")),
            filing_secret=value("FILING_SECRET", value("CARD_SECRET", "sandbox")),
            work_order_app_id=value("WORK_ORDER_APP_ID", value("CARD_APP_ID", "huiyin")),
            work_order_secret=value("WORK_ORDER_SECRET", value("CARD_SECRET", "sandbox")),
            tts_code=value("TTS_CODE", "TTS_1"),
            twilio_sid=value("TWILIO_SID", "AC" + "5a" * 16),
            twilio_token=value("TWILIO_TOKEN", "sandbox"),
            twilio_numbers=several("TWILIO_NUMBERS", "+15005550006"),
            others={name: given for name, given in environment.items() if name.startswith("SANDBOX_")},
        )


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds where a time is meant. ``newest`` is how many messages and calls are kept to look at.

    A report is pushed ``receipt_delay`` after what it tells of, up to ``receipt_jitter`` later by the
    seed's luck, and again after each of ``receipt_retries``, times ``receipt_retry_scale``.

    ``work_order_delay`` is how long a work order takes until it is replied to,
    ``filing_delay`` how long the review of a filing, ``pension_delay`` that of an
    authentication's papers and a back-payment, from when it was asked about first. With ``matching``
    the registry authenticates ``matching_share`` of those who are due by itself, each at a moment of
    their own within ``matching_delay``.

    ``transfer_delay`` is how long a transfer stays in each of its states; 0: until it is moved by hand.

    ``voice_url`` answers calls dialled in the sandbox's exchange; ``voice_status_url`` hears of their
    end, ``voice_url`` itself while it is "". ``webhook_retries`` are the pauses between Twilio's tries,
    as many of them as the address asks for. ``tencent_echoes``: Tencent gives the customer's own id
    back in receipts and lists, as it does for accounts it was asked to.
    """

    report_url: str = ""
    voice_report_url: str = ""
    sms_up_url: str = ""
    twilio_inbound_url: str = ""
    voice_url: str = ""
    voice_status_url: str = ""
    tencent_report_url: str = ""
    tencent_reply_url: str = ""
    tencent_echoes: bool = True
    email_report_url: str = ""
    email_report_maildir: str = ""
    seed: int = 0
    receipt_delay: float = 0.3
    receipt_jitter: float = 0.0
    receipt_retries: tuple[float, ...] = (60.0, 300.0, 600.0)
    receipt_retry_scale: float = 1.0
    webhook_retries: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 7.0)
    query_visible_after: float = 1.0
    review_delay: float = 0.0
    filing_delay: float = 3.0
    transfer_delay: float = 0.0
    work_order_delay: float = 60.0
    pension_delay: float = 120.0
    matching: bool = True
    matching_share: float = 0.8
    matching_delay: float = 86400.0
    limits: bool = True
    newest: int = 200_000
    newest_mails: int = 5_000
    ring_seconds: float = 0.2
    talk_seconds: float = 0.2

    @property
    def retry_pauses(self) -> tuple[float, ...]:
        """Seconds before a refused report is pushed again, each time; then never."""
        return tuple(pause * self.receipt_retry_scale for pause in self.receipt_retries)

    def changed(self, values: Mapping[str, Any]) -> Self:
        """A copy with these values. Raises ``ValueError`` for a name or a kind of value that is none."""
        unknown = values.keys() - {each.name for each in fields(self)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(map(repr, unknown)))}")
        current = asdict(self)
        return replace(self, **{name: _like(name, current[name], value) for name, value in values.items()})


def _like(name: str, current: object, value: Any) -> Any:
    """``value`` as the kind of thing ``current`` is."""
    if isinstance(current, tuple) and isinstance(value, list) and all(map(_is_amount, value)):
        return tuple(map(float, value))
    if isinstance(current, bool) and isinstance(value, bool):
        return value
    if isinstance(current, str) and isinstance(value, str):
        return value
    if isinstance(current, int | float) and not isinstance(current, bool) and _is_amount(value):
        return type(current)(value)
    kind = {bool: "true or false", str: "a text", tuple: "a list of seconds"}.get(type(current), "a number")
    raise ValueError(f"setting {name} is {kind}, not negative and not beyond {MOST}")


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
