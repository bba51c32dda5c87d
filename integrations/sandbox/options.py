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

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the SANDBOX_ variables listed by --help; SANDBOX_SIGN_NAME may be several, comma-separated."""

        def value(name: str, default: str) -> str:
            return environment.get(f"SANDBOX_{name}") or default

        names = value("SIGN_NAME", "常德人社").split(",")
        return cls(
            access_key_id=value("ACCESS_KEY_ID", "sandbox"),
            access_key_secret=value("ACCESS_KEY_SECRET", "sandbox"),
            sign_names=frozenset(name.strip() for name in names if name.strip()),
            card_app_id=value("CARD_APP_ID", "huiyin"),
            card_secret=value("CARD_SECRET", "sandbox"),
        )


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds where a time is meant. ``newest`` is how many messages are kept to look at."""

    report_url: str = ""
    receipt_delay: float = 0.3
    receipt_retries: tuple[float, ...] = (60.0, 300.0, 600.0)
    query_visible_after: float = 1.0
    review_delay: float = 0.0
    limits: bool = True
    newest: int = 200_000

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
