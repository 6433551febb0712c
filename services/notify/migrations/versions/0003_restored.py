"""When the database was restored: what was reported before then was told before then, as far as this ledger knows."""

from alembic import op

from services.runtime.migrations import grants

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create table restored (at timestamptz not null)")
    for step in grants("restored", work="select", room="notify"):
        op.execute(step)
