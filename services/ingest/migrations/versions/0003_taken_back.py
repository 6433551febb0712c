"""Reports that came back from the topics after a restore: their sender's own words and ids are not known any more."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for step in (
        "alter table reports add taken_back boolean not null default false",
        *(
            f"alter table reports alter {column} drop not null"
            for column in ("client_id", "sender_id", "version_kind", "source_version")
        ),
    ):
        op.execute(step)
