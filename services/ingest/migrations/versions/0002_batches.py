"""Uploads too large to answer at once: their lines in pieces, what became of them, and what is waiting."""

from alembic import op

from services.runtime.migrations import DEAD_LETTERS_REDRIVEN, grants, serve_role, tenant_policies, work_role

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = {
    "batches": """(
        kommun text not null, batch_id uuid not null, client_id uuid not null, sender jsonb not null,
        correlation text not null, lines bigint not null default 0, handled bigint not null default 0,
        complete boolean not null default false, created_at timestamptz not null default now(),
        finished_at timestamptz, primary key (kommun, batch_id))""",
    "batch_pieces": """(
        kommun text not null, batch_id uuid not null, piece int not null, first_line bigint not null,
        lines bytea, answers text, primary key (kommun, batch_id, piece))""",
}


def upgrade() -> None:
    steps = [DEAD_LETTERS_REDRIVEN]
    for table, columns in TABLES.items():
        steps.append(f"create table {table} {columns}")
        steps += tenant_policies("ingest", table)
        steps += grants(table, serve="select, insert, update", work="select, update, delete", room="ingest")
    work = work_role("ingest")
    steps += [
        # Outside the policies: the working process must find what is due before it knows whose it is.
        "create table batch_queue (batch_id uuid primary key, kommun text not null, at timestamptz not null)",
        "create index on batch_queue (at)",
        *grants("batch_queue", serve="insert", work="select, update, delete", room="ingest"),
        f"grant select (batch_id), update (at) on batch_queue to {serve_role('ingest')}",
        f"grant insert, update on reports to {work}",
        f"grant insert on submissions, revisions, texts to {work}",
    ]
    for step in steps:
        op.execute(step)
