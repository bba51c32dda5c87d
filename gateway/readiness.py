"""Whether this process can do its work: the database answers, and has this release's schema."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from sqlalchemy.exc import SQLAlchemyError

from gateway import migrations
from gateway.db import Db

PATIENCE = 0.8  # seconds; whoever asks wants an answer within one
READY = "ok"
SILENT = "the database does not answer"
OLD_SCHEMA = "the schema is not this release's; run the migrate verb"


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
