"""What an instance consists of: each program, its arguments, its environment."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from celeryconfig import GENERAL_QUEUES, URGENT_QUEUES
from gateway.config import Settings
from gateway.instance import broker
from gateway.instance.port import LOOPBACK
from gateway.instance.supervisor import Program

SIGN_NAME = "常德人社"
TTS_CODE = "TTS_1"
TWILIO_SID = "AC" + "0" * 32
REPEAT = "#rc=5&rp=all"  # asks Twilio to repeat what we could not take; by itself it would not
TWILIO_NUMBER = "+18005550100"  # of a range kept for fiction
# Settings of libraries that would quietly change how our programs run.
FOREIGN = ("CELERY_", "GUNICORN_", "FLASK_", "WEB_CONCURRENCY")
# Stopped in this order: doors first, then whoever works, then what the work needs.
# Python uses one core a process; what must not wait has a worker of its own beside these.
GENERAL = tuple(f"general{number or ''}" for number in range(max(2, min(4, len(os.sched_getaffinity(0))))))
WORKERS = ("urgent", *GENERAL)
# A lane may hold two threads for as long as its provider hangs (``tasks/turns.py``). So the urgent worker
# has one more than all its lanes, for the sweep, and a general one more than two channels' lanes.
URGENT_THREADS, GENERAL_THREADS = 9, 10
STOP_ORDER = (("api", "beat"), WORKERS, ("sandbox",), ("broker",))


@dataclass(slots=True)
class Plan:
    """The settings of one instance, the address it is found at, and where its sandbox listens."""

    settings: Settings
    port: int
    door: int  # descriptor of the listening socket
    sandbox_port: int = 0  # the system chooses once; a restart keeps it
    smtp_port: int = 0  # and where its mailbox does
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{LOOPBACK}:{self.sandbox_port}" if self.sandbox_port else self.settings.sandbox_url

    @property
    def plays_world(self) -> bool:
        """Whether this instance brings its own sandbox."""
        return self.settings.demo and not self.settings.sandbox_url

    @property
    def broker_socket(self) -> Path:
        return broker.socket_path(self.settings.state)

    # --- environment ---

    def environment(self) -> dict[str, str]:
        """What every process gets; complete once the sandbox listens."""
        kept = {
            name: value for name, value in self.settings.environment.items() if not name.startswith(FOREIGN)
        }
        return {**kept, "PYTHONUNBUFFERED": "1", **self.given()}

    def given(self) -> dict[str, str]:
        """What this instance adds to the settings it was started with."""
        own = {
            "HUIYIN_STATE": str(self.settings.state),
            "DATABASE_URL": _absolute(self.settings.database_url),
            "BROKER_URL": self.settings.broker_url or f"redis+socket://{self.broker_socket}",
            "PUBLIC_URL": self.settings.environment.get("PUBLIC_URL") or self.url,
        }
        return own | (self._sandbox_accounts() if self.plays_world else {})

    def _sandbox_accounts(self) -> dict[str, str]:
        """How our side reaches the world the sandbox plays."""
        return {
            "SANDBOX_URL": self.sandbox_url,
            "SMS_PROVIDERS": "aliyun_sms=9,twilio_sms=1",
            "VOICE_PROVIDERS": "aliyun_voice=9,twilio_voice=1",
            "EMAIL_PROVIDERS": "smtp",
            "ALIYUN_SMS_ENDPOINT": self.sandbox_url,
            "ALIYUN_VOICE_ENDPOINT": self.sandbox_url,
            "ALIYUN_ACCESS_KEY_ID": "sandbox",
            "ALIYUN_ACCESS_KEY_SECRET": self.secrets["aliyun"],
            "ALIYUN_SMS_SIGN_NAME": SIGN_NAME,
            "ALIYUN_TTS_CODE": TTS_CODE,
            "ALIYUN_CALLBACK_NETWORKS": f"{LOOPBACK}/32",
            "TWILIO_API_URL": self.sandbox_url,
            "TWILIO_ACCOUNT_SID": TWILIO_SID,
            "TWILIO_AUTH_TOKEN": self.secrets["twilio"],
            "TWILIO_FROM": TWILIO_NUMBER,
            "TWILIO_VOICE_FROM": TWILIO_NUMBER,
            "SMTP_HOST": LOOPBACK,
            "SMTP_PORT": str(self.smtp_port),
            "SMTP_SECURITY": "none",
            "SMTP_SENDER": f"{SIGN_NAME} <notice@example.com>",
            "EMAIL_CALLBACK_NETWORKS": f"{LOOPBACK}/32",
            "CARD_CORE_URL": self.sandbox_url,
            "CARD_CORE_APP_ID": "huiyin",
            "CARD_CORE_SECRET": self.secrets["card_core"],
            "CARD_BANK_URL": f"{self.sandbox_url}/bank",
            "PENSION_REGISTRY_URL": self.sandbox_url,
            "PENSION_REGISTRY_APP_ID": "huiyin",
            "PENSION_REGISTRY_SECRET": self.secrets["pension_registry"],
            "FILING_REGISTER_URL": self.sandbox_url,
            "FILING_REGISTER_APP_ID": "huiyin",
            "FILING_REGISTER_SECRET": self.secrets["filing_register"],
            "TRANSFER_PLATFORM_URL": self.sandbox_url,
            "TRANSFER_PLATFORM_APP_ID": "huiyin",
            "TRANSFER_PLATFORM_SECRET": self.secrets["transfer_platform"],
            "WORK_ORDER_PLATFORM_URL": self.sandbox_url,
            "WORK_ORDER_PLATFORM_APP_ID": "huiyin",
            "WORK_ORDER_PLATFORM_SECRET": self.secrets["work_order_platform"],
        }

    def _accounts_of_sandbox(self) -> dict[str, str]:
        """The same accounts as the sandbox itself is told them; never as arguments, which everybody sees."""
        return {
            **self.settings.environment,
            "SANDBOX_ACCESS_KEY_ID": "sandbox",
            "SANDBOX_ACCESS_KEY_SECRET": self.secrets["aliyun"],
            "SANDBOX_SIGN_NAME": SIGN_NAME,
            "SANDBOX_TTS_CODE": TTS_CODE,
            "SANDBOX_TWILIO_SID": TWILIO_SID,
            "SANDBOX_TWILIO_TOKEN": self.secrets["twilio"],
            "SANDBOX_TWILIO_NUMBERS": TWILIO_NUMBER,
            "SANDBOX_CARD_APP_ID": "huiyin",
            "SANDBOX_CARD_SECRET": self.secrets["card_core"],
            "SANDBOX_PENSION_APP_ID": "huiyin",
            "SANDBOX_PENSION_SECRET": self.secrets["pension_registry"],
            "SANDBOX_FILING_APP_ID": "huiyin",
            "SANDBOX_FILING_SECRET": self.secrets["filing_register"],
            "SANDBOX_TRANSFER_APP_ID": "huiyin",
            "SANDBOX_TRANSFER_SECRET": self.secrets["transfer_platform"],
            "SANDBOX_WORK_ORDER_APP_ID": "huiyin",
            "SANDBOX_WORK_ORDER_SECRET": self.secrets["work_order_platform"],
        }

    # --- programs ---

    def broker(self) -> Program:
        path = self.broker_socket
        return Program(
            "broker",
            lambda: broker.command(path),
            self.settings.environment,
            ready=lambda _: broker.answers(path),
        )

    def sandbox(self) -> Program:
        folder = self.settings.state / "sandbox"
        folder.mkdir(mode=0o700, exist_ok=True)
        ready_file = folder / "ready.json"

        def command() -> Sequence[str]:
            ready_file.unlink(missing_ok=True)
            ports = ["--port", str(self.sandbox_port), "--smtp-port", str(self.smtp_port)]
            place = [*ports, "--state", str(folder)]
            return ["-m", "integrations.sandbox", *place, "--ready-file", str(ready_file)]

        return Program(
            "sandbox",
            command,
            self._accounts_of_sandbox(),
            ready=lambda _: ready_file.exists(),
            greet=lambda: self._meet_sandbox(ready_file),
        )

    def _meet_sandbox(self, ready_file: Path) -> None:
        """Learn where it listens; tell it where reports go (a secret path, so not as an argument)."""
        ready = json.loads(ready_file.read_text())
        self.sandbox_port = int(ready["url"].rpartition(":")[2])
        self.smtp_port = int(ready["smtp_port"])
        line = http.client.HTTPConnection(LOOPBACK, self.sandbox_port, timeout=5)
        words = json.dumps(self._reports())
        line.request("POST", "/_sandbox/settings", words, {"Content-Type": "application/json"})
        line.getresponse().read()
        line.close()

    def _reports(self) -> dict[str, str]:
        """Where the sandbox sends what happens there, by its own settings' names."""
        secret = self.settings.callback_secret

        def door(provider: str, kind: str) -> str:
            return f"{self.url}/callbacks/{provider}/{secret}/{kind}"

        return {
            "report_url": door("aliyun_sms", "sms-report"),
            "sms_up_url": door("aliyun_sms", "sms-up"),
            "voice_report_url": door("aliyun_voice", "voice-report"),
            "email_report_url": door("smtp", "email-report"),
            "twilio_inbound_url": door("twilio_sms", "sms-inbound") + REPEAT,
            "voice_url": f"{self.url}/phone/twilio/{secret}/voice",
            "voice_status_url": f"{self.url}/phone/twilio/{secret}/ended",
        }

    def workers(self) -> Sequence[Program]:
        """The API, the Celery workers, and beat."""
        environment = self.environment()
        return [
            Program(
                "api",
                lambda: gunicorn(self.door),
                environment,
                lambda _: _is_ready(self.port),
                descriptors=(self.door,),
            ),
            Program(
                "urgent",
                lambda: _celery("urgent", URGENT_THREADS, URGENT_QUEUES),
                environment,
                _worker_is_ready,
            ),
            *(self._general(name) for name in GENERAL),
            Program("beat", lambda: (*_CELERY, "beat", "--loglevel", "WARNING"), environment),
        ]

    def _general(self, name: str) -> Program:
        """One that yields to the doors and to the urgent worker: a push delays no code."""
        command = _celery(name, GENERAL_THREADS, GENERAL_QUEUES)
        return Program(name, lambda: command, self.environment(), _worker_is_ready, modest=True)


