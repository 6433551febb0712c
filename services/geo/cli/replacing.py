"""Reports placed anew: ``place-again``."""

import asyncio
from typing import Annotated, Any

import typer

from services.geo.cli.reaching import DatabaseUrl, KommunArgument, with_database
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail

PATIENCE = 3600.0
"""Seconds to wait for the working process; what was asked for is done later too."""


def place_again(
    kommun: KommunArgument,
    every: Annotated[bool, typer.Option("--all", help="All reports, not only those with a written place.")] = False,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Look up a municipality's reports anew, by its register and layers as they are now. Nobody is told anything."""
    from services.geo.handlers import replacing
    from services.geo.store import replacings as store

    async def run(database: Any) -> dict[str, Any] | None:
        ident = await replacing.ask(database, kommun, "all" if every else "texts", "asked for on the command line")
        for _ in range(int(PATIENCE)):
            async with database.transaction((kommun,)) as connection:
                asked = await store.one(connection, kommun, ident)
            if asked is not None and asked.finished_at is not None:
                return {"kommun": kommun, "looked_at": asked.looked_at, "changed": asked.changed}
            await asyncio.sleep(1)
        return None

    done = with_database(data, database_url, run)
    if done is None:
        raise fail("It was asked for, but not done yet: does 'geo work' run? lagesbild status says more.")
    human = f"{done['looked_at']} reports of {kommun} looked at, {done['changed']} placed elsewhere than before."
    answer(done, as_json=as_json, human=human)
