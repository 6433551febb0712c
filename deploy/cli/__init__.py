"""Commands of operation; each imports what it needs when it is called."""

import typer

from deploy.cli import keeping, letters, running
from deploy.cli.instances import role_url

__all__ = ["attach", "role_url"]


def attach(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (running.up, running.down, running.demo, running.status, keeping.topics, keeping.migrate):
        app.command()(command)
    app.command("accept-broker")(keeping.accept_broker)
    app.command()(keeping.backup)
    app.command()(keeping.restore)
    app.command()(keeping.restored)
    app.command("redrive")(letters.redrive)
    app.add_typer(letters.letters, name="dead-letters")
