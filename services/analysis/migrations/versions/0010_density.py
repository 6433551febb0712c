"""What each night's look for gatherings and near repeats found; the selections that people keep."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = {
    "night_runs": (
        """(kommun text not null, day date not null, document text not null, hash text not null,
            minted_at timestamptz not null, primary key (kommun, day))""",
        "select",
        "select, insert",
    ),
    "kept_selections": (
        """(kommun text not null, reader text not null, name text not null, address text not null,
            kept_at timestamptz not null, primary key (kommun, reader, name))""",
        "select, insert, update, delete",
        "select, delete",
    ),
}


def upgrade() -> None:
    for table, (columns, serve, work) in TABLES.items():
        op.execute(f"create table {table} {columns}")
        for step in (*tenant_policies("analysis", table), *grants(table, serve=serve, work=work, room="analysis")):
            op.execute(step)
