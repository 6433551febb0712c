"""Address registers, one file per municipality and version; an outbox for placements that no message asked for."""

from alembic import op

from services.runtime.migrations import grants, outbox_table, tenant_policies

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        """create table registers (
            kommun text not null, number int not null, source text not null, vintage text not null,
            licence text not null, credit text not null, file_name text not null, sha256 text not null,
            addresses int not null, streets int not null, left_out jsonb not null, active boolean not null,
            imported_at timestamptz not null default now(), content bytea not null,
            primary key (kommun, number))""",
        "alter table registers alter content set storage external",  # Parquet is compressed already
        "create unique index registers_active on registers (kommun) where active",
        *tenant_policies("geo", "registers"),
        *grants("registers", serve="select", work="select, insert, update", room="geo"),
        *outbox_table("geo"),
    ]
    for step in steps:
        op.execute(step)
