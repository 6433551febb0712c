"""Facts with their history, the cube, and published items with their own view."""

from alembic import op

from deploy.database.roles import schema_grants
from services.runtime.migrations import grants, plant_tables, tenant_policies

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = {
    "facts": (
        """(kommun text not null, report_id uuid not null, revision bigint not null, placement bigint not null,
            reason text, invented boolean not null, event jsonb not null, changed_at timestamptz not null,
            primary key (kommun, report_id))""",
        "select, insert, update",
        False,
    ),
    "fact_history": (
        """(kommun text not null, report_id uuid not null, revision bigint not null, placement bigint not null,
            event jsonb not null, minted_at timestamptz not null, placed_at timestamptz not null,
            primary key (kommun, report_id, revision, placement))""",
        "select, insert",
        False,
    ),
    "cube": (
        """(kommun text not null, layer text not null, area text not null, day date not null,
            event_type text not null, source text not null, reports bigint not null, seen bigint not null,
            primary key (kommun, layer, day, area, event_type, source)) with (fillfactor = 80)""",
        "select, insert, update, delete",
        False,
    ),
    "context_facts": (
        """(kommun text not null, context_id uuid not null, revision bigint not null, placement bigint not null,
            event jsonb not null, day date not null, primary key (kommun, context_id))""",
        "select, insert, update",
        True,
    ),
    "context_history": (
        """(kommun text not null, context_id uuid not null, revision bigint not null, placement bigint not null,
            event jsonb not null, minted_at timestamptz not null, placed_at timestamptz not null,
            primary key (kommun, context_id, revision, placement))""",
        "select, insert",
        True,
    ),
    "context_days": (
        """(kommun text not null, precision text not null, located_kommun text not null, located_lan text not null,
            day date not null, event_type text not null, reports bigint not null, seen bigint not null,
            primary key (kommun, day, precision, located_kommun, located_lan, event_type)) with (fillfactor = 80)""",
        "select, insert, update, delete",
        True,
    ),
}


def upgrade() -> None:
    steps = [*schema_grants("analysis"), *plant_tables("analysis")]
    for table, (columns, rights, shared) in TABLES.items():
        steps.append(f"create table {table} {columns}")
        steps += tenant_policies("analysis", table, shared_context=shared)
        steps += grants(table, serve="select", work=rights, room="analysis")
    steps.append("create index on context_facts (kommun, day desc)")
    for step in steps:
        op.execute(step)
