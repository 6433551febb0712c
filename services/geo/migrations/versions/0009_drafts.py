"""Layers that are being drawn: one draft a layer, whole, until it becomes a version or is thrown away."""

from alembic import op

from services.runtime.migrations import grants, serve_role, tenant_policies

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        # Never used twice: a draft that is begun anew is another one than the one that was thrown away.
        "create sequence layer_draft_editions",
        f"grant usage on sequence layer_draft_editions to {serve_role('geo')}",
        """create table layer_drafts (
            kommun text not null, layer text not null, kind text not null, title text not null, based_on int not null,
            edition bigint not null, content bytea not null, changed_at timestamptz not null default now(),
            primary key (kommun, layer))""",
        "alter table layer_drafts alter content set storage external",  # Parquet is compressed already
        *tenant_policies("geo", "layer_drafts"),
        *grants("layer_drafts", serve="select, insert, update, delete", room="geo"),
    ]
    for step in steps:
        op.execute(step)
