"""The door: who may come in, what they handed in, what goes out."""

from alembic import op

from deploy.database.roles import schema_grants
from services.runtime.migrations import grants, plant_tables, serve_role, tenant_policies, work_role

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "organisations": """(
        kommun text not null, organisation_id uuid not null, name text not null, kind text not null,
        created_at timestamptz not null default now(), primary key (kommun, organisation_id))""",
    "clients": """(
        kommun text not null, client_id uuid not null, organisation_id uuid, kind text not null, name text not null,
        source text not null, invented boolean not null default false,
        created_at timestamptz not null default now(), primary key (kommun, client_id))""",
    "people": """(
        kommun text not null, person_id uuid not null, client_id uuid not null, organisation_id uuid,
        name text not null, email text not null, roles text[] not null, reporter_token text not null,
        active boolean not null default true, created_at timestamptz not null default now(),
        primary key (kommun, person_id), unique (kommun, email))""",
    "event_types": """(
        kommun text not null, code text not null, label text not null, severity int not null,
        created_at timestamptz not null default now(), primary key (kommun, code))""",
    "reports": """(
        kommun text not null, report_id uuid not null, client_id uuid not null, sender_id text not null,
        version_kind text not null, source_version numeric not null, revision bigint not null,
        merged_into uuid, content jsonb not null, event jsonb not null, received_at timestamptz not null,
        primary key (kommun, report_id), unique (kommun, client_id, sender_id))""",
    "submissions": """(
        kommun text not null, client_id uuid not null, sender_id text not null, source_version numeric not null,
        content_hash text not null, status int not null, answer json not null, revision bigint,
        received_at timestamptz not null default now(),
        primary key (kommun, client_id, sender_id, source_version))""",
    "revisions": """(
        kommun text not null, report_id uuid not null, revision bigint not null, event jsonb not null,
        minted_at timestamptz not null, primary key (kommun, report_id, revision))""",
    "texts": """(
        kommun text not null, report_id uuid not null, revision bigint not null, text text not null,
        primary key (kommun, report_id, revision))""",
    "context_items": """(
        kommun text not null, context_id uuid not null, source_version timestamptz not null, revision bigint not null,
        content_hash text not null, primary key (kommun, context_id))""",
    "context_revisions": """(
        kommun text not null, context_id uuid not null, source_version timestamptz not null, revision bigint,
        content_hash text not null, content jsonb not null, event jsonb,
        primary key (kommun, context_id, source_version))""",
}

INDEX_TABLES = [
    """create table municipalities (
        kommun text primary key, name text not null, invented boolean not null default false,
        created_at timestamptz not null default now())""",
    """create table credentials (
        key_hash bytea primary key, kommun text not null, client_id uuid not null, prefix text not null,
        scopes text[] not null, created_at timestamptz not null default now(), revoked_at timestamptz)""",
    """create table login_index (
        email_hash bytea not null, kommun text not null, person_id uuid not null, primary key (email_hash, kommun))""",
    """create table login_attempts (
        nonce_hash bytea primary key, email_hash bytea not null, code_hash bytea not null,
        tries int not null default 0, created_at timestamptz not null default now(),
        expires_at timestamptz not null, used_at timestamptz)""",
    "create index on login_attempts (email_hash, created_at)",
    """create table device_sessions (
        session_hash bytea primary key, kommun text not null, person_id uuid not null,
        created_at timestamptz not null default now(), expires_at timestamptz not null, revoked_at timestamptz)""",
    """create table signing_keys (
        kid text primary key, private_jwk jsonb not null, created_at timestamptz not null default now())""",
    "create table epoch (epoch int not null)",
    "insert into epoch values (0)",
]
"""What is asked before a municipality is known: outside the policies, reached by exact value only."""

LOOKUPS = [
    """create function find_credential(wanted bytea) returns table (kommun text, client_id uuid, scopes text[])
        language sql stable security definer set search_path = ingest as $$
        select c.kommun, c.client_id, c.scopes from credentials c where c.key_hash = wanted and c.revoked_at is null
        $$""",
    """create function find_login(wanted bytea) returns table (kommun text, person_id uuid)
        language sql stable security definer set search_path = ingest as $$
        select l.kommun, l.person_id from login_index l where l.email_hash = wanted order by l.kommun
        $$""",
    """create function find_session(wanted bytea) returns table (kommun text, person_id uuid)
        language sql stable security definer set search_path = ingest as $$
        select s.kommun, s.person_id from device_sessions s
        where s.session_hash = wanted and s.revoked_at is null and s.expires_at > now()
        $$""",
]


def upgrade() -> None:
    steps = [*schema_grants("ingest"), *plant_tables("ingest", outbox=True), *INDEX_TABLES, *LOOKUPS]
    for table, columns in TENANT_TABLES.items():
        steps.append(f"create table {table} {columns}")
        steps += tenant_policies("ingest", table)
        steps += grants(table, serve="select, insert, update", work="select", room="ingest")
    serve, work = serve_role("ingest"), work_role("ingest")
    for function in ("find_credential", "find_login", "find_session"):
        steps += [
            f"revoke all on function {function}(bytea) from public",
            f"grant execute on function {function}(bytea) to {serve}",
        ]
    steps += [
        f"grant select, insert, update on municipalities to {serve}",
        f"grant insert on credentials, login_index to {serve}",
        f"grant insert, select, update on login_attempts to {serve}",
        f"grant insert on device_sessions to {serve}",
        f"grant select (session_hash), update (revoked_at) on device_sessions to {serve}",
        f"grant select, insert on signing_keys to {serve}",
        f"grant select on epoch to {serve}, {work}",
    ]
    for step in steps:
        op.execute(step)
