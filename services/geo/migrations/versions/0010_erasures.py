"""The working role forgets who settled a place."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant select, update (decided_by) on decisions to {work_role('geo')}")
