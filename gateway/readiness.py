"""Whether this process can do its work: its settings agree, the database answers and has our schema."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from gateway import calendars, cities, migrations, plugins, runtime
from gateway.config import Settings
from gateway.db import Db
from gateway.demo import seed
from gateway.errors import SettingError
from gateway.levers import years
from gateway.runtime import Runtime
from gateway.transactions import registry

PATIENCE = 0.8  # seconds; whoever asks wants an answer within one
READY = "ok"
SILENT = "the database does not answer"
OLD_SCHEMA = "the schema is not this release's; run the migrate verb"


def check(settings: Settings) -> None:
    """Find every missing or contradictory setting before anything is started; one line each."""
    calendars.shipped()
    _check_city(settings)
    unknown = [name for name in settings.transactions if name not in registry.types()]
    if unknown:
        raise SettingError(f"TRANSACTIONS names {unknown[0]!r}; there are {', '.join(registry.types())}.")
    if settings.demo:
        return
    here = runtime.build(settings, wake=lambda _lane: None)
    try:
        _check_back_offices(here)
        seed.refuse_with_real_providers(settings, here.db)
    except (SQLAlchemyError, OSError):
        return  # who serves waits for its database; /readyz says so meanwhile
    finally:
        here.db.close()


def _check_city(settings: Settings) -> None:
    """There are rules for it, shipped or loaded, and this release can read them."""
    known = set(cities.shipped())
    db = Db(settings.database_url)
    try:
        with db.read() as tx:
            if inspect(tx).has_table(cities.city_rules.name):
                known |= set(cities.stored(tx))
    except (SQLAlchemyError, OSError):
        return  # who serves waits for its database; /readyz says so meanwhile
    finally:
        db.close()
    if settings.city not in known:
        raise SettingError(
            f"HUIYIN_CITY is {settings.city!r}; there are {', '.join(sorted(known))}. "
            "To add a city, load its file: python3 run.py rules load FILE"
        )


def _check_back_offices(here: Runtime) -> None:
    """Of every type offered, and none may be left half configured."""
    settings = here.settings
    offered = registry.offered(settings)
    for name, kind in registry.types().items():
        if kind.back_office is None:
            continue
        connector = plugins.connector(kind.back_office, settings.environment)
        if name in offered or plugins.given(connector, settings.environment):
            here.back_office(kind.back_office)


def warnings(here: Runtime) -> list[str]:
    """What works and should be seen to: a year whose working days are not announced."""
    missing = years.missing(here)
    return [str(missing)] if missing else []


@dataclass(slots=True)
class Readiness:
    """Asks the database from a thread of its own: one that hangs holds up that thread and nobody else."""

    db: Db
    _asking: threading.Thread | None = None

    def status(self) -> str:
        """``READY``, or in a line what is wrong.

        The broker is not asked: without it requests are still taken, and the
        sweep sends them on when it is back.
        """
        if self._asking is not None and self._asking.is_alive():
            return SILENT  # the last question is still not answered
        answer: SimpleQueue[str] = SimpleQueue()
        self._asking = threading.Thread(target=self._ask, args=(answer,), name="readiness", daemon=True)
        self._asking.start()
        try:
            return answer.get(timeout=PATIENCE)
        except Empty:
            return SILENT

    def _ask(self, answer: SimpleQueue[str]) -> None:
        try:
            with self.db.read() as tx:
                current = migrations.present(tx) == migrations.head()
        except (SQLAlchemyError, OSError):
            answer.put(SILENT)
        else:
            answer.put(READY if current else OLD_SCHEMA)
