"""Points that a sender's form gives when nobody chose a place."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        """create table default_points (
            kommun text not null, e double precision not null, n double precision not null, reports bigint not null,
            found_at timestamptz not null default now(), primary key (kommun, e, n))""",
        *tenant_policies("geo", "default_points"),
        *grants("default_points", serve="select", work="select, insert, update", room="geo"),
    ]
    for step in steps:
        op.execute(step)
