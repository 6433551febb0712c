"""Layers of a municipality's own, and national ones (owner 0000): every version, whole, as a GeoParquet file."""

from alembic import op

from services.runtime.migrations import grants, tenant_policies

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        """create table layer_versions (
            kommun text not null, layer text not null, number int not null, kind text not null, title text not null,
            version text not null, valid_from date not null, valid_to date, source text not null, licence text not null,
            credit text not null, file_name text not null, sha256 text not null, areas int not null,
            report jsonb not null, imported_at timestamptz not null default now(), content bytea not null,
            primary key (kommun, layer, number))""",
        "alter table layer_versions alter content set storage external",  # Parquet is compressed already
        *tenant_policies("geo", "layer_versions", shared_context=True),
        *grants("layer_versions", serve="select, insert", work="select, insert", room="geo"),
    ]
    for step in steps:
        op.execute(step)
