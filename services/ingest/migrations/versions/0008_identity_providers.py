"""Staff who come in by their own organisation's login: the providers, whose account is whose, their sessions."""

from alembic import op

from services.runtime.migrations import grants, serve_role, tenant_policies, work_role

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

END_SESSIONS = """
    create function end_provider_sessions(provider uuid, wanted uuid, sid bytea) returns void
    language sql security definer set search_path = ingest as $$
    update device_sessions set revoked_at = now()
    where provider_id = provider and revoked_at is null
        and (sid_hash = sid or (person_id = wanted and sid_hash is null)
            or (sid is null and (wanted is null or person_id = wanted)))
    $$"""
FIND_SID = """
    create function find_provider_session(provider uuid, sid bytea) returns table (kommun text, person_id uuid)
    language sql stable security definer set search_path = ingest as $$
    select s.kommun, s.person_id from device_sessions s
    where s.provider_id = provider and s.sid_hash = sid and s.revoked_at is null
    $$"""
PROVIDER_OF = """
    create function find_session_provider(wanted bytea) returns uuid
    language sql stable security definer set search_path = ingest as $$
    select s.provider_id from device_sessions s where s.session_hash = wanted
    $$"""


def upgrade() -> None:
    serve, work = serve_role("ingest"), work_role("ingest")
    functions = (
        "end_provider_sessions(uuid, uuid, bytea), find_provider_session(uuid, bytea), find_session_provider(bytea)"
    )
    steps = [
        """create table identity_providers (
            provider_id uuid primary key, kommun text not null, kind text not null, name text not null,
            settings jsonb not null, secret text not null default '', roles jsonb not null default '{}',
            required boolean not null default false, created_at timestamptz not null default now(),
            unique (kommun, name))""",
        f"grant select, insert, update, delete on identity_providers to {serve}",
        f"revoke all on identity_providers from {work}",
        """create table external_logins (
            kommun text not null, provider_id uuid not null, subject_hash bytea not null, person_id uuid not null,
            primary key (kommun, provider_id, subject_hash), unique (kommun, provider_id, person_id))""",
        *tenant_policies("ingest", "external_logins"),
        *grants("external_logins", serve="select, insert, delete", room="ingest"),
        "alter table device_sessions add provider_id uuid, add sid_hash bytea",
        END_SESSIONS,
        FIND_SID,
        PROVIDER_OF,
        f"revoke all on function {functions} from public",
        f"grant execute on function {functions} to {serve}",
    ]
    for step in steps:
        op.execute(step)
