"""Appointments apart from people, so that a person can be erased and the counts stay; revoked tokens, keys by id."""

from alembic import op

from services.runtime.migrations import grants, serve_role, tenant_policies, work_role

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EARLIER = """
    insert into appointments (kommun, appointment_id, person_id, token, organisation_id, since, until, revision)
    select p.kommun, gen_random_uuid(), p.person_id, p.reporter_token, p.organisation_id, p.created_at,
        case when p.active and 'rapportor' = any(p.roles) then null else now() end,
        ((select epoch from epoch)::bigint << 32) + 1
    from people p"""
"""Everybody was appointed when registered; who does not report is so no longer. No revision of that time is higher than
the first of this epoch. ``republish`` tells analysis of those that it has not heard of."""

_OWN = "kommun = wanted_kommun and kommun = any (string_to_array(current_setting('app.kommuner', true), ','))"
FORGET = f"""
    create function forget_logins(wanted_kommun text, wanted uuid, address bytea) returns void
    language sql security definer set search_path = ingest as $$
    delete from login_index where person_id = wanted and {_OWN};
    delete from device_sessions where person_id = wanted and {_OWN};
    delete from login_attempts where email_hash = address;
    $$"""
END_SESSIONS = f"""
    create function end_sessions(wanted_kommun text, wanted uuid) returns void
    language sql security definer set search_path = ingest as $$
    update device_sessions set revoked_at = now() where person_id = wanted and revoked_at is null and {_OWN}
    $$"""
"""The door may find a login by its digest only, never read the list: forgetting or ending one is a function too."""


def upgrade() -> None:
    serve, work = serve_role("ingest"), work_role("ingest")
    steps = [
        """create table appointments (
            kommun text not null, appointment_id uuid not null, person_id uuid, token text not null,
            organisation_id uuid, areas text[] not null default '{}', since timestamptz not null, until timestamptz,
            trained boolean not null default false, revision bigint not null,
            created_at timestamptz not null default now(),
            primary key (kommun, appointment_id), unique (kommun, token))""",
        "create index on appointments (kommun, person_id)",
        # The owner reads across municipalities here, and only here.
        "alter table people no force row level security",
        EARLIER,
        "alter table people force row level security",
        *tenant_policies("ingest", "appointments"),
        *grants("appointments", serve="select, insert, update", work="select", room="ingest"),
        "alter table people drop column reporter_token",
        """create table revoked_tokens (
            subject text primary key, at timestamptz not null)""",
        f"grant select, insert, update, delete on revoked_tokens to {serve}",
        """create table invitations (
            token_hash bytea primary key, kommun text not null, expires_at timestamptz not null,
            replacing boolean not null default false, used_at timestamptz)""",
        f"grant select, insert, update on invitations to {serve}",
        f"grant delete on people to {serve}",
        "alter table credentials add credential_id uuid not null default gen_random_uuid()",
        f"""grant select (credential_id, kommun, client_id, prefix, scopes, created_at, revoked_at),
            update (revoked_at) on credentials to {serve}""",
        *tenant_policies("ingest", "credentials"),
        "alter table credentials no force row level security",  # find_credential looks before it knows whose it is
        FORGET,
        END_SESSIONS,
        "revoke all on function forget_logins(text, uuid, bytea), end_sessions(text, uuid) from public",
        f"grant execute on function forget_logins(text, uuid, bytea), end_sessions(text, uuid) to {serve}",
        f"grant delete on login_attempts to {serve}",
        "create index on people (kommun, lower(email))",
        f"revoke all on revoked_tokens, invitations from {work}",
    ]
    for step in steps:
        op.execute(step)
