"""Placements keep the published message as the text that it was: it is sent again byte for byte, never searched."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("placements", "context_placements"):
        op.execute(f"alter table {table} alter event type text")
