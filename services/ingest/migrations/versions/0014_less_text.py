"""Texts go with the correction or withdrawal that replaces them, and when an analyst takes one away."""

from alembic import op

from services.runtime.migrations import serve_role, work_role

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"grant delete on texts to {serve_role('ingest')}, {work_role('ingest')}")
    # What was replaced before: the owner is under the policies too, so they are lifted for a moment.
    op.execute("alter table texts no force row level security")
    op.execute("alter table reports no force row level security")
    op.execute(
        "delete from texts t using reports r where r.kommun = t.kommun and r.report_id = t.report_id"
        " and t.revision < r.revision"
    )
    op.execute("alter table reports force row level security")
    op.execute("alter table texts force row level security")
