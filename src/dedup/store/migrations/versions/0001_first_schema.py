"""The first schema: submissions, runs and stages, registrations seen, the audit chain."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make every table, and triggers by which the database itself keeps the audit log append-only."""
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("vendor", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(8), nullable=False),
        sa.Column("snapshot_date", sa.Date, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("file_sha256", DIGEST, nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        sa.Column("body_sha256", DIGEST, nullable=False),
        sa.Column("epoch_key_id", sa.String(64), nullable=False),
        sa.Column("model_digest", DIGEST, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason_code", sa.String(64)),
        sa.Column("settled_at", MOMENT),
        sa.Column("registrations", sa.Integer),
        sa.Column("link_view", DIGEST),
        sa.Column("attributes", DIGEST),
        sa.Column("statistics", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
    )
    op.create_index("ix_submissions_provider_epoch_key_id_state", "submissions", ["provider", "epoch_key_id", "state"])
    op.create_index("ix_submissions_state", "submissions", ["state"])
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("result_digest", DIGEST),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_table(
        "stages",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("input_digest", DIGEST, nullable=False),
        sa.Column("run_id", sa.String(32), sa.ForeignKey("runs.id", name="fk_stages_run_id"), nullable=False),
        sa.Column("output_digest", DIGEST, nullable=False),
        sa.Column("output_object", DIGEST),
        sa.Column("output_view", sa.String(16)),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", "input_digest", name="pk_stages"),
    )
    op.create_table(
        "registrations_seen",
        sa.Column("provider", sa.String(8), nullable=False),
        sa.Column("epoch_key_id", sa.String(64), nullable=False),
        sa.Column("registration", sa.LargeBinary(32), nullable=False),
        sa.Column("identity", sa.LargeBinary(32), nullable=False),
        sa.Column("first_seen", sa.Date, nullable=False),
        sa.Column("identity_since", sa.Date, nullable=False),
        sa.Column("identity_changes", sa.Integer, nullable=False),
        sa.Column("gone_since", sa.Date),
        sa.PrimaryKeyConstraint("provider", "epoch_key_id", "registration", name="pk_registrations_seen"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("object", sa.String(128), nullable=False),
        sa.Column("ground", sa.String(128), nullable=False),
        sa.Column("previous_hash", DIGEST, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_object", "audit", ["object"])
    if op.get_bind().dialect.name == "sqlite":
        _keep_audit_on_sqlite()
    else:
        _keep_audit_on_postgresql()


def _keep_audit_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def _keep_audit_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
