"""Whom to tell about faults of accessibility: each municipality's own statement names it, as the law asks for."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table municipalities add accessibility_contact text not null default ''")
