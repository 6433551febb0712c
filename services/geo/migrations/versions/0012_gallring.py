"""What gallring takes away here: older placements of a report, and what was decided about its place."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant delete on placements, decisions to {work_role('geo')}")
