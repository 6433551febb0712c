"""How long a state stood, beside its report: a card of a period that is over shows what was open then."""

from alembic import op

revision = "0014"
down_revision = "0013"

_CLOSED = "((event::json->'report'->>'time_to')::timestamptz at time zone 'Europe/Stockholm')::date"


def upgrade() -> None:
    for step in (
        "alter table facts add stands_until date",
        "alter table facts no force row level security",  # the owner sees no row of its own otherwise
        f"""update facts set stands_until = case when standing then 'infinity' else {_CLOSED} end
            where day is not null and left(event_type, 1) = 'E' and (standing or {_CLOSED} > day)""",
        "alter table facts force row level security",
        "drop index facts_standing",
        "alter table facts drop standing",
        """create index facts_standing on facts (kommun, stands_until) include (event_type, area_set, day, report_id)
            where stands_until is not null""",
    ):
        op.execute(step)
