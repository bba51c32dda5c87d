"""Structured logs: one JSON object a line, personal data masked on the way out.

Names and codes are never given to a logger in the first place; what looks like
an ID number or a mobile is masked here whoever wrote it, our code or a library.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from gateway.security import redact

# A line per tick or task would be tens of megabytes a day.
CHATTY = ("celery.beat", "celery.worker.strategy", "celery.app.trace", "alembic")


class _Redacting(logging.Formatter):
    """Formats with structlog, then masks the finished line, tracebacks included."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._formatter.format(record))


def configure(level: int = logging.INFO) -> None:
    """Send every logger of this process through the masking formatter, to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(formatter))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
