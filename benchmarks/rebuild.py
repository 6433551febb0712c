"""Rebuilding: all views folded afresh from the facts that the flow has left, in facts a second."""

from benchmarks.servers import Ground
from services.analysis.handlers.rebuilding import Rebuilding, Rebuilt
from services.analysis.views.catalogue import REPORTS
from services.runtime.database import Database
from services.runtime.migrations import work_role


async def rebuild(ground: Ground) -> Rebuilt:
    """Fold, compare and switch all report views."""
    database = Database(ground.layout.database_url(work_role("analysis")), pool_size=2)
    try:
        return await Rebuilding(database, "bench").rebuild(REPORTS.views, lambda _line: None)
    finally:
        await database.close()