# Seconds a connection may idle: longer than proxies (nginx: 60) and vendors' clients keep one, so that it
# is they who close. Where we do, a push may meet the closing door, and its vendor comes again a minute later.
KEPT_IDLE = 75
_CELERY = ("-m", "celery", "--quiet", "-A", "tasks.app")


def gunicorn(door: int) -> Sequence[str]:
    """The API's own command, on a listening descriptor."""
    options = [
        "--bind",
        f"fd://{door}",
        "--worker-class",
        "gateway.staying.Worker",
        "--workers",
        "2",
        "--threads",
        "16",
    ]
    limits = [
        "--timeout",
        "60",
        "--keep-alive",
        str(KEPT_IDLE),
        "--graceful-timeout",
        "5",
        "--log-level",
        "warning",
        "--no-control-socket",
    ]
    return ["-m", "gunicorn", *options, *limits, "wsgi:app"]


def _celery(name: str, threads: int, queues: Sequence[str]) -> Sequence[str]:
    pool = ("--pool", "threads", "--concurrency", str(threads), "--queues", ",".join(queues))
    silence = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
    return (*_CELERY, "worker", "--hostname", f"{name}@%h", *pool, *silence)


def _worker_is_ready(log: str) -> bool:
    return " ready." in log  # celery's own word, at level INFO


def _is_ready(port: int) -> bool:
    line = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        line.request("GET", "/readyz")
        return line.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _absolute(database_url: str) -> str:
    """A SQLite file named from the caller's folder, named in full: our programs run in another."""
    prefix = "sqlite:///"
    if not database_url.startswith(prefix):
        return database_url
    return prefix + str(Path(database_url.removeprefix(prefix)).absolute())
