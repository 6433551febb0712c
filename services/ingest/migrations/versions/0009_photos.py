"""Photos: which report has which, whether somebody has looked at it, what is covered. The pictures lie elsewhere."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies, work_role

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        """create table photos (
            kommun text not null, photo_id uuid not null, report_id uuid not null, client_id uuid not null,
            object text, leaving text, width int not null, height int not null, bytes int not null,
            received_at timestamptz not null default now(), reviewed_at timestamptz,
            covered boolean not null default false,
            primary key (kommun, photo_id))""",
        "create index on photos (kommun, report_id)",
        "create index on photos (kommun, received_at) where object is not null",
        *tenant_policies("ingest", "photos"),
        *grants("photos", serve="select, insert, update", work="select, update", room="ingest"),
        f"grant select (kommun) on municipalities to {work_role('ingest')}",
    ]
    for step in steps:
        op.execute(step)
