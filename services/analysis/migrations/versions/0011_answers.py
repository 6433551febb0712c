"""Which alerts were useful: receivers' answers, without receivers."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create table alert_answers (
            kommun text not null, alert_id uuid not null, revision bigint not null, rule text not null,
            subject_id uuid not null, useful boolean not null, answered_at timestamptz not null,
            primary key (kommun, alert_id))"""
    )
    rights = grants("alert_answers", serve="select", work="select, insert, update", room="analysis")
    for step in (*tenant_policies("analysis", "alert_answers"), *rights):
        op.execute(step)
