"""Composition root of geo."""

from functools import partial
from typing import Any

from schemas.topics import REPORT_LOCATED
from services.geo.api import exports, geocoding, ogc, placements, tiles
from services.geo.api import layers as layer_routes
from services.geo.gateways.basemaps import opened
from services.geo.gateways.rooms import Door, Numbers
from services.geo.handlers.noticing import Noticing
from services.geo.handlers.placing import Placer
from services.geo.handlers.replacing import Replacing
from services.geo.layers.own import Atlas
from services.geo.layers.shipped import Layers
from services.geo.layers.tiles import Tiles
from services.geo.registers.gazetteer import Gazetteer
from services.geo.registers.loading import Geocoders
from services.geo.settings import GeoSettings
from services.geo.subscribers import consumers
from services.geo.web import layers as layer_pages
from services.geo.web import review, surfaces
from services.runtime import read_log
from services.runtime.asking import published_keys
from services.runtime.database import Database
from services.runtime.outbox import relaying
from services.runtime.rates import Rate
from services.runtime.room import Job, Room
from services.runtime.tokens import Verifier


def build(settings: GeoSettings | None = None, **overrides: Any) -> Room:
    """geo, wired. Loading the layers takes about a second from the cache, seven without."""
    chosen = settings or GeoSettings()
    database = Database(chosen.database_url.get_secret_value(), pool_size=chosen.pool_size)
    layers = overrides.pop("layers", None) or Layers(chosen.cache_dir)
    gazetteer = Gazetteer(layers)
    geocoders = Geocoders(gazetteer, most_addresses=chosen.register_addresses)
    atlas = Atlas()
    placer = Placer(layers, geocoders, atlas)
    parts: dict[str, Any] = {
        "name": "geo",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(partial(published_keys, chosen.ingest_url)),
        "routers": [
            read_log.router,
            layer_routes.router,
            placements.router,
            geocoding.router,
            exports.router,
            tiles.router,
            ogc.router,
            review.router,
            layer_pages.router,
            surfaces.router,
        ],
        "consumers": consumers(placer),
        "jobs": [
            Job("relay", partial(relaying, chosen, "geo", REPORT_LOCATED.max_bytes)),
            Job("replacing", Replacing(database, layers, geocoders, atlas).run),
            Job("noticing", Noticing(database, placer.seen).run),
        ],
        "state": {
            "database": database,
            "layers": layers,
            "geocoders": geocoders,
            "atlas": atlas,
            "door": Door(chosen.ingest_url),
            "tiles": Tiles(layers, gazetteer),
            "basemaps": opened(chosen.base_maps),
            "numbers": Numbers(chosen.analysis_url),
            "public_url": chosen.public_url,
            "lookups_rate": Rate(chosen.lookups_per_minute),
        },
        "title": "Lägesbild geo",
    }
    return Room(**(parts | overrides))
