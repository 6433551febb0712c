"""When a dead letter was put back."""

from alembic import op

from services.runtime.migrations import DEAD_LETTERS_REDRIVEN

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(DEAD_LETTERS_REDRIVEN)
