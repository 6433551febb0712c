"""HTTP in: where reports were placed."""

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from services.geo.layers.shipped import Layers
from services.geo.store import placements as store
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import not_found

router = APIRouter(prefix="/v1", tags=["geo"])


@router.get("/placements/unplaced")
async def unplaced(request: Request, principal: Caller) -> dict[str, int]:
    """How many of the municipality's reports have no area, by reason."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        return await store.unplaced(connection, principal.kommun)


@router.get("/placements/{report_id}")
async def placement(request: Request, report_id: UUID, principal: Caller) -> dict[str, Any]:
    """Where a report was placed, by the newest placement."""
    database: Database = request.app.state.database
    known: Layers = request.app.state.layers
    async with database.transaction(principal.kommuner) as connection:
        row = await store.one(connection, principal.kommun, report_id)
    if row is None:
        raise not_found("placement")
    event = json.loads(row.event)
    settled = event["placement"]
    area = next((a["area"] for a in settled["areas"] if a["layer"] == "regso"), None)
    name = known.by_code[area].name if area in known.by_code else None
    return {
        "revision": event["report"]["revision"],
        "placement": settled["placement"],
        "placed_at": settled["placed_at"],
        "precision": settled["precision"],
        "reason": settled["reason"],
        "area": area,
        "area_name": name,
        "located_kommun": settled["located_kommun"],
    }
