"""What became of an upload's lines, counted while they are handled: the sender's delivery report."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table batches add outcomes jsonb not null default '{}'")
