"""The chain of schema changes. Its end and the tables in code are the same; a test holds them together."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway import audit as _audit
from gateway import cities as _cities
from gateway.appointments import book as _appointments
from gateway.barometer import store as _barometer
from gateway.broadcasts import pages as _broadcast_pages
from gateway.broadcasts import recipients as _broadcast_recipients
from gateway.broadcasts import store as _broadcasts
from gateway.citizens import holds as _holds
from gateway.citizens import mandates as _mandates
from gateway.citizens import passwords as _passwords
from gateway.citizens import register as _register
from gateway.content import documents as _documents
from gateway.content import store as _content
from gateway.db import Db, metadata
from gateway.delivery import acceptances as _acceptances
from gateway.delivery import books as _books
from gateway.delivery import measures as _measures
from gateway.delivery import receipts as _receipts
from gateway.delivery import retention as _retention
from gateway.delivery import route_book as _routes
from gateway.delivery import store as _attempts
from gateway.demo import seed as _demo
from gateway.notifications import check_codes as _check_codes
from gateway.notifications import inbound as _inbound
from gateway.notifications import pauses as _pauses
from gateway.notifications import preferences as _preferences
from gateway.notifications import questions as _questions
from gateway.notifications import store as _notifications
from gateway.notifications import suppression as _suppression
from gateway.phone import calls as _calls
from gateway.records import changes as _changes
from gateway.services import guests as _guests
from gateway.services import idempotency as _idempotency
from gateway.services import operators as _operators
from gateway.services import senders as _senders
from gateway.services import sessions as _sessions
from gateway.services import store as _services
from gateway.transactions import call_backs as _call_backs
from gateway.transactions import identity as _identity
from gateway.transactions import reminders as _reminders
from gateway.transactions import replanning as _replanning
from gateway.transactions import store as _transactions

# Importing a room declares its tables; this is the only place that must know them all.
ROOMS = (
    _audit,
    _cities,
    _barometer,
    _register,
    _holds,
    _mandates,
    _passwords,
    _changes,
    _content,
    _documents,
    _books,
    _measures,
    _receipts,
    _retention,
    _routes,
    _attempts,
    _check_codes,
    _inbound,
    _pauses,
    _preferences,
    _questions,
    _notifications,
    _suppression,
    _idempotency,
    _operators,
    _services,
    _senders,
    _guests,
    _sessions,
    _call_backs,
    _identity,
    _reminders,
    _replanning,
    _transactions,
    _calls,
    _appointments,
    _broadcasts,
    _broadcast_pages,
    _broadcast_recipients,
    _acceptances,
    _demo,
)
FOLDER = Path(__file__).parent
__all__ = ["head", "metadata", "present", "upgrade"]


def upgrade(db: Db, to: str = "head") -> None:
    """Bring the schema to the newest revision; does nothing when it is there already."""
    with db.write() as tx:
        command.upgrade(_config(tx), to)


def present(tx: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    return MigrationContext.configure(tx).get_current_revision()


def head() -> str | None:
    """The newest revision in code."""
    return ScriptDirectory(str(FOLDER)).get_current_head()


def _config(tx: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = tx
    return config
