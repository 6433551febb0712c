"""What gallring takes away here: superseded versions of a fact."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant delete on fact_history, context_history to {work_role('analysis')}")
