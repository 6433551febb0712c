"""Passkeys. Whose one is cannot be known before it was shown: they lie beside the sessions, outside the policies."""

from alembic import op

from services.runtime.migrations import serve_role

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create table passkeys (credential_id bytea primary key, kommun text not null, person_id uuid not null,
            public_key bytea not null, sign_count bigint not null, label text not null,
            added_at timestamptz not null default now(), used_at timestamptz)"""
    )
    op.execute("create index on passkeys (kommun, person_id)")
    op.execute("create table used_challenges (digest bytea primary key, at timestamptz not null default now())")
    for table in ("passkeys", "used_challenges"):
        op.execute(f"grant select, insert, update, delete on {table} to {serve_role('ingest')}")
