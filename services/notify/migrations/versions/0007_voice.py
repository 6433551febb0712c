"""Routing as data: notices, alerts, attempts; who may be told, how they want it; what waits is one queue."""

import json
from uuid import uuid5

from alembic import op
from sqlalchemy import text

from services.notify.domain.notices import NAMESPACE
from services.runtime.migrations import grants, outbox_table, schedule_table, serve_role, tenant_policies, work_role

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ALL = "select, insert, update, delete"
TABLES = {
    "notices": (
        """(kommun text not null, notice_id uuid not null, kind text not null, subject_id uuid not null,
            event jsonb not null, correlation_id text not null, state text not null, reason text,
            alert_id uuid, created_at timestamptz not null default now(), primary key (kommun, notice_id))""",
        "select",
        "select, insert, update",
    ),
    "alerts": (
        """(kommun text not null, alert_id uuid not null, dedup_key text not null, kind text not null,
            subject_id uuid not null, event jsonb not null, correlation_id text not null,
            state text not null default 'open', notices int not null default 1, severity int, event_type text,
            area text, opened_at timestamptz not null default now(), last_at timestamptz not null default now(),
            closed_at timestamptz, owner uuid, taken_at timestamptz, rule text not null, then_to jsonb not null
            default '[]', step int not null default 0, answer_minutes int, answer_by timestamptz, urgent boolean
            not null default false, primary key (kommun, alert_id))""",
        "select, insert, update",
        "select, insert, update",
    ),
    "attempts": (
        """(kommun text not null, delivery_id uuid not null, number int not null, channel text not null,
            at timestamptz not null default now(), outcome text not null, provider_id text, cost int, error text,
            primary key (kommun, delivery_id, number))""",
        "select",
        "select, insert, update",
    ),
    "people": (
        """(kommun text not null, person_id uuid not null, roles text[] not null, organisation_id uuid,
            organisation text not null default '', seen_at timestamptz not null, primary key (kommun, person_id))""",
        "select",
        ALL,
    ),
    "preferences": (
        """(kommun text not null, person_id uuid not null, document jsonb not null, phone text,
            changed_at timestamptz not null default now(), primary key (kommun, person_id))""",
        ALL,
        "select, delete",
    ),
    "plans": (
        """(kommun text not null, revision int not null, document jsonb not null,
            saved_at timestamptz not null default now(), primary key (kommun, revision))""",
        "select, insert",
        "select",
    ),
    "destinations": (
        """(kommun text not null, destination_id uuid not null, kind text not null, label text not null,
            sealed text not null, active boolean not null default true, created_at timestamptz not null default now(),
            primary key (kommun, destination_id))""",
        "select, insert, update",
        "select",
    ),
    "channel_health": (
        """(kommun text not null, channel text not null, proven_at timestamptz, failed_at timestamptz, error text,
            primary key (kommun, channel))""",
        "select",
        "select, insert, update",
    ),
    "silences": (
        """(kommun text not null, alert_id uuid not null, person_id uuid not null, until timestamptz not null,
            primary key (kommun, alert_id, person_id))""",
        "select, insert, update",
        "select, delete",
    ),
    "answers": (
        """(kommun text not null, answer_id uuid not null, alert_id uuid not null, person_id uuid not null,
            rule text not null, useful boolean not null, revision bigint not null, answered_at timestamptz not null,
            primary key (kommun, answer_id), unique (kommun, alert_id, person_id))""",
        "select, insert, update",
        "select, delete",
    ),
    "rotas": (
        """(kommun text not null, name text not null, sealed text not null, read_at timestamptz, trouble text,
            primary key (kommun, name))""",
        ALL,
        "select, update",
    ),
    "shifts": (
        """(kommun text not null, rota text not null, begins timestamptz not null, ends timestamptz not null,
            person_id uuid not null, primary key (kommun, rota, begins, person_id))""",
        "select, delete",
        ALL,
    ),
}


