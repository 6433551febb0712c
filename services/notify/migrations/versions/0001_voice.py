"""Subscriptions, the delivery ledger, the copy of contact details."""

from alembic import op

from deploy.database.roles import schema_grants
from services.runtime.migrations import grants, plant_tables, serve_role, tenant_policies, work_role

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = {
    "subscriptions": (
        """(kommun text not null, subscription_id uuid not null, person_id uuid not null, layer text not null,
            area text, types text[] not null, min_severity int not null, active boolean not null default true,
            created_at timestamptz not null default now(), primary key (kommun, subscription_id))""",
        "select, insert, update",
        "select",
    ),
    "contacts": (
        """(kommun text not null, person_id uuid not null, email text not null,
            fetched_at timestamptz not null default now(), primary key (kommun, person_id))""",
        "",
        "select, insert, update, delete",
    ),
    "deliveries": (
        """(kommun text not null, delivery_id uuid not null, subscription_id uuid not null, person_id uuid not null,
            report_id uuid not null, state text not null, reason text not null, event jsonb not null,
            correlation_id text not null, attempts int not null default 0, error text,
            message_id text not null, deadline timestamptz not null, created_at timestamptz not null default now(),
            sent_at timestamptz, primary key (kommun, delivery_id))""",
        "select",
        "select, insert, update",
    ),
}


def upgrade() -> None:
    steps = [*schema_grants("notify"), *plant_tables("notify")]
    for table, (columns, serve, work) in TABLES.items():
        steps.append(f"create table {table} {columns}")
        steps += tenant_policies("notify", table)
        steps += grants(table, serve=serve, work=work, room="notify")
    steps += [
        "create index on deliveries (kommun, person_id, created_at desc)",
        # Opaque ids only, outside the policies: the sender must find what is due before it knows whose it is.
        """create table due (
            delivery_id uuid primary key, kommun text not null, at timestamptz not null)""",
        "create index on due (at)",
        f"grant select, insert, update, delete on due to {work_role('notify')}",
        f"revoke all on due from {serve_role('notify')}",
    ]
    for step in steps:
        op.execute(step)
