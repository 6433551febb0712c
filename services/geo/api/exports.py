"""HTTP in: located reports as files, streamed in constant memory."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.geo.api import gis
from services.geo.api.gis import GisCaller
from services.geo.api.ogc_query import Items, bad_parameter, filter_of, query_of
from services.geo.domain.features import BadQuery
from services.geo.handlers import exporting
from services.geo.handlers.exporting import KINDS, Format
from services.runtime import read_log
from services.runtime.database import Database
from services.runtime.problems import not_allowed

router = APIRouter(prefix="/ogc", tags=["ogc"])


class Export(BaseModel):
    """Which reports, in which format; the filters are those of a page of items."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    f: Format = "gpkg"
    bbox: str | None = None
    bbox_crs: Annotated[str | None, Field(alias="bbox-crs")] = None
    datetime: str | None = None
    event_type: Annotated[str | None, Field(pattern=r"^[A-G](?:\d{1,2}|-X\d{1,3})$")] = None


AskedExport = Annotated[Export, Depends(query_of(Export))]


@router.get("/collections/reports/export", response_class=StreamingResponse)
async def export(request: Request, principal: GisCaller, asked: AskedExport) -> StreamingResponse:
    """Located reports as GeoPackage with styles, GeoParquet, FlatGeobuf (EPSG:3006), GeoJSON (WGS84) or CSV (both)."""
    if not principal.may(*gis.EXACT):
        raise not_allowed(" or ".join(gis.EXACT))
    try:
        chosen = filter_of(Items.model_validate(asked.model_dump(exclude={"f"}, exclude_none=True)))
    except BadQuery as wrong:
        raise bad_parameter(wrong) from None
    database: Database = request.app.state.database
    await read_log.note(database, principal, "reports", f"{request.url.path}?{request.url.query}", "export")
    found = exporting.pages(database, principal.kommun, chosen)
    if asked.f == "csv":
        body = exporting.as_csv(found)
    elif asked.f == "geojson":
        body = exporting.as_geojson(found)
    else:
        body = exporting.as_file(found, asked.f)
    kind = KINDS[asked.f]
    name = f"rapporter-{principal.kommun}.{kind.suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(body, media_type=kind.media_type, headers=headers)