def upgrade() -> None:
    steps: list[str] = []
    for table, (columns, serve, work) in TABLES.items():
        steps.append(f"create table {table} {columns}")
        steps += [*tenant_policies("notify", table), *grants(table, serve=serve, work=work, room="notify")]
    steps += [
        "create unique index alerts_open on alerts (kommun, dedup_key) where closed_at is null",
        "create index on alerts (kommun, last_at desc)",
        "create index on notices (kommun, subject_id)",
        "create index on notices (kommun, alert_id)",
        "alter table deliveries rename column report_id to subject_id",
        "alter table deliveries alter subscription_id drop not null, alter event drop not null",
        """alter table deliveries add alert_id uuid, add receiver text not null default 'person',
            add kind text not null default 'report', add rule text not null default 'foljer',
            add rules text[] not null default '{foljer}', add urgent boolean not null default false,
            add channel text, add said jsonb, add told int not null default 0, add first_tried timestamptz,
            add tier int not null default 0, add repeat_hours int,
            add refused text[] not null default '{}'""",
        "create unique index deliveries_pending on deliveries (kommun, alert_id, person_id) where state = 'due'",
        "create index on deliveries (kommun, alert_id, person_id)",
        "create index on deliveries (kommun, person_id, sent_at) where sent_at is not null",
        "create index on deliveries (kommun, created_at desc)",
        # What waits, of every kind, in one queue: opaque ids and when, as before.
        "alter table due rename column delivery_id to id",
        """alter table due add what text not null default 'send', add receiver uuid,
            add urgent boolean not null default false, add leased_until timestamptz""",
        "drop index due_at_idx",
        "create index on due (what, urgent desc, at)",
        "create index on due (receiver, at) where receiver is not null",
        """create table owners (kommun text primary key, since timestamptz not null default now())""",
        f"grant select, insert on owners to {work_role('notify')}",
        f"grant insert, select on owners to {serve_role('notify')}",
        f"grant insert, update (at, urgent) on due to {serve_role('notify')}",
        # On conflict reads what it may keep.
        f"grant select (id, at, urgent, leased_until) on due to {serve_role('notify')}",
        f"grant insert, update on deliveries to {serve_role('notify')}",
        f"grant update on attempts to {serve_role('notify')}",
        *outbox_table("notify"),
        *schedule_table("notify"),
    ]
    for step in steps:
        op.execute(step)
    _moved()


def _moved() -> None:
    """What waited under the old rules is routed by the new; what was told lately counts as told."""
    bind = op.get_bind()
    for step in (
        "alter table deliveries no force row level security",
        "alter table notices no force row level security",
    ):
        op.execute(step)
    rows = bind.execute(
        text(
            """select distinct on (kommun, subject_id) kommun, subject_id, event, correlation_id,
                   state in ('due', 'sending') as waits
               from deliveries where created_at > now() - interval '2 days' or state in ('due', 'sending')
               order by kommun, subject_id, state in ('due', 'sending') desc"""
        )
    )
    for row in rows.all():
        values = {
            "kommun": row.kommun,
            "id": uuid5(NAMESPACE, f"{row.kommun}/report/{row.subject_id}"),
            "subject": row.subject_id,
            "event": json.dumps(row.event),
            "correlation": row.correlation_id,
            "state": "new" if row.waits else "routed",
        }
        bind.execute(_ADD, values)
    for step in _closing():
        op.execute(step)


_ADD = text("""
    insert into notices (kommun, notice_id, kind, subject_id, event, correlation_id, state)
    values (:kommun, :id, 'report', :subject, cast(:event as jsonb), :correlation, :state)""")


def _closing() -> list[str]:
    return [
        "delete from due",
        """insert into due (id, kommun, at, what)
           select notice_id, kommun, now(), 'route' from notices where state = 'new'""",
        "insert into owners (kommun) select distinct kommun from deliveries on conflict do nothing",
        """update deliveries set state = 'failed', error = 'routed_anew' where state in ('due', 'sending')""",
        "alter table deliveries force row level security",
        "alter table notices force row level security",
    ]
