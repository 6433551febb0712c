"""Reports that were placed before may be placed anew: what was asked for, and how far it has come."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        """create table replacings (
            kommun text not null, replacing_id uuid not null, scope text not null, reason text not null,
            asked_at timestamptz not null default now(), after_report uuid not null,
            looked_at bigint not null default 0, changed bigint not null default 0, finished_at timestamptz,
            primary key (kommun, replacing_id))""",
        *tenant_policies("geo", "replacings"),
        *grants("replacings", serve="select, insert", work="select, insert, update", room="geo"),
        # Outside the policies: the working process must find what is due before it knows whose it is.
        "create table replacing_queue (replacing_id uuid primary key, kommun text not null, at timestamptz not null)",
        "create index on replacing_queue (at)",
        *grants("replacing_queue", serve="insert", work="select, insert, update, delete", room="geo"),
    ]
    for step in steps:
        op.execute(step)
