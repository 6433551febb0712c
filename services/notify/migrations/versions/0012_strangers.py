"""How many addresses in a duty rota's calendar belong to nobody who can be told."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("alter table rotas add column strangers int not null default 0")
