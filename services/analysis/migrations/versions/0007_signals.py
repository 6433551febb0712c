"""Signals: what each run found, the cases that came of it, the outbox that tells of them, and what was done when.

Documents are added and never changed: a correction is a new revision of a case.
"""

from alembic import op

from services.runtime.migrations import (
    grants,
    outbox_table,
    schedule_table,
    serve_role,
    tenant_policies,
    work_role,
)

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for step in (
        *outbox_table("analysis"),
        *schedule_table("analysis"),
        "create table epoch (epoch int not null)",
        "insert into epoch values (0)",
        f"grant select on epoch to {serve_role('analysis')}, {work_role('analysis')}",
        """create table signal_runs (
            kommun text not null, week date not null, document text not null, hash text not null,
            minted_at timestamptz not null, primary key (kommun, week))""",
        """create table cases (
            kommun text not null, case_id uuid not null, revision bigint not null, number text not null,
            state text not null, week date not null, document text not null, hash text not null,
            minted_at timestamptz not null, primary key (kommun, case_id, revision))""",
    ):
        op.execute(step)
    for table in ("signal_runs", "cases"):
        for step in (
            *tenant_policies("analysis", table),
            *grants(table, serve="select", work="select, insert", room="analysis"),
        ):
            op.execute(step)
