"""Runs inside QGIS' own Python, headless: lists, opens, filters and draws the layers; prints what it saw as JSON.

``QT_QPA_PLATFORM=offscreen python3 in_qgis.py ADDRESS KEY PICTURE WEST SOUTH EAST NORTH``
"""

# mypy: ignore-errors
import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsMarkerSymbol,
    QgsRectangle,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

address, key, picture, *box = sys.argv[1:]
QgsApplication.setPrefixPath("/usr", True)
application = QgsApplication([], False)
application.initQgis()
box = QgsRectangle(*map(float, box))


def layer(name):
    uri = f"url='{address}/ogc' typename='{name}' username='qgis' password='{key}' pageSize='100' pagingEnabled='true'"
    opened = QgsVectorLayer(uri, name, "OAPIF")
    if not opened.isValid():
        raise SystemExit(f"{name}: {opened.error().message()}")
    return opened


reports, areas = layer("reports"), layer("regso-counts")
everything = list(reports.getFeatures())
inside = list(reports.getFeatures(QgsFeatureRequest().setFilterRect(box)))
codes = sorted({f["event_type"] for f in everything})
colours = ["#0b4f5f", "#b3771f", "#9c4a2f", "#3d7f8f"]
categories = [
    QgsRendererCategory(
        c, QgsMarkerSymbol.createSimple({"color": colours[i % 4], "size": "3", "outline_color": "white"}), c
    )
    for i, c in enumerate(codes)
]
reports.setRenderer(QgsCategorizedSymbolRenderer("event_type", categories))
areas.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple({"color": "#dfe9ea", "outline_color": "#7f9aa0"})))
settings = QgsMapSettings()
settings.setLayers([reports, areas])
settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
settings.setBackgroundColor(QColor("white"))
settings.setOutputSize(QSize(900, 640))
settings.setExtent(
    settings.layerExtentToOutputExtent(reports, reports.extent() if reports.extent().isFinite() else box)
)
around = QgsRectangle(box)
around.scale(3)
settings.setExtent(settings.layerToMapCoordinates(reports, around))
job = QgsMapRendererParallelJob(settings)
job.start()
job.waitForFinished()
job.renderedImage().save(picture)
print(
    json.dumps(
        {
            "features": len(everything),
            "ids": len(
                {f["id"] for f in everything} if "id" in reports.fields().names() else {f.id() for f in everything}
            ),
            "inside": len(inside),
            "inside_right": all(box.contains(f.geometry().asPoint()) for f in inside),
            "areas": areas.featureCount(),
            "fields": reports.fields().names(),
            "errors": [str(e.message) for e in job.errors()],
        }
    )
)
sys.stdout.flush()
os._exit(0)  # QGIS 3.22 crashes while the interpreter lets go of its objects, after all is done
