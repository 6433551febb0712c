"""The working role forgets people: their subscriptions go with their contact details."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant delete on subscriptions to {work_role('notify')}")
