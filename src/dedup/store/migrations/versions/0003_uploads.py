"""Uploads on their way, what each vendor sent on a day, and a vendor's submissions by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables, and the index by which a vendor's own submissions are listed."""
    op.create_table(
        "uploads",
        sa.Column("vendor", sa.String(64), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("idempotency_key", sa.String(128), nullable=False),
        sa.Column("provider", sa.String(8), nullable=False),
        sa.Column("snapshot_date", sa.Date, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("touched_at", MOMENT, nullable=False),
        sa.Column("faults", sa.JSON),
        sa.PrimaryKeyConstraint("vendor", "submission_id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_vendor_idempotency_key", "uploads", ["vendor", "idempotency_key"], unique=True)
    op.create_index("ix_uploads_vendor_created_at", "uploads", ["vendor", "created_at"])
    op.create_index("ix_uploads_state_touched_at", "uploads", ["state", "touched_at"])
    op.create_table(
        "upload_days",
        sa.Column("vendor", sa.String(64), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vendor", "day", name="pk_upload_days"),
    )
    op.create_index("ix_submissions_vendor_received_at", "submissions", ["vendor", "received_at"])
