"""Who has read what in this room."""

from alembic import op

from services.runtime.migrations import read_log_tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for step in read_log_tables("ingest"):
        op.execute(step)
