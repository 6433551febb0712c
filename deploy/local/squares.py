"""The demo's drawn places: invented squares around where things happen, drawn by geo's own use case before reports."""

from datetime import date

import numpy as np
import shapely

from deploy.local.layout import Layout
from deploy.local.town import SPOTS
from services.geo.domain import crs
from services.geo.handlers import drawing
from services.geo.importing.polygons import Report, code_of
from services.geo.layers.packing import Feature
from services.runtime.database import Database

TITLE = "Platser"
HALF_METRES = 140
SQUARES = {"Exempeltorget": (0, "torg"), "Påhittsparken": (3, "park"), "Provstationen": (11, "station")}
"""Name → (which of the town's spots, what kind of place)."""


async def draw(layout: Layout, kommun: str) -> None:
    """Draw and publish them; safe to repeat."""
    database = Database(layout.database_url("lagesbild_geo_serve"), pool_size=1)
    try:
        await drawing.begin(database, kommun, title=TITLE, kind="places")
        sheet = await drawing.sheet(database, kommun, drawing.name_of(TITLE))
        if sheet is None or sheet.entry is not None:
            return
        for name, (spot, environment) in SQUARES.items():
            square = Feature(code_of(name), name, _around(SPOTS[spot].lon, SPOTS[spot].lat), environment)
            await drawing.put(database, kommun, sheet, square, edition=sheet.edition)
            sheet = await drawing.sheet(database, kommun, sheet.layer) or sheet
        report, began = Report(read=len(sheet.features)), date(2020, 1, 1)
        await drawing.publish(
            database, kommun, sheet, report, edition=sheet.edition, valid_from=began, credit="Påhittade platser"
        )
    finally:
        await database.close()


def _around(lon: float, lat: float) -> shapely.Polygon:
    e, n = (float(v[0]) for v in crs.to_sweref(np.array([lon]), np.array([lat]), crs.WGS84))
    return shapely.box(e - HALF_METRES, n - HALF_METRES, e + HALF_METRES, n + HALF_METRES)
