"""Who is appointed to report where and when, by opaque tokens: the exposure of the statistics."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for step in (
        """create table appointments (
            kommun text not null, reporter_token text not null, revision bigint not null, organisation uuid,
            areas text[] not null, since timestamptz not null, until timestamptz, trained boolean not null,
            primary key (kommun, reporter_token))""",
        *tenant_policies("analysis", "appointments"),
        *grants("appointments", serve="select", work="select, insert, update", room="analysis"),
    ):
        op.execute(step)
