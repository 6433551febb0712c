"""Placements: each (report, placement) as it was published."""

from alembic import op

from deploy.database.roles import schema_grants
from services.runtime.migrations import grants, plant_tables, serve_role, tenant_policies, work_role

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        *schema_grants("geo"),
        *plant_tables("geo"),
        """create table placements (
            kommun text not null, report_id uuid not null, placement bigint not null, revision bigint not null,
            reason text, event jsonb not null, envelope_id text not null, placed_at timestamptz not null,
            primary key (kommun, report_id, placement))""",
        *tenant_policies("geo", "placements"),
        *grants("placements", serve="select", work="select, insert", room="geo"),
        """create table context_placements (
            kommun text not null, context_id uuid not null, placement bigint not null, revision bigint not null,
            event jsonb not null, placed_at timestamptz not null, primary key (kommun, context_id, placement))""",
        *tenant_policies("geo", "context_placements", shared_context=True),
        *grants("context_placements", serve="select", work="select, insert", room="geo"),
        "create table epoch (epoch int not null)",
        "insert into epoch values (0)",
        f"grant select on epoch to {serve_role('geo')}, {work_role('geo')}",
    ]
    for step in steps:
        op.execute(step)
