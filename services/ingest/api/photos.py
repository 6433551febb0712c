"""A photo for whom it concerns: who took it, and the municipality's analysts. Every other look is none."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.ingest.api.caller import DoorCaller
from services.ingest.gateways.objects import StoreAway
from services.ingest.handlers.people import People
from services.ingest.handlers.photos import NoPhoto, Photos
from services.runtime import read_log
from services.runtime.openapi import media
from services.runtime.problems import Problem, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1/photos", tags=["photos"])
LOOKERS = ("analytiker", "administrator")


@router.get(
    "/{photo_id}", response_class=Response, responses=media("image/jpeg", schema={"type": "string", "format": "binary"})
)
async def get_photo(
    request: Request,
    photo_id: UUID,
    principal: DoorCaller,
    purpose: Annotated[str, Query(pattern="^(follow_up|review)$")] = "follow_up",
) -> Response:
    """The photo of a report, as a JPEG: cleaned, and covered if somebody has covered it. A look is noted first."""
    photos: Photos = request.app.state.photos
    try:
        row = await photos.find(principal.kommun, photo_id)
        own = await _is_own(request, principal, row.client_id)
        if not own and not principal.may(*LOOKERS):
            raise not_found("photo")
        if not own:
            await read_log.note(request.app.state.database, principal, "photo", str(photo_id), purpose)
        return Response(await photos.open(row), media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})
    except NoPhoto:
        raise not_found("photo") from None
    except StoreAway:
        raise away() from None


async def _is_own(request: Request, principal: Principal, client: UUID) -> bool:
    if principal.kind != "person":
        return False
    people: People = request.app.state.people
    return (await people.sender(principal)).client_id == client


def away() -> Problem:
    """Photos cannot be read or written now."""
    return Problem(503, "photos-away", "Bilden kan inte hanteras just nu. Försök igen.", headers={"Retry-After": "10"})
