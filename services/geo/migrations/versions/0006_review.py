"""What a person should look at, what was decided, and the names that a municipality's decisions taught."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = {
    "decisions": """(
        kommun text not null, report_id uuid not null, number int not null, place_key text not null, kind text not null,
        e double precision not null, n double precision not null, precision text not null, radius_m double precision,
        label text not null, decided_at timestamptz not null default now(), decided_by text not null,
        primary key (kommun, report_id, number))""",
    "popular_names": """(
        kommun text not null, number int not null, name text not null, e double precision not null,
        n double precision not null, precision text not null, radius_m double precision not null,
        forgotten boolean not null default false, taught_at timestamptz not null default now(),
        primary key (kommun, number))""",
}


def upgrade() -> None:
    steps = [
        "alter table placements add review text",
        "create index placements_review on placements (kommun, placed_at desc) where review is not null",
    ]
    for table, columns in TABLES.items():
        steps.append(f"create table {table} {columns}")
        steps += tenant_policies("geo", table)
        steps += grants(table, serve="select, insert", work="select", room="geo")
    for step in steps:
        op.execute(step)
