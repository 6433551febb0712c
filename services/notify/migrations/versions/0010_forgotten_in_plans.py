"""Whoever is erased is taken out of rules and groups too, in every revision that was ever saved."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant update (document) on plans to {work_role('notify')}")
