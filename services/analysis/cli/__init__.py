"""Commands of the picture: ``rebuild``, ``check views``, ``check statistics``."""

from typing import Any

import typer

from services.analysis.cli import accuracy, rebuilding


def attach(app: typer.Typer, checks: typer.Typer, role_url: Any) -> None:
    """Add the commands. ``role_url(data, role)`` finds the database of a local instance."""
    rebuilding.attach(app, checks, role_url)
    checks.command("statistics")(accuracy.check_statistics)
