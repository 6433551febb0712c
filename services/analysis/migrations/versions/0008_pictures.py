"""The operativ lägesbild: when periods end, versions of each picture, what people wrote to it."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = {
    "picture_rules": (
        """(kommun text primary key, days int not null check (days in (7, 14)),
            weekday int not null check (weekday between 0 and 6), hour int not null check (hour between 0 and 23))""",
        "select, insert, update",
    ),
    "pictures": (
        """(kommun text not null, number text not null, version int not null, state text not null,
            document text not null, hash text not null, minted_at timestamptz not null, pdf bytea, pdf_hash text,
            primary key (kommun, number, version))""",
        "select, insert",
    ),
    "assessments": (
        """(kommun text not null, number text not null, revision int not null, body text not null,
            written_by text not null, written_at timestamptz not null,
            primary key (kommun, number, revision))""",
        "select, insert",
    ),
}


def upgrade() -> None:
    for table, (columns, rights) in TABLES.items():
        op.execute(f"create table {table} {columns}")
        for step in (
            *tenant_policies("analysis", table),
            *grants(table, serve=rights, work="select, insert", room="analysis"),
        ):
            op.execute(step)
    op.execute("create index on facts (kommun) where reason = 'not_an_event'")
