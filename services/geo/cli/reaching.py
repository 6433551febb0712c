"""Reaching geo's database from the command line, as its working role."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")
Crs = Annotated[str | None, typer.Option("--crs", help="The file's coordinate system, if it does not say: EPSG:3008.")]
LayerName = Annotated[str | None, typer.Option("--layer", help="Which layer of a file with several.")]
Kommun = Annotated[str, typer.Option("--kommun", help="Municipality code, four digits.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", envvar="LAGESBILD_DATABASE_URL", help="URL of geo's working role.")
]
KommunArgument = Annotated[str, typer.Argument(help="Municipality code, four digits.")]
_role_url: Any = None


def reach_by(role_url: Any) -> None:
    """How the database of a local instance is found: ``role_url(data, role)``."""
    global _role_url  # noqa: PLW0603 - typer's commands are plain functions; this is their one collaborator
    _role_url = role_url


def with_database(data: Path, given: str | None, use: Callable[[Any], Awaitable[T]]) -> T:
    """Run something on geo's database."""
    from services.runtime.database import Database
    from services.runtime.migrations import work_role

    async def run() -> T:
        database = Database(given or str(_role_url(data, work_role("geo"))), pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())
