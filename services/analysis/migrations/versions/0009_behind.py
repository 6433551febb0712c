"""What a fact counts as, beside it: so that every number can be opened down to the reports behind it."""

from alembic import op
from sqlalchemy import text

from services.analysis.store.facts import columns_of_report
from services.analysis.views.fact import read

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PAGE = text("""
    select kommun, report_id, event from facts where (kommun, report_id) > (:kommun, :report)
    order by kommun, report_id limit 2000""")
_FILL = text("""
    update facts set day = :day, area_set = :area_set, event_type = :event_type, r9 = :r9,
        places = :places, standing = :standing
    where kommun = :kommun and report_id = :report""")
COLUMNS = ("day", "area_set", "event_type", "r9", "places", "standing")


def upgrade() -> None:
    op.execute("""
        alter table facts add day date, add area_set bigint, add event_type text, add r9 bigint, add places text,
            add standing boolean""")
    op.execute("alter table facts no force row level security")
    connection = op.get_bind()
    at = {"kommun": "", "report": "00000000-0000-0000-0000-000000000000"}
    while page := list(connection.execute(_PAGE, at)):
        rows = []
        for row in page:
            values = columns_of_report(read(row.event))
            rows.append({"kommun": row.kommun, "report": row.report_id} | {name: values[name] for name in COLUMNS})
        connection.execute(_FILL, rows)
        at = {"kommun": page[-1].kommun, "report": page[-1].report_id}
    op.execute("alter table facts force row level security")
    op.execute("create index facts_of_days on facts (kommun, day) where day is not null")
    op.execute("create index facts_standing on facts (kommun, day) where standing")
    op.execute("create index facts_invented on facts (kommun) where invented")
    op.execute("create index facts_of_places on facts (kommun, day) where places is not null")
