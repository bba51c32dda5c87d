"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db import Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WISH = "state = 'open' AND broadcast_id IS NULL AND (kind NOT IN ('return_visit', 'result_undelivered'))"


def upgrade() -> None:
    op.create_table(
        "acceptances",
        sa.Column("handover", sa.String(length=15), nullable=False),
        sa.Column("provider_ref", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("handover", name=op.f("pk_acceptances")),
    )
    with op.batch_alter_table("acceptances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acceptances_due_at"), ["due_at"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("owner", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("owner", "position", name=op.f("pk_attachments")),
    )
    op.create_table(
        "attempts",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("handover", sa.String(length=15), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("code", sa.String(length=80), nullable=True),
        sa.Column("provider_ref", sa.String(length=64), nullable=True),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.Column("receipt", sa.String(length=12), nullable=True),
        sa.Column("receipt_code", sa.String(length=80), nullable=True),
        sa.Column("receipt_at", Utc(), nullable=True),
        sa.Column("cause", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("notification_id", "handover", name=op.f("pk_attempts")),
        postgresql_with={"fillfactor": 35},
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("ix_attempts_address", ["address_index", "started_at"], unique=False)
        batch_op.create_index("ix_attempts_handover", ["handover"], unique=False)
        batch_op.create_index("ix_attempts_provider", ["provider", "started_at"], unique=False)

    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "book_matches",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("zone", sa.String(length=10), nullable=False),
        sa.Column("claimed_until", Utc(), nullable=True),
        sa.Column("checked_at", Utc(), nullable=True),
        sa.Column("problem", sa.String(length=80), nullable=True),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=False),
        sa.Column("listed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "provider", name=op.f("pk_book_matches")),
    )
    op.create_table(
        "broadcast_pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("broadcast_id", sa.Uuid(), nullable=False),
        sa.Column("after", sa.String(length=36), nullable=True),
        sa.Column("upto", sa.String(length=36), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_pages")),
    )
    with op.batch_alter_table("broadcast_pages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_broadcast_pages_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_broadcast_pages_broadcast_id"), ["broadcast_id"], unique=False)

    op.create_table(
        "broadcast_recipients",
        sa.Column("broadcast_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("broadcast_id", "position", name=op.f("pk_broadcast_recipients")),
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("template", sa.String(length=80), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("check_code", sa.String(length=6), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(length=36), nullable=True),
        sa.Column("exhausted_at", Utc(), nullable=True),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.Column("paced_until", Utc(), nullable=True),
        sa.Column("held_s", sa.Integer(), nullable=False),
        sa.Column("started_at", Utc(), nullable=True),
        sa.Column("finished_at", Utc(), nullable=True),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_broadcasts_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_broadcasts_service_id"), ["service_id"], unique=False)

    op.create_table(
        "call_backs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("broadcast_id", sa.Uuid(), nullable=True),
        sa.Column("notification_id", sa.Uuid(), nullable=True),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("done_at", Utc(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("call_from", Utc(), nullable=False),
        sa.Column("call_by", Utc(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last", sa.String(length=12), nullable=True),
        sa.Column("taken_by", sa.String(length=64), nullable=True),
        sa.Column("taken_until", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_backs")),
    )
    with op.batch_alter_table("call_backs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_backs_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            "ix_call_backs_number",
            ["number_index", "kind"],
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "ix_call_backs_open",
            ["call_from"],
            unique=False,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "ix_call_backs_ticket",
            ["broadcast_id", "notification_id"],
            unique=True,
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_call_backs_wish",
            ["citizen_id", "kind"],
            unique=True,
            postgresql_where=sa.text(_WISH),
            sqlite_where=sa.text(_WISH),
        )

    op.create_table(
        "callbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("digest", name=op.f("uq_callbacks_digest")),
    )
    with op.batch_alter_table("callbacks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_callbacks_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_callbacks_odd",
            ["state"],
            unique=False,
            postgresql_where=sa.text("state = 'unmatched' OR state = 'unreadable'"),
            sqlite_where=sa.text("state = 'unmatched' OR state = 'unreadable'"),
        )
        batch_op.create_index(batch_op.f("ix_callbacks_received_at"), ["received_at"], unique=False)

    op.create_table(
        "calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("actions", sa.LargeBinary(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("call_key", name=op.f("uq_calls_call_key")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calls_updated_at"), ["updated_at"], unique=False)

    op.create_table(
        "check_codes",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("broadcast_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("title_en", sa.String(length=80), nullable=False),
        sa.Column("made_at", Utc(), nullable=False),
        sa.Column("begun_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_check_codes")),
        sa.UniqueConstraint("broadcast_id", name=op.f("uq_check_codes_broadcast_id")),
    )

    op.create_table(
        "citizens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("id_number", sa.LargeBinary(), nullable=False),
        sa.Column("id_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("mobile", sa.LargeBinary(), nullable=True),
        sa.Column("mobile_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("email_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("postcode", sa.LargeBinary(), nullable=True),
        sa.Column("district", sa.String(length=6), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("insured_type", sa.String(length=16), nullable=False),
        sa.Column("pension_state", sa.String(length=24), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("retires_at", sa.Integer(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citizens")),
        sa.UniqueConstraint("id_index", name=op.f("uq_citizens_id_index")),
    )
    with op.batch_alter_table("citizens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_citizens_email_index"), ["email_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_citizens_mobile_index"), ["mobile_index"], unique=False)

    op.create_table(
        "calendar_notices",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("loaded_at", Utc(), nullable=False),
        sa.Column("loaded_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_calendar_notices")),
    )
    op.create_table(
        "replannings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.String(length=64), nullable=False),
        sa.Column("began_at", Utc(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("after", sa.Uuid(), nullable=True),
        sa.Column("looked", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("promises", sa.Integer(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replannings")),
    )
    with op.batch_alter_table("replannings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_replannings_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.create_table(
        "city_rules",
        sa.Column("city", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("loaded_at", Utc(), nullable=False),
        sa.Column("loaded_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("city", "version", name=op.f("pk_city_rules")),
    )

    op.create_table(
        "information_changes",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("causes", sa.String(length=80), nullable=False),
        sa.Column("before", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("decided_at", Utc(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_information_changes")),
    )
    with op.batch_alter_table("information_changes", schema=None) as batch_op:
        batch_op.create_index("ix_information_changes_item", ["citizen_id", "item", "asked_at"], unique=False)
        batch_op.create_index(
            "ix_information_changes_pending",
            ["citizen_id", "item"],
            unique=True,
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "demo_city",
        sa.Column("seed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("citizens", sa.Integer(), nullable=False),
        sa.Column("played", sa.Integer(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("seed", name=op.f("pk_demo_city")),
    )
    op.create_table(
        "digests",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("handover", sa.String(length=15), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("notices", sa.Integer(), nullable=False),
        sa.Column("titles", sa.String(length=35), nullable=False),
        sa.PrimaryKeyConstraint("notification_id", "handover", name=op.f("pk_digests")),
    )
    with op.batch_alter_table("digests", schema=None) as batch_op:
        batch_op.create_index("ix_digests_handover", ["handover"], unique=False)

    op.create_table(
        "documents",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_documents")),
    )
    op.create_table(
        "hall_closures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hall", sa.String(length=32), nullable=False),
        sa.Column("from_at", Utc(), nullable=False),
        sa.Column("to_at", Utc(), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("made_at", Utc(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("reopened_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hall_closures")),
    )
    with op.batch_alter_table("hall_closures", schema=None) as batch_op:
        batch_op.create_index("ix_hall_closures_to_at", ["to_at"], unique=False)
        batch_op.create_index(
            "ix_hall_closures_span",
            ["hall", "from_at", "to_at"],
            unique=True,
            postgresql_where=sa.text("reopened_at IS NULL"),
            sqlite_where=sa.text("reopened_at IS NULL"),
        )

    op.create_table(
        "idempotency",
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_created_at", ["created_at"], unique=False)

    op.create_table(
        "inbound",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_id", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("wish", sa.String(length=8), nullable=True),
        sa.Column("question", sa.Uuid(), nullable=True),
        sa.Column("choice", sa.String(length=1), nullable=True),
        sa.Column("handled_at", Utc(), nullable=True),
        sa.Column("handled_by", sa.String(length=80), nullable=True),
        sa.Column("received_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("provider", "provider_id", name=op.f("uq_inbound_provider_provider_id")),
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbound_service",
            ["service_id", "received_at", "id"],
            unique=False,
            postgresql_where=sa.text("service_id IS NOT NULL"),
            sqlite_where=sa.text("service_id IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_inbound_address_index"), ["address_index"], unique=False)
        batch_op.create_index("ix_inbound_received_at", ["received_at", "id"], unique=False)
        batch_op.create_index(
            "ix_inbound_waiting",
            ["received_at", "id"],
            unique=False,
            postgresql_where=sa.text(
                "question IS NULL AND text IS NOT NULL AND wish IS NULL AND handled_at IS NULL"
            ),
            sqlite_where=sa.text(
                "question IS NULL AND text IS NOT NULL AND wish IS NULL AND handled_at IS NULL"
            ),
        )

    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("broadcast_id", sa.Uuid(), nullable=True),
        sa.Column("entry", sa.String(length=12), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=False),
        sa.Column("summed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_broadcast_id"), ["broadcast_id"], unique=False)
        batch_op.create_index(
            "ix_ledger_fresh",
            ["id"],
            unique=False,
            postgresql_where=sa.text("summed IS NULL"),
            sqlite_where=sa.text("summed IS NULL"),
        )

    op.create_table(
        "measures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=24), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("difference", sa.Float(), nullable=False),
        sa.Column("summed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measures")),
    )
    with op.batch_alter_table("measures", schema=None) as batch_op:
        batch_op.create_index(
            "ix_measures_fresh",
            ["id"],
            unique=False,
            postgresql_where=sa.text("summed IS NULL"),
            sqlite_where=sa.text("summed IS NULL"),
        )

    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("broadcast_id", sa.Uuid(), nullable=True),
        sa.Column("first_id", sa.Uuid(), nullable=True),
        sa.Column("replay_of", sa.Uuid(), nullable=True),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("key_type", sa.String(length=8), nullable=True),
        sa.Column("reference", sa.String(length=1000), nullable=True),
        sa.Column("sender_id", sa.Uuid(), nullable=True),
        sa.Column("unsubscribe", sa.LargeBinary(), nullable=True),
        sa.Column("plays", sa.SmallInteger(), nullable=True),
        sa.Column("scheduled_for", Utc(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("class", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=23), nullable=True),
        sa.Column("digest", sa.Boolean(), nullable=True),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("personalisation", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=True),
        sa.Column("provider", sa.String(length=40), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.Column("handed_over_at", Utc(), nullable=True),
        sa.Column("completed_at", Utc(), nullable=True),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notifications_broadcast",
            ["broadcast_id", "id"],
            unique=False,
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_dead",
            ["status", "completed_at"],
            unique=False,
            postgresql_where=sa.text("status = 'failed' OR status = 'undelivered' OR status = 'expired'"),
            sqlite_where=sa.text("status = 'failed' OR status = 'undelivered' OR status = 'expired'"),
        )
        batch_op.create_index(
            "ix_notifications_digest",
            ["citizen_id"],
            unique=False,
            postgresql_where=sa.text("digest IS true"),
            sqlite_where=sa.text("digest IS 1"),
        )
        batch_op.create_index(
            "ix_notifications_due",
            ["lane", "due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_first",
            ["broadcast_id", "first_id"],
            unique=False,
            postgresql_where=sa.text("first_id IS NOT NULL"),
            sqlite_where=sa.text("first_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_reference",
            ["reference"],
            unique=False,
            postgresql_using="hash",
            postgresql_where=sa.text("reference IS NOT NULL"),
            sqlite_where=sa.text("reference IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_service",
            ["service_id", "key_type", "created_at", "id"],
            unique=False,
            postgresql_where=sa.text("service_id IS NOT NULL"),
            sqlite_where=sa.text("service_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_transaction",
            ["transaction_id"],
            unique=False,
            postgresql_where=sa.text("transaction_id IS NOT NULL"),
            sqlite_where=sa.text("transaction_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_notifications_unknown",
            ["lane", "due_at"],
            unique=False,
            postgresql_where=sa.text("status = 'unknown' AND due_at IS NOT NULL"),
            sqlite_where=sa.text("status = 'unknown' AND due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_notifications_replay_of",
            ["replay_of"],
            unique=True,
            postgresql_where=sa.text("replay_of IS NOT NULL"),
            sqlite_where=sa.text("replay_of IS NOT NULL"),
        )

    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("placed_at", Utc(), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holds_citizen_id"), ["citizen_id"], unique=False)

    op.create_table(
        "mandates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("helper_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("matters", sa.String(length=200), nullable=False),
        sa.Column("may_be_told", sa.Boolean(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("given_at", Utc(), nullable=False),
        sa.Column("given_by", sa.String(length=80), nullable=False),
        sa.Column("revoked_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
    )
    with op.batch_alter_table("mandates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mandates_citizen_id"), ["citizen_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mandates_helper_id"), ["helper_id"], unique=False)

    op.create_table(
        "query_passwords",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("initial", sa.Boolean(), nullable=False),
        sa.Column("set_at", Utc(), nullable=False),
        sa.Column("next_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("next_from", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("citizen_id", name=op.f("pk_query_passwords")),
    )
    op.create_table(
        "one_time_codes",
        sa.Column("who", sa.LargeBinary(length=16), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("who", "type", name=op.f("pk_one_time_codes")),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("operator", sa.String(length=40), nullable=False),
        sa.Column("began_at", Utc(), nullable=False),
        sa.Column("seen_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_operator_sessions")),
    )
    op.create_table(
        "operators",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_operators")),
    )
    op.create_table(
        "pauses",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_pauses")),
    )
    op.create_table(
        "preferences",
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("wish", sa.String(length=6), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("through", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("citizen_id", "category", "channel", name=op.f("pk_preferences")),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("broadcast_id", sa.Uuid(), nullable=True),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("answer", sa.String(length=1), nullable=True),
        sa.Column("answered_at", Utc(), nullable=True),
        sa.Column("inbound_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_questions_address",
            ["address_index", "asked_at"],
            unique=False,
            postgresql_where=sa.text("asked_at IS NOT NULL"),
            sqlite_where=sa.text("asked_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_questions_broadcast",
            ["broadcast_id", "answer", "id"],
            unique=False,
            postgresql_where=sa.text("answer IS NOT NULL"),
            sqlite_where=sa.text("answer IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_questions_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.create_table(
        "evaluations",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("face", sa.String(length=8), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_evaluations")),
    )
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluations_at"), ["at"], unique=False)

    op.create_table(
        "promises",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("made_at", Utc(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=12), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("ends_at", Utc(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("extended", sa.Integer(), nullable=False),
        sa.Column("said", sa.String(length=8), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("kept_at", Utc(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
        sa.UniqueConstraint(
            "transaction_id", "kind", "made_at", name=op.f("uq_promises_transaction_id_kind_made_at")
        ),
    )
    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.create_index(
            "ix_promises_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_promises_ends_at",
            ["ends_at"],
            unique=False,
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            "ix_promises_running",
            ["transaction_id", "kind"],
            unique=True,
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )

    op.create_table(
        "reminders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("occasion", sa.String(length=40), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("planned_for", Utc(), nullable=False),
        sa.Column("settled_at", Utc(), nullable=True),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint(
            "citizen_id",
            "type",
            "event",
            "channel",
            "occasion",
            name=op.f("uq_reminders_citizen_id_type_event_channel_occasion"),
        ),
    )
    with op.batch_alter_table("reminders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reminders_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_reminders_transaction_id"), ["transaction_id"], unique=False)

    op.create_table(
        "route_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("was", sa.String(length=40), nullable=False),
        sa.Column("became", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("counts", sa.String(length=80), nullable=False),
        sa.Column("until", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_events")),
    )
    with op.batch_alter_table("route_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_route_events_at"), ["at"], unique=False)

    op.create_table(
        "services",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("rate_limit", sa.Integer(), nullable=False),
        sa.Column("daily_limits", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
        sa.UniqueConstraint("name", name=op.f("uq_services_name")),
    )
    op.create_table(
        "slots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hall", sa.String(length=32), nullable=False),
        sa.Column("starts_at", Utc(), nullable=False),
        sa.Column("web", sa.Integer(), nullable=False),
        sa.Column("phone", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slots")),
        sa.UniqueConstraint("hall", "starts_at", name=op.f("uq_slots_hall_starts_at")),
    )
    op.create_table(
        "suppressions",
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("until", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("address_index", "reason", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "tallies",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_tallies")),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("klass", sa.String(length=10), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("archived_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("name", "channel", "language", name=op.f("uq_templates_name_channel_language")),
    )
    op.create_table(
        "barometer_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("face", sa.String(length=8), nullable=False),
        sa.Column("district", sa.String(length=6), nullable=False),
        sa.Column("band", sa.String(length=5), nullable=False),
        sa.Column("insured", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day",
            "measure",
            "type",
            "face",
            "district",
            "band",
            "insured",
            name=op.f("pk_barometer_counts"),
        ),
    )
    op.create_table(
        "barometer_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("after_event", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", Utc(), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_barometer_days")),
    )
    op.create_table(
        "tidied",
        sa.Column("walk", sa.String(length=40), nullable=False),
        sa.Column("upto", sa.Uuid(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("walk", name=op.f("pk_tidied")),
    )
    op.create_table(
        "timeline",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline")),
    )
    with op.batch_alter_table("timeline", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_timeline_transaction_id"), ["transaction_id"], unique=False)

    op.create_table(
        "transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=14), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("face", sa.String(length=8), nullable=False),
        sa.Column("city", sa.String(length=32), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=True),
        sa.Column("answers", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("stage", sa.String(length=24), nullable=False),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("begun_by", sa.Uuid(), nullable=True),
        sa.Column("begun_as", sa.String(length=64), nullable=True),
        sa.Column("proof", sa.String(length=16), nullable=True),
        sa.Column("factors", sa.String(length=24), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("helper_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=80), nullable=True),
        sa.Column("trouble", sa.String(length=80), nullable=True),
        sa.Column("calling", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("told_waiting", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("submitted_at", Utc(), nullable=True),
        sa.Column("unanswered_since", Utc(), nullable=True),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("reference", name=op.f("uq_transactions_reference")),
    )
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transactions_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            "ix_transactions_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_transactions_begun",
            ["begun_as", "begun_by"],
            unique=True,
            postgresql_where=sa.text("begun_by IS NOT NULL"),
            sqlite_where=sa.text("begun_by IS NOT NULL"),
        )

    op.create_table(
        "weight_overrides",
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("channel", "provider", name=op.f("pk_weight_overrides")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("templates", sa.Text(), nullable=False),
        sa.Column("senders", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=True),
        sa.Column("revoked_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_api_keys_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_service_id"), ["service_id"], unique=False)

    op.create_table(
        "senders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("inbound", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("archived_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_senders_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_senders")),
    )
    with op.batch_alter_table("senders", schema=None) as batch_op:
        batch_op.create_index("ix_senders_service_id", ["service_id", "channel"], unique=False)
        batch_op.create_index(batch_op.f("ix_senders_value_index"), ["value_index"], unique=False)

    op.create_table(
        "guests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_guests_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guests")),
        sa.UniqueConstraint("service_id", "address_index", name=op.f("uq_guests_service_id_address_index")),
    )
    op.create_table(
        "bookings",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("quota", sa.String(length=8), nullable=False),
        sa.Column("matter", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("citizen_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("held_until", Utc(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=8), nullable=True),
        sa.Column("checked_in_at", Utc(), nullable=True),
        sa.Column("served_at", Utc(), nullable=True),
        sa.Column("wait_hall", sa.String(length=32), nullable=True),
        sa.Column("wait_from", Utc(), nullable=True),
        sa.Column("wait_to", Utc(), nullable=True),
        sa.Column("wait_since", Utc(), nullable=True),
        sa.Column("due_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name=op.f("fk_bookings_slot_id")),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("slot_id", "place", name=op.f("uq_bookings_slot_id_place")),
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_bookings_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_bookings_held",
            ["held_until"],
            unique=False,
            postgresql_where=sa.text("held_until IS NOT NULL"),
            sqlite_where=sa.text("held_until IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_bookings_subject"), ["subject"], unique=False)
        batch_op.create_index(
            "ix_bookings_waiting",
            ["wait_hall", "wait_from"],
            unique=False,
            postgresql_where=sa.text("wait_from IS NOT NULL"),
            sqlite_where=sa.text("wait_from IS NOT NULL"),
        )

    op.create_table(
        "walk_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hall", sa.String(length=32), nullable=False),
        sa.Column("matter", sa.String(length=32), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_walk_ins")),
    )
    with op.batch_alter_table("walk_ins", schema=None) as batch_op:
        batch_op.create_index("ix_walk_ins_hall_at", ["hall", "at"], unique=False)

    op.create_table(
        "template_versions",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("published_at", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name=op.f("fk_template_versions_template_id")
        ),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_template_versions")),
    )
    op.create_table(
        "provider_templates",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id", "version"],
            ["template_versions.template_id", "template_versions.version"],
            name=op.f("fk_provider_templates_template_id"),
        ),
        sa.PrimaryKeyConstraint("template_id", "version", "provider", name=op.f("pk_provider_templates")),
    )

    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("paused_at", Utc(), nullable=True),
        sa.Column("paused_why", sa.String(length=80), nullable=True),
        sa.Column("removed_at", Utc(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_webhooks_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("service_id", "kind", name=op.f("uq_webhooks_service_id_kind")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("detail", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=80), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=True),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_events_due",
            ["webhook_id", "due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index("ix_webhook_events_log", ["webhook_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_events_log")
        batch_op.drop_index(
            "ix_webhook_events_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("acceptances")
    op.drop_table("webhook_events")
    op.drop_table("webhooks")
    op.drop_table("provider_templates")
    op.drop_table("template_versions")
    with op.batch_alter_table("walk_ins", schema=None) as batch_op:
        batch_op.drop_index("ix_walk_ins_hall_at")

    op.drop_table("walk_ins")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_bookings_waiting",
            postgresql_where=sa.text("wait_from IS NOT NULL"),
            sqlite_where=sa.text("wait_from IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_bookings_subject"))
        batch_op.drop_index(
            "ix_bookings_held",
            postgresql_where=sa.text("held_until IS NOT NULL"),
            sqlite_where=sa.text("held_until IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_bookings_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("bookings")
    op.drop_table("guests")
    with op.batch_alter_table("senders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_senders_value_index"))
        batch_op.drop_index("ix_senders_service_id")

    op.drop_table("senders")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_service_id"))

    op.drop_table("api_keys")
    op.drop_table("weight_overrides")
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_transactions_begun",
            postgresql_where=sa.text("begun_by IS NOT NULL"),
            sqlite_where=sa.text("begun_by IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_transactions_created_at"))
        batch_op.drop_index(
            "ix_transactions_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("transactions")
    with op.batch_alter_table("timeline", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_timeline_transaction_id"))

    op.drop_table("timeline")
    op.drop_table("tidied")
    op.drop_table("barometer_days")
    op.drop_table("barometer_counts")
    op.drop_table("templates")
    op.drop_table("tallies")
    op.drop_table("suppressions")
    op.drop_table("slots")
    op.drop_table("services")
    with op.batch_alter_table("route_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_route_events_at"))

    op.drop_table("route_events")
    with op.batch_alter_table("reminders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reminders_transaction_id"))
        batch_op.drop_index(
            "ix_reminders_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("reminders")
    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_promises_running",
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index(
            "ix_promises_ends_at",
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index(
            "ix_promises_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("promises")
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluations_at"))

    op.drop_table("evaluations")
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_questions_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_questions_broadcast",
            postgresql_where=sa.text("answer IS NOT NULL"),
            sqlite_where=sa.text("answer IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_questions_address",
            postgresql_where=sa.text("asked_at IS NOT NULL"),
            sqlite_where=sa.text("asked_at IS NOT NULL"),
        )

    op.drop_table("questions")
    op.drop_table("preferences")
    op.drop_table("pauses")
    op.drop_table("operators")
    op.drop_table("operator_sessions")
    op.drop_table("one_time_codes")
    op.drop_table("query_passwords")
    with op.batch_alter_table("mandates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mandates_helper_id"))
        batch_op.drop_index(batch_op.f("ix_mandates_citizen_id"))

    op.drop_table("mandates")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holds_citizen_id"))

    op.drop_table("holds")
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_notifications_replay_of",
            postgresql_where=sa.text("replay_of IS NOT NULL"),
            sqlite_where=sa.text("replay_of IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_unknown",
            postgresql_where=sa.text("status = 'unknown' AND due_at IS NOT NULL"),
            sqlite_where=sa.text("status = 'unknown' AND due_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_transaction",
            postgresql_where=sa.text("transaction_id IS NOT NULL"),
            sqlite_where=sa.text("transaction_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_service",
            postgresql_where=sa.text("service_id IS NOT NULL"),
            sqlite_where=sa.text("service_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_reference",
            postgresql_using="hash",
            postgresql_where=sa.text("reference IS NOT NULL"),
            sqlite_where=sa.text("reference IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_first",
            postgresql_where=sa.text("first_id IS NOT NULL"),
            sqlite_where=sa.text("first_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_notifications_digest",
            postgresql_where=sa.text("digest IS true"),
            sqlite_where=sa.text("digest IS 1"),
        )
        batch_op.drop_index(
            "ix_notifications_dead",
            postgresql_where=sa.text("status = 'failed' OR status = 'undelivered' OR status = 'expired'"),
            sqlite_where=sa.text("status = 'failed' OR status = 'undelivered' OR status = 'expired'"),
        )
        batch_op.drop_index(
            "ix_notifications_broadcast",
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        )

    op.drop_table("notifications")
    with op.batch_alter_table("measures", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_measures_fresh",
            postgresql_where=sa.text("summed IS NULL"),
            sqlite_where=sa.text("summed IS NULL"),
        )

    op.drop_table("measures")
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ledger_fresh",
            postgresql_where=sa.text("summed IS NULL"),
            sqlite_where=sa.text("summed IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_ledger_broadcast_id"))

    op.drop_table("ledger")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_inbound_service",
            postgresql_where=sa.text("service_id IS NOT NULL"),
            sqlite_where=sa.text("service_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_inbound_waiting",
            postgresql_where=sa.text(
                "question IS NULL AND text IS NOT NULL AND wish IS NULL AND handled_at IS NULL"
            ),
            sqlite_where=sa.text(
                "question IS NULL AND text IS NOT NULL AND wish IS NULL AND handled_at IS NULL"
            ),
        )
        batch_op.drop_index("ix_inbound_received_at")
        batch_op.drop_index(batch_op.f("ix_inbound_address_index"))

    op.drop_table("inbound")
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.drop_index("ix_idempotency_created_at")

    op.drop_table("idempotency")
    with op.batch_alter_table("hall_closures", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_hall_closures_span",
            postgresql_where=sa.text("reopened_at IS NULL"),
            sqlite_where=sa.text("reopened_at IS NULL"),
        )
        batch_op.drop_index("ix_hall_closures_to_at")

    op.drop_table("hall_closures")
    op.drop_table("documents")
    with op.batch_alter_table("digests", schema=None) as batch_op:
        batch_op.drop_index("ix_digests_handover")

    op.drop_table("digests")
    op.drop_table("city_rules")
    op.drop_table("calendar_notices")
    with op.batch_alter_table("replannings", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_replannings_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("replannings")
    op.drop_table("demo_city")
    with op.batch_alter_table("information_changes", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_information_changes_pending",
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index("ix_information_changes_item")

    op.drop_table("information_changes")
    with op.batch_alter_table("citizens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_citizens_mobile_index"))
        batch_op.drop_index(batch_op.f("ix_citizens_email_index"))

    op.drop_table("citizens")
    op.drop_table("check_codes")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calls_updated_at"))

    op.drop_table("calls")
    with op.batch_alter_table("callbacks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_callbacks_received_at"))
        batch_op.drop_index(
            "ix_callbacks_odd",
            postgresql_where=sa.text("state = 'unmatched' OR state = 'unreadable'"),
            sqlite_where=sa.text("state = 'unmatched' OR state = 'unreadable'"),
        )
        batch_op.drop_index(
            "ix_callbacks_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("callbacks")
    with op.batch_alter_table("call_backs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_backs_created_at"))
        batch_op.drop_index(
            "ix_call_backs_wish",
            postgresql_where=sa.text(_WISH),
            sqlite_where=sa.text(_WISH),
        )
        batch_op.drop_index(
            "ix_call_backs_ticket",
            postgresql_where=sa.text("broadcast_id IS NOT NULL"),
            sqlite_where=sa.text("broadcast_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_call_backs_number",
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(
            "ix_call_backs_open",
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )

    op.drop_table("call_backs")
    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcasts_service_id"))
        batch_op.drop_index(
            "ix_broadcasts_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("broadcasts")
    op.drop_table("broadcast_recipients")
    with op.batch_alter_table("broadcast_pages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_pages_broadcast_id"))
        batch_op.drop_index(
            "ix_broadcast_pages_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("broadcast_pages")
    op.drop_table("book_matches")
    op.drop_table("audit_head")
    op.drop_table("audit")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_attempts_provider")
        batch_op.drop_index("ix_attempts_handover")
        batch_op.drop_index("ix_attempts_address")

    op.drop_table("attempts")
    op.drop_table("attachments")
