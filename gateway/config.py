"""Settings from the environment or ``.env``, read once, checked at once.

Every mistake found here is one line that names the setting and says what to put
there. Integrations read their own settings from ``Settings.environment``.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from dotenv import dotenv_values

from gateway import route_settings
from gateway.errors import SettingError
from gateway.route_settings import Allowance, Tariff, Weights

MASTER_KEY_BYTES = 32
LOOPBACK = "127.0.0.0/8"  # where the sandbox plays a service
Network = IPv4Network | IPv6Network
RUNNING = "running.json"  # in the state folder while an instance runs: the settings of its processes
# A provider counts as configured as soon as one of these is set.
REAL_PROVIDER_KEYS = (
    "ALIYUN_ACCESS_KEY_ID",
    "ALIYUN_ACCESS_KEY_SECRET",
    "TWILIO_ACCOUNT_SID",
    "SMTP_HOST",
    "SMS_PROVIDERS",
    "VOICE_PROVIDERS",
    "EMAIL_PROVIDERS",
)
# How many days each is kept, and the fewest: what messages of a class said, how they were
# tried, their rows; and the matters of citizens after they last moved.
KEEP: Mapping[str, tuple[int, int]] = {
    "code": (1, 1),
    "result": (90, 3),
    "reminder": (90, 3),
    "notice": (30, 3),
    "attempts": (365, 183),
    "history": (1_096, 183),
    "matters": (1_096, 183),
}
# The channels, each with the providers it has where nothing is said; a channel without any is closed.
CHANNELS: Mapping[str, str] = {"sms": "aliyun_sms", "voice": "", "email": ""}
# What makes a deployment what it is; the demo tour plays in one of its own.
DEPLOYMENT = (*REAL_PROVIDER_KEYS, "DATABASE_URL", "BROKER_URL", "PUBLIC_URL", "HUIYIN_STATE", "SANDBOX_URL")


@dataclass(frozen=True, slots=True)
class Settings:
    """What this deployment is.

    ``demo`` is true while no real provider is configured: the sandbox then plays
    the outside world. ``providers`` maps a channel to its providers and their weights,
    ``destinations`` a channel and a calling code to other weights of theirs, ``allowances`` a
    provider to what it may be given, ``tariffs`` to what it charges.
    ``trusted_proxies`` is how many of our own proxies stand before us. ``transactions``
    names the types offered; empty: all that can be done here. Times are in seconds;
    ``keep`` is in days. ``webhooks_private`` are networks of ours in which services may be told
    of their events, by plain http too.
    """

    state: Path
    database_url: str
    broker_url: str
    public_url: str
    city: str
    demo: bool
    providers: Mapping[str, Mapping[str, int]]
    sandbox_url: str
    trusted_proxies: int
    lease: float
    reconcile_after: float
    master_key: bytes = field(repr=False)
    callback_secret: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    metrics_token: str = field(default="", repr=False)
    transactions: tuple[str, ...] = ()
    keep: Mapping[str, int] = field(default_factory=lambda: {name: days for name, (days, _) in KEEP.items()})
    destinations: Mapping[str, Mapping[str, Weights]] = field(default_factory=dict)
    allowances: Mapping[str, Allowance] = field(default_factory=dict)
    tariffs: Mapping[str, Tariff] = field(default_factory=dict)
    webhooks_private: tuple[Network, ...] = ()

    @property
    def callbacks_url(self) -> str:
        """Where a provider's reports arrive, with ``{provider}`` in its place."""
        return f"{self.public_url}/callbacks/{{provider}}/{self.callback_secret}"

    @property
    def owns_database(self) -> bool:
        """Whether the database is this instance's own file."""
        return self.database_url == default_database_url(self.state)


def default_database_url(state: Path) -> str:
    return f"sqlite:///{state / 'huiyin.db'}"


def load(
    environment: Mapping[str, str] | None = None, state: Path | None = None, *, join: bool = False
) -> Settings:
    """Read the settings; a wrong or contradictory one raises ``SettingError``.

    The state folder is made if it is not there. What the environment does not
    say, a ``.env`` file in the working folder may say. With ``join`` the settings
    of the instance that runs on this state folder come first: a verb in another
    terminal then speaks to the same database, broker and sandbox.
    """
    if environment is None:
        environment = {**_dotenv(Path(".env")), **os.environ}
    folder = Path(state or environment.get("HUIYIN_STATE") or ".state").absolute()
    _make_state(folder)
    if join:
        environment = {**environment, **_running(folder)}
    return _read(environment, folder)


