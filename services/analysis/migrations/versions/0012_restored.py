"""When the database was last restored: what was due before then has been told by the one that was lost."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("alter table epoch add column restored_at timestamptz")
