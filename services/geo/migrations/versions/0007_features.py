"""What GIS clients filter by, beside the placement that it is read from."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps = [
        """alter table placements add e double precision, add n double precision, add cell bigint,
           add occurred timestamptz, add event_type text""",
        "alter table placements no force row level security",  # the owner sees no row of its own otherwise
        """update placements set
               e = (event::jsonb->'placement'->'point'->>'e')::float8,
               n = (event::jsonb->'placement'->'point'->>'n')::float8,
               cell = ('x' || lpad(event::jsonb->'placement'->'cells'->>'7', 16, '0'))::bit(64)::bigint,
               occurred = (event::jsonb->'report'->>'time_from')::timestamptz,
               event_type = event::jsonb->'report'->>'event_type'
           where event::jsonb->'placement'->'cells'->>'7' is not null
               and not coalesce((event::jsonb->'report'->>'withdrawn')::boolean, false)
               and event::jsonb->'report'->>'merged_into' is null""",
        "alter table placements force row level security",
        "create index placements_cell on placements (kommun, cell) where cell is not null",
    ]
    for step in steps:
        op.execute(step)
