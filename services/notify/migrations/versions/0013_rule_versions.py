"""What a municipality's rules and subscriptions are now has a version: who has read them need not read them again."""

from alembic import op

from services.runtime.migrations import OWNER_ROLE, grants, tenant_policies

revision = "0013"
down_revision = "0012"

RULES = ("plans", "subscriptions")
RIGHTS = "select, insert, update"


def upgrade() -> None:
    steps = [
        "create table rule_versions (kommun text primary key, version uuid not null default gen_random_uuid())",
        *(f"alter table {table} no force row level security" for table in RULES),
        "insert into rule_versions (kommun) select kommun from plans union select kommun from subscriptions",
        *(f"alter table {table} force row level security" for table in RULES),
        *tenant_policies("notify", "rule_versions"),
        # The owner has no way past a forced policy, and a later migration that touches the rules runs the trigger.
        f"create policy owner on rule_versions to {OWNER_ROLE} using (true) with check (true)",
        *grants("rule_versions", serve=RIGHTS, work=RIGHTS, room="notify"),
        # Whoever writes, by whatever statement: the version is part of the same transaction.
        """create function rules_changed() returns trigger language plpgsql set search_path from current as $$
           begin
               insert into rule_versions (kommun) values (coalesce(new.kommun, old.kommun))
               on conflict (kommun) do update set version = gen_random_uuid();
               return null;
           end $$""",
        *(
            f"create trigger rules_changed after insert or update or delete on {table}"
            " for each row execute function rules_changed()"
            for table in RULES
        ),
    ]
    for step in steps:
        op.execute(step)
