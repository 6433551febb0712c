"""Who was active where, and how late reports come: the exposure of the statistics."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

VIEWS = {
    "activity": (
        """day date not null, area_set bigint not null, organisation text not null, reporter_token text not null,
           kind text not null""",
        "day, area_set, organisation, reporter_token, kind",
    ),
    "lateness": ("day date not null, source text not null, late int not null", "day, source, late"),
}


def upgrade() -> None:
    for view, (columns, key) in VIEWS.items():
        for step in (
            f"""create table {view} (kommun text not null, {columns}, generation int not null, reports bigint not null,
                seen bigint not null, primary key (kommun, generation, {key})) with (fillfactor = 80)""",
            *tenant_policies("analysis", view),
            *grants(view, serve="select", work="select, insert, update, delete", room="analysis"),
        ):
            op.execute(step)
