"""The views that pages sum are read by kind, and out of their keys alone.

A page of one kind read every row of its days, each at a place of its own in the table. The keys begin with the kind
now, hold what is counted, and sort by bytes, so that a group ("A") is a stretch of them.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

KEYS = {
    "cube": "event_type, day, area_set, source) include (reports, seen",
    "rhythm": "event_type, week, area_set, slot) include (reports",
    "cells": "event_type, week, r9, r10) include (reports",
    "activity": "day, area_set, organisation, reporter_token, kind) include (reports",
}


def upgrade() -> None:
    op.execute("lock table facts in access exclusive mode")  # first, as whoever counts: facts, then views
    for step in (
        "drop index facts_of_days",
        """create index facts_of_days on facts (kommun, day desc, report_id) include (event_type, area_set)
            where day is not null""",
        "drop index facts_standing",
        "create index facts_standing on facts (kommun, day, report_id) include (event_type, area_set) where standing",
    ):
        op.execute(step)
    for view, key in KEYS.items():
        by_bytes = 'alter event_type type text collate "C",' if key.startswith("event_type") else ""
        op.execute(
            f"alter table {view} drop constraint {view}_pkey, {by_bytes} add primary key (kommun, generation, {key})"
        )
