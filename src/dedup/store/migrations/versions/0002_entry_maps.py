"""Beside each submission's link view, the object that says whose its entries are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; snapshots that were ingested before have no entry map and must be delivered again."""
    op.add_column("submissions", sa.Column("entry_map", sa.String(64)))
