"""What a fact counts as, beside it: so that every number can be opened down to the reports behind it.

Columns and indexes only: rows from before are filled by the working process when it starts (``handlers/filling.py``),
a little at a time, so that nothing waits for them.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for step in (
        """alter table facts add day date, add area_set bigint, add event_type text, add r9 bigint, add places text,
            add standing boolean""",
        "create index facts_of_days on facts (kommun, day) where day is not null",
        "create index facts_standing on facts (kommun, day) where standing",
        "create index facts_of_places on facts (kommun, day) where places is not null",
        "create index facts_calendar on facts (kommun) where left(event_type, 1) = 'F'",
        "create index facts_invented on facts (kommun) where invented",
        "create index facts_changed on facts (kommun, changed_at)",
        "create index facts_unfilled on facts (kommun) where event_type is null",
    ):
        op.execute(step)
