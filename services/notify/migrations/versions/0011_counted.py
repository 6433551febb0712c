"""The voice tells the planner when its queue and ledger have filled, which autovacuum sees a minute too late."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(f"grant maintain on due, deliveries to {work_role('notify')}")