def _read(environment: Mapping[str, str], folder: Path) -> Settings:
    sandbox_url = _sandbox_url(environment)
    real = any(environment.get(key) for key in REAL_PROVIDER_KEYS)
    if environment.get("CARD_CORE_URL") and not (real or sandbox_url):
        raise SettingError(
            "CARD_CORE_URL is set but no SMS provider is. Set ALIYUN_ACCESS_KEY_ID and the other settings "
            "of a provider to go live, or unset CARD_CORE_URL to play in the sandbox."
        )
    demo = bool(sandbox_url) or not real
    providers = {channel: _weights(environment, channel) for channel in CHANNELS}
    named = [name for weights in providers.values() for name in weights]
    return Settings(
        state=folder,
        database_url=_database_url(environment.get("DATABASE_URL", ""), folder),
        broker_url=_broker_url(environment.get("BROKER_URL", "")),
        public_url=environment.get("PUBLIC_URL", "http://127.0.0.1:12333").rstrip("/"),
        city=environment.get("HUIYIN_CITY", "changde"),
        demo=demo,
        providers=providers,
        destinations={
            channel: route_settings.destinations(environment, _key(channel), weights)
            for channel, weights in providers.items()
        },
        allowances=route_settings.allowances(environment, named),
        tariffs=route_settings.tariffs(environment, named),
        sandbox_url=sandbox_url,
        trusted_proxies=_count(environment, "TRUSTED_PROXIES"),
        lease=_seconds(environment, "HUIYIN_LEASE_SECONDS", 30),
        reconcile_after=_seconds(environment, "HUIYIN_RECONCILE_AFTER_SECONDS", 10),
        master_key=_master_key(environment.get("HUIYIN_MASTER_KEY", ""), folder),
        callback_secret=environment.get("CALLBACK_SECRET") or _kept_secret(folder / "callback.secret"),
        environment=dict(environment),
        metrics_token=environment.get("METRICS_TOKEN", ""),
        transactions=_names(environment.get("TRANSACTIONS", "")),
        webhooks_private=_networks(environment, "WEBHOOKS_PRIVATE", LOOPBACK if demo else ""),
        keep={name: _days(environment, name) for name in KEEP},
    )


def _dotenv(path: Path) -> dict[str, str]:
    return {key: value for key, value in dotenv_values(path).items() if value is not None}


def _running(folder: Path) -> dict[str, str]:
    """What the running instance gave its processes; nothing where none runs."""
    path = folder / RUNNING
    if not path.is_file():
        return {}
    given: dict[str, str] = json.loads(path.read_text())
    return given


def _sandbox_url(environment: Mapping[str, str]) -> str:
    url = environment.get("SANDBOX_URL", "").rstrip("/")
    endpoint = environment.get("ALIYUN_SMS_ENDPOINT", "")
    if url and not endpoint.startswith(url):
        raise SettingError(
            "SANDBOX_URL is set but ALIYUN_SMS_ENDPOINT is not in the sandbox; unset one of them."
        )
    return url


def _make_state(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "not writable")
    except OSError as error:
        reason = error.strerror or "not usable"
        raise SettingError(
            f"The state folder {folder} cannot be used ({reason}). Name another with --state DIR."
        ) from None


def _database_url(given: str, folder: Path) -> str:
    if not given:
        return default_database_url(folder)
    for prefix in ("postgresql://", "postgres://"):
        if given.startswith(prefix):
            return "postgresql+psycopg://" + given.removeprefix(prefix)
    if given.startswith(("postgresql+psycopg://", "sqlite:///")):
        return given
    raise SettingError("DATABASE_URL must begin with postgresql:// or sqlite:///.")


def _broker_url(given: str) -> str:
    if given and not given.startswith(("redis://", "rediss://", "redis+socket://")):
        raise SettingError("BROKER_URL must begin with redis://, rediss:// or redis+socket://.")
    return given


def _weights(environment: Mapping[str, str], channel: str) -> dict[str, int]:
    """The providers of a channel; a text message must have one, the other channels may be closed."""
    key = _key(channel)
    found = route_settings.weights(environment, key, CHANNELS[channel])
    if channel == "sms" and not any(found.values()):
        raise SettingError(f"{key} names no provider with a weight above 0; put aliyun_sms there.")
    return found


def _key(channel: str) -> str:
    return f"{channel.upper()}_PROVIDERS"


def _names(given: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in given.split(","))))


def _networks(environment: Mapping[str, str], key: str, usual: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one) for one in _names(environment.get(key, usual)))
    except ValueError:
        raise SettingError(f"{key} must be networks like 10.1.0.0/16, comma-separated.") from None


def _seconds(environment: Mapping[str, str], key: str, default: float) -> float:
    given = environment.get(key)
    try:
        value = float(given) if given else default
    except ValueError:
        value = -1.0
    if not 0 < value <= 3600:
        raise SettingError(f"{key} must be a number of seconds between 0 and 3600, not {given!r}.")
    return value


def _days(environment: Mapping[str, str], name: str) -> int:
    """``KEEP_CODE_DAYS`` and its like."""
    key, (usual, fewest) = f"KEEP_{name.upper()}_DAYS", KEEP[name]
    given = environment.get(key) or str(usual)
    if not given.isascii() or not given.isdigit() or not fewest <= int(given) <= 36_500:
        raise SettingError(f"{key} must be a whole number of days, {fewest} at least, not {given!r}.")
    return int(given)


def _count(environment: Mapping[str, str], key: str) -> int:
    given = environment.get(key) or "0"
    if not given.isascii() or not given.isdigit() or int(given) > 10:
        raise SettingError(f"{key} must be a whole number from 0 to 10, not {given!r}.")
    return int(given)


def _master_key(given: str, folder: Path) -> bytes:
    text = given or _kept_secret(folder / "master.key", MASTER_KEY_BYTES)
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise SettingError(
            "HUIYIN_MASTER_KEY must be 32 bytes in URL-safe base64; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."
        )
    return key


def _kept_secret(path: Path, size: int = 24) -> str:
    """Read a secret kept in the state folder; make it the first time, for us alone to read."""
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(size))
        try:
            os.link(fresh, path)  # whoever comes first wins; nobody reads half a secret
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
