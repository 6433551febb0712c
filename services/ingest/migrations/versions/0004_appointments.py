"""Appointments apart from people, so that a person can be erased and the counts stay; revoked tokens, keys by id."""

from alembic import op

from services.runtime.migrations import grants, serve_role, tenant_policies, work_role

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EARLIER = """
    insert into appointments (kommun, appointment_id, person_id, token, organisation_id, since, revision)
    select p.kommun, gen_random_uuid(), p.person_id, p.reporter_token, p.organisation_id, p.created_at,
        ((select epoch from epoch)::bigint << 32) + 1
    from people p"""
"""Everybody was appointed when registered. No revision of that time is higher than the first of this epoch."""

FORGET = """
    create function forget_logins(wanted_kommun text, wanted uuid) returns void
    language sql security definer set search_path = ingest as $$
    delete from login_index where kommun = wanted_kommun and person_id = wanted
        and kommun = any (string_to_array(current_setting('app.kommuner', true), ','));
    delete from device_sessions where kommun = wanted_kommun and person_id = wanted
        and kommun = any (string_to_array(current_setting('app.kommuner', true), ','))
    $$"""
"""The door may find a login by its digest only, never read the list: forgetting one is a function too."""


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
            used_at timestamptz)""",
        f"grant select, insert, update on invitations to {serve}",
        f"grant delete on people to {serve}",
        "alter table credentials add credential_id uuid not null default gen_random_uuid()",
        f"""grant select (credential_id, kommun, client_id, prefix, scopes, created_at, revoked_at),
            update (revoked_at) on credentials to {serve}""",
        *tenant_policies("ingest", "credentials"),
        "alter table credentials no force row level security",  # find_credential looks before it knows whose it is
        FORGET,
        "revoke all on function forget_logins(text, uuid) from public",
        f"grant execute on function forget_logins(text, uuid) to {serve}",
        f"revoke all on revoked_tokens, invitations from {work}",
    ]
    for step in steps:
        op.execute(step)
