"""What a channel is given a second is counted over all processes."""

from alembic import op

from services.runtime.migrations import serve_role, work_role

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # The ledger's list: a rare kind, and what did not go as it should, are found without reading all of it.
    op.execute("create index on deliveries (kommun, kind, created_at desc, delivery_id desc)")
    op.execute("""create index on deliveries (kommun, state, created_at desc, delivery_id desc)
        where state in ('failed', 'expired', 'held')""")
    # By a channel's name or an opaque id of a place, for all municipalities: a provider is one for all of them.
    op.execute("""create table turns (
        channel text primary key, free_at timestamptz not null, urgent_at timestamptz not null)""")
    op.execute(f"grant select, insert, update on turns to {work_role('notify')}")
    op.execute(f"revoke all on turns from {serve_role('notify')}")
    op.execute("alter table due add turn timestamptz, add line text")  # after the ledger, as senders lock them
