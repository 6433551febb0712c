"""Composition root of analysis."""

from collections.abc import AsyncIterator
from functools import partial
from importlib import import_module
from typing import Any

from schemas.topics import SITUATION_CHANGED
from schemas.values import CONTEXT_OWNER
from services.analysis.api import counts, exposure, situations
from services.analysis.gateways import Door, Geometry, Minted
from services.analysis.handlers.carding import Carding
from services.analysis.handlers.comparing import Comparing
from services.analysis.handlers.correcting import Correcting
from services.analysis.handlers.filling import fill
from services.analysis.handlers.picturing import Picturing
from services.analysis.handlers.rebuilding import Rebuilding
from services.analysis.handlers.scanning import Scanning
from services.analysis.handlers.watching import Watching
from services.analysis.settings import AnalysisSettings
from services.analysis.subscribers import CONSUMERS
from services.analysis.web import (
    areas,
    assessing,
    behind,
    cards,
    context,
    corrected,
    density,
    keeping,
    live,
    meeting,
    overview,
    pictures,
    reporting,
    signals,
)
from services.runtime import read_log
from services.runtime.asking import published_keys
from services.runtime.database import Database
from services.runtime.outbox import relaying
from services.runtime.pulse import Pulse
from services.runtime.room import Job, Room, release
from services.runtime.schedule import Schedule
from services.runtime.tokens import Verifier

ROUTERS = [
    read_log.router,
    counts.router,
    exposure.router,
    situations.router,
    overview.router,
    live.router,
    context.router,
    pictures.router,
    corrected.router,
    meeting.router,
    assessing.router,
    signals.router,
    areas.router,
    cards.router,
    behind.router,
    density.router,
    reporting.router,
    keeping.router,
]


def build(settings: AnalysisSettings | None = None, **overrides: Any) -> Room:
    """analysis, wired."""
    chosen = settings or AnalysisSettings()
    url = chosen.database_url.get_secret_value()
    database = Database(url, pool_size=chosen.pool_size)
    rebuilding = Rebuilding(database, release())
    watching, picturing = Watching(database), Picturing(database)
    minted = Minted(chosen.ingest_url, chosen.service_secret.get_secret_value())
    tasks = *watching.tasks(), Scanning(database).task(), picturing.task(), Comparing(database, minted).task()
    schedule = Schedule(database, tasks, partial(_municipalities, rebuilding), settled=watching.settled)
    parts: dict[str, Any] = {
        "name": "analysis",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(partial(published_keys, chosen.ingest_url)),
        "routers": ROUTERS,
        "consumers": CONSUMERS,
        "warm": partial(import_module, "scipy.stats"),  # two seconds, of nearly every page's statistics
        "before_work": partial(_ready, database, rebuilding),
        "jobs": [
            Job("relay", partial(relaying, chosen, "analysis", SITUATION_CHANGED.max_bytes)),
            Job("schedule", schedule.run),
        ],
        "state": {
            "database": database,
            "picturing": picturing,
            "correcting": Correcting(database),
            "carding": Carding(database),
            "door": Door(chosen.ingest_url),
            "geometry": Geometry(chosen.geo_url),
            "pulse": Pulse(url),
        },
        "title": "Lägesbild analysis",
    }
    return Room(**(parts | overrides))


async def _ready(database: Database, rebuilding: Rebuilding) -> None:
    """What a new release must do to what an older one stored, before its consumers start."""
    await rebuilding.ensure()
    await fill(database, rebuilding.owners)


async def _municipalities(rebuilding: Rebuilding) -> AsyncIterator[str]:
    """Whose weeks and periods are looked at: not the owner of what happens elsewhere."""
    async for kommun in rebuilding.owners():
        if kommun != CONTEXT_OWNER:
            yield kommun
