"""What the door has minted, for analysis' comparison by night: numbers and ids, nothing of what reports say."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime

from services.ingest.api.caller import DoorCaller, room_only
from services.ingest.store import comparing as store

router = APIRouter(prefix="/v1/minted", include_in_schema=False)


@router.get("")
async def parts(request: Request, principal: DoorCaller, until: AwareDatetime) -> dict[int, tuple[int, int]]:
    """Part → how many reports, and a hash over their newest revisions, minted by ``until``."""
    room_only(principal)
    async with request.app.state.database.transaction(principal.kommuner) as connection:
        return await store.parts(connection, principal.kommun, until)


@router.get("/{which}")
async def part(
    request: Request, principal: DoorCaller, until: AwareDatetime, which: Annotated[int, Path(ge=0, le=255)]
) -> dict[UUID, int]:
    """Report → newest revision, of one part."""
    room_only(principal)
    async with request.app.state.database.transaction(principal.kommuner) as connection:
        return dict(await store.part(connection, principal.kommun, until, which))
