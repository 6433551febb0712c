"""Views in generations, so that they can be rebuilt beside the living ones; each version of a fact is kept once.

``facts`` holds the newest version of each, the history those that were superseded. The views' rows are dropped: a view
without a state is folded from the facts when the room starts.
"""

from alembic import op

from services.runtime.migrations import DEAD_LETTERS_REDRIVEN, grants, tenant_policies

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WEIGHTS = "generation int not null, reports bigint not null, seen bigint not null"
VIEWS = {
    "cube": (
        "day date not null, area_set bigint not null, event_type text not null, source text not null",
        "day, area_set, event_type, source",
    ),
    "rhythm": (
        "week date not null, area_set bigint not null, event_type text not null, slot int not null",
        "week, area_set, event_type, slot",
    ),
    "cells": (
        "week date not null, r9 bigint not null, r10 bigint not null, event_type text not null",
        "week, r9, r10, event_type",
    ),
    "states": (
        "day date not null, area_set bigint not null, event_type text not null",
        "day, area_set, event_type",
    ),
    "sources": (
        """day date not null, source text not null, organisation text not null, event_type text not null,
           precision text not null""",
        "day, source, organisation, event_type, precision",
    ),
    "context_days": (
        """day date not null, precision text not null, located_kommun text not null, located_lan text not null,
           event_type text not null""",
        "day, precision, located_kommun, located_lan, event_type",
    ),
}
FAMILIES = (("facts", "fact_history", "report_id"), ("context_facts", "context_history", "context_id"))


def _facts(facts: str, history: str, ident: str) -> list[str]:
    """Times beside the newest version, text instead of binary JSON, and no version twice."""
    return [
        f"alter table {facts} no force row level security",
        f"alter table {history} no force row level security",
        f"alter table {facts} add minted_at timestamptz, add placed_at timestamptz, alter event type text",
        f"alter table {history} alter event type text",
        f"""update {facts} f set minted_at = h.minted_at, placed_at = h.placed_at from {history} h
            where (h.kommun, h.{ident}, h.revision, h.placement) = (f.kommun, f.{ident}, f.revision, f.placement)""",
        f"alter table {facts} alter minted_at set not null, alter placed_at set not null",
        f"""delete from {history} h using {facts} f
            where (h.kommun, h.{ident}, h.revision, h.placement) = (f.kommun, f.{ident}, f.revision, f.placement)""",
        f"insert into owners select distinct kommun from {facts} on conflict do nothing",
        f"alter table {facts} force row level security",
        f"alter table {history} force row level security",
        f"""create view {facts}_versions with (security_invoker = true) as
            select kommun, {ident}, revision, placement, event, minted_at, placed_at from {facts} union all
            select kommun, {ident}, revision, placement, event, minted_at, placed_at from {history}""",
        *grants(f"{facts}_versions", serve="select", work="select", room="analysis"),
    ]


def upgrade() -> None:
    steps = [
        DEAD_LETTERS_REDRIVEN,
        """create table owners (kommun text primary key)""",
        *grants("owners", work="select, insert", room="analysis"),
        """create table view_state (
            name text primary key, generation int, definition text, release text,
            building int, building_definition text, cursor_kommun text not null,
            cursor_id uuid not null,
            numbered int not null, rebuilt_at timestamptz)""",
        *grants("view_state", serve="select", work="select, insert, update", room="analysis"),
        "grant select on view_state to lagesbild_status",
        """create table area_sets (
            kommun text not null, area_set bigint not null, layer text not null, area text not null,
            share int not null, primary key (kommun, area_set, layer, area))""",
        *tenant_policies("analysis", "area_sets"),
        *grants("area_sets", serve="select", work="select, insert", room="analysis"),
        "drop table cube",
        "drop table context_days",
    ]
    for facts, history, ident in FAMILIES:
        steps += _facts(facts, history, ident)
    for view, (columns, key) in VIEWS.items():
        steps.append(
            f"create table {view} (kommun text not null, {columns}, {WEIGHTS}, "
            f"primary key (kommun, generation, {key})) with (fillfactor = 80)"
        )
        steps += tenant_policies("analysis", view, shared_context=view == "context_days")
        steps += grants(view, serve="select", work="select, insert, update, delete", room="analysis")
    for step in steps:
        op.execute(step)
