"""The serving process writes down what other rooms deleted."""

from alembic import op

from services.runtime.migrations import serve_role

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant insert on retention_protocol to {serve_role('ingest')}")
