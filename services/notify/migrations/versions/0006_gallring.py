"""What gallring looks for in the ledger."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index on deliveries (kommun, report_id)")
