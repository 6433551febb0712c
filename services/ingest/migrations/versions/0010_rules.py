"""A municipality's own rules: who may write free text, how long each kind of data is kept, what was done about it."""

from alembic import op

from services.runtime.migrations import grants, serve_role, tenant_policies, work_role

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    work = work_role("ingest")
    steps = [
        "alter table municipalities add free_text text not null default 'people'",
        """create table retention (
            kommun text not null, data_class text not null, months int not null, decision text not null,
            decided_on date not null, primary key (kommun, data_class))""",
        *tenant_policies("ingest", "retention"),
        *grants("retention", serve="select, insert, update, delete", work="select", room="ingest"),
        """create table retention_protocol (
            kommun text not null, number bigint generated always as identity, at timestamptz not null,
            data_class text not null, months int not null, decision text not null, decided_on date not null,
            received_before timestamptz not null, reports int not null, primary key (kommun, number))""",
        *tenant_policies("ingest", "retention_protocol"),
        *grants("retention_protocol", serve="select", work="select, insert", room="ingest"),
        f"grant update on reports to {work}",
        f"grant insert, delete on revisions to {work}",
        f"grant select, delete on texts, submissions to {work}",
        f"grant delete on revisions, texts to {serve_role('ingest')}",  # when a restored database takes back
        """create index on reports (kommun, received_at)
            where client_id is distinct from '00000000-0000-0000-0000-000000000000'""",
        f"grant select (free_text) on municipalities to {serve_role('ingest')}",
    ]
    for step in steps:
        op.execute(step)
