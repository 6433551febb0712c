"""Placements keep the published message as the text that it was: it is sent again byte for byte, never searched."""

from alembic import op

from services.runtime.migrations import DEAD_LETTERS_REDRIVEN

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(DEAD_LETTERS_REDRIVEN)
    for table in ("placements", "context_placements"):
        op.execute(f"alter table {table} alter event type text")
