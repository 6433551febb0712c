"""Migrations: Alembic, one history per room's schema, run by the owner role and never by a room.

A room keeps plain SQL steps in ``<room>/migrations/versions``. The pieces that every room has (positions, dead-letter
count, outbox, row-level security) are written once, here.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

ROOMS = ("ingest", "geo", "analysis", "notify")
OWNER_ROLE = "lagesbild_owner"
STATUS_ROLE = "lagesbild_status"


def serve_role(room: str) -> str:
    """The role of the room's HTTP process."""
    return f"lagesbild_{room}_serve"


def work_role(room: str) -> str:
    """The role of the room's working process."""
    return f"lagesbild_{room}_work"


def upgrade(url: str, rooms: Sequence[str] = ROOMS, *, revision: str = "head") -> None:
    """Bring the schemas of these rooms to their newest version, or to another; ``url`` is the owner's."""
    # Imported here: every process knows the names of the roles, one in a hundred migrates.
    from alembic import command
    from alembic.config import Config

    for room in rooms:
        services = Path(str(resources.files("services")))
        config = Config()
        config.set_main_option("script_location", str(services / "runtime" / "alembic"))
        config.set_main_option("version_locations", str(services / room / "migrations" / "versions"))
        config.set_main_option("path_separator", "newline")
        config.attributes["url"] = url
        config.attributes["room"] = room
        command.upgrade(config, revision)


def tenant_policies(room: str, table: str, *, shared_context: bool = False) -> list[str]:
    """Row-level security for a table with a ``kommun``: forced, by ``app.kommuner``, nothing without it.

    The subselect makes the list an init plan: evaluated once per statement, not per row. ``shared_context`` lets
    everybody read, not write, the rows of owner ``0000``. The status role may count rows per kommun, no more.
    """
    listed = "kommun = any ((select string_to_array(current_setting('app.kommuner', true), ','))::text[])"
    readable = f"({listed} or kommun = '0000')" if shared_context else listed
    roles = f"{serve_role(room)}, {work_role(room)}"
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy read on {table} for select to {roles} using ({readable})",
        f"create policy add on {table} for insert to {roles} with check ({listed})",
        f"create policy change on {table} for update to {roles} using ({listed}) with check ({listed})",
        f"create policy remove on {table} for delete to {roles} using ({listed})",
        f"create policy status on {table} for select to {STATUS_ROLE} using (true)",
        f"grant select (kommun) on {table} to {STATUS_ROLE}",
    ]


def grants(table: str, *, serve: str = "", work: str = "", room: str) -> list[str]:
    """Table grants for the two roles; an empty list of rights grants nothing."""
    pairs = ((serve, serve_role(room)), (work, work_role(room)))
    return [f"grant {rights} on {table} to {role}" for rights, role in pairs if rights]


DEAD_LETTERS_REDRIVEN = "alter table dead_letters add redriven_at timestamptz"
"""A step that every room's second migration takes: when an operator put a dead letter back."""


def plant_tables(room: str, *, outbox: bool = False) -> list[str]:
    """The tables of the plant room: outside the policies, for the working role only."""
    steps = [
        """create table positions (
            consumer text not null, topic text not null, partition int not null,
            next_offset bigint not null, cluster_id text not null, last_record text,
            updated_at timestamptz not null default now(),
            primary key (consumer, topic, partition)) with (fillfactor = 50)""",
        """create table dead_letters (
            consumer text not null, id uuid not null, topic text not null, partition int not null,
            record_offset bigint not null, reason text not null, detail text not null,
            at timestamptz not null default now(), primary key (consumer, id))""",
        "create index on dead_letters (consumer, at)",
        *grants("positions", work="select, insert, update", room=room),
        *grants("dead_letters", work="select, insert", room=room),
        f"grant select on positions, dead_letters to {STATUS_ROLE}",
    ]
    return [*steps, *outbox_table(room)] if outbox else steps


def outbox_table(room: str) -> list[str]:
    """The outbox: messages that wait for the relay. The serving role may add to it and never read it."""
    return [
        """create table outbox (
            id bigint generated always as identity primary key,
            topic text not null, key text not null, value text not null,
            header_names text[] not null, header_values text[] not null,
            created_at timestamptz not null default now(),
            sent_at timestamptz, sent_partition int, sent_offset bigint)""",
        "create index outbox_unsent on outbox (id) where sent_at is null",
        "create index outbox_tail on outbox (topic, sent_partition, sent_offset) where sent_at is not null",
        *grants("outbox", serve="insert", work="select, update, delete, insert", room=room),
        f"grant select (id, sent_at) on outbox to {STATUS_ROLE}",
    ]


def schedule_table(room: str) -> list[str]:
    """What scheduled tasks have done: one row per task, municipality and due moment, never changed."""
    return [
        """create table scheduled_runs (
            task text not null, kommun text not null, due_at timestamptz not null, done_at timestamptz not null,
            primary key (task, kommun, due_at))""",
        *tenant_policies(room, "scheduled_runs"),
        *grants("scheduled_runs", work="select, insert", room=room),
    ]


def read_log_tables(room: str) -> list[str]:
    """The read log: entries may be added and never changed; heads, digests only, tell where each chain ends."""
    return [
        """create table read_log (
            kommun text not null, number bigint not null, at timestamptz not null, reader text not null,
            kind text not null, roles text[] not null, what text not null, object text not null, purpose text not null,
            hash text not null, primary key (kommun, number))""",
        "create index on read_log (kommun, reader, number)",
        *tenant_policies(room, "read_log"),
        *grants("read_log", serve="select, insert", work="select", room=room),
        """create table read_log_heads (
            kommun text primary key, number bigint not null, hash text not null,
            checked_at timestamptz, broken_at bigint)""",
        *grants("read_log_heads", serve="select, insert, update (number, hash)", work="select", room=room),
        *grants("read_log_heads", work="update (checked_at, broken_at)", room=room),
    ]
