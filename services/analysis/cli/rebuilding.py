"""Views folded anew, and held against a fresh fold: ``rebuild`` and ``check views``."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail, stderr

T = TypeVar("T")
Views = Annotated[list[str] | None, typer.Argument(help="Names of views; all of them when none is given.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", envvar="LAGESBILD_DATABASE_URL", help="URL of analysis' working role."),
]


def attach(app: typer.Typer, checks: typer.Typer, role_url: Any) -> None:
    """Add the commands. ``role_url(data, role)`` finds the database of a local instance."""
    global _role_url  # noqa: PLW0603 - typer's commands are plain functions; this is their one collaborator
    _role_url = role_url
    app.command()(rebuild)
    checks.command("views")(check_views)


_role_url: Any = None


def _chosen(names: list[str] | None) -> list[list[Any]]:
    """The views by the kind of fact they are folded from."""
    from services.analysis.views.catalogue import BY_NAME, FAMILIES

    unknown = [n for n in names or [] if n not in BY_NAME]
    if unknown:
        raise fail(f"There is no view {', '.join(unknown)}. Views are {', '.join(BY_NAME)}.", 2)
    wanted = [BY_NAME[n] for n in names] if names else list(BY_NAME.values())
    return [views for family in FAMILIES if (views := [v for v in family.views if v in wanted])]


def _with_rebuilding(data: Any, given: str | None, use: Callable[[Any], Awaitable[T]]) -> T:
    """Run something on analysis' database, as its working role."""
    from services.analysis.handlers.rebuilding import Rebuilding
    from services.runtime.database import Database
    from services.runtime.migrations import work_role
    from services.runtime.room import release

    async def run() -> T:
        database = Database(given or str(_role_url(data, work_role("analysis"))), pool_size=2)
        try:
            return await use(Rebuilding(database, release()))
        finally:
            await database.close()

    return asyncio.run(run())


def rebuild(
    views: Views = None, data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Fold views afresh from the stored facts while reports flow in, compare, and switch. Alerts nobody."""
    from services.analysis.handlers.rebuilding import Unequal

    said = 0.0

    def progress(line: str) -> None:
        nonlocal said
        if time.monotonic() - said > 1:
            said = time.monotonic()
            stderr.print(line, highlight=False)

    async def each(rebuilding: Any) -> list[dict[str, Any]]:
        return [asdict(await rebuilding.rebuild(group, progress)) for group in _chosen(views)]

    try:
        done = _with_rebuilding(data, database_url, each)
    except Unequal as wrong:
        raise fail(f"{wrong}. The old rows still live; nothing was switched.") from None
    human = "\n".join(
        f"{', '.join(d['views'])}: {d['facts']} facts folded in {d['fold_seconds']:.1f} s, "
        f"equal to a fresh fold ({d['compare_seconds']:.1f} s)"
        for d in done
    )
    answer(done, as_json=as_json, human=human)


def check_views(
    views: Views = None, data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Compare the views that people read with a fresh fold of the facts; exit 1 when a row differs."""
    from services.analysis.handlers.rebuilding import Unequal

    async def each(rebuilding: Any) -> dict[str, int]:
        found: dict[str, int] = {}
        for group in _chosen(views):
            found |= await rebuilding.compare(group)
        return found

    try:
        equal = _with_rebuilding(data, database_url, each)
    except Unequal as wrong:
        raise fail(f"{wrong}. Fold them afresh with: lagesbild rebuild") from None
    answer(equal, as_json=as_json, human="\n".join(f"{name}: {rows} rows, equal" for name, rows in equal.items()))
