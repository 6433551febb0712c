"""Gallring of people who report no more: the working process forgets them as an administrator does."""

from alembic import op

from services.runtime.migrations import work_role

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    work = work_role("ingest")
    for step in (
        f"grant delete on people to {work}",
        f"grant insert, update on appointments to {work}",
        f"grant select, insert, update on revoked_tokens to {work}",
        f"grant select, delete on external_logins, passkeys to {work}",
        f"grant execute on function forget_logins(text, uuid, bytea), end_sessions(text, uuid) to {work}",
    ):
        op.execute(step)
