"""Devices that show notifications, and numbers that wait for their code."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = {
    "devices": (
        """(kommun text not null, device_id uuid not null, person_id uuid not null, endpoint_digest bytea not null,
            sealed text not null, label text not null, added_at timestamptz not null default now(),
            primary key (kommun, device_id), unique (kommun, person_id, endpoint_digest))""",
        "select, insert, update, delete",
        "select, delete",
    ),
    "numbers": (
        """(kommun text not null, person_id uuid not null, phone text not null, until timestamptz not null,
            tries int not null default 0, primary key (kommun, person_id))""",
        "select, insert, update, delete",
        "select, delete",
    ),
}


def upgrade() -> None:
    for table, (columns, serve, work) in TABLES.items():
        for step in (
            f"create table {table} {columns}",
            *tenant_policies("notify", table),
            *grants(table, serve=serve, work=work, room="notify"),
        ):
            op.execute(step)
