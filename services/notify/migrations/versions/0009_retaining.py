"""What gallring by the municipality's decision takes out of the ledger."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("deliveries", "attempts", "notices", "alerts"):
        op.execute(f"grant delete on {table} to {work_role('notify')}")
