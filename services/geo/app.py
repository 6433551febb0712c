"""Composition root of geo."""

from functools import partial
from typing import Any

from services.geo import api
from services.geo.handlers import Placer
from services.geo.layers import Layers
from services.geo.settings import GeoSettings
from services.geo.subscribers import consumers
from services.runtime.asking import published_keys
from services.runtime.database import Database
from services.runtime.room import Room
from services.runtime.tokens import Verifier


def build(settings: GeoSettings | None = None, **overrides: Any) -> Room:
    """geo, wired. Loading the layers takes about half a second from the cache, seven without."""
    chosen = settings or GeoSettings()
    database = Database(chosen.database_url.get_secret_value(), pool_size=chosen.pool_size)
    layers = overrides.pop("layers", None) or Layers(chosen.cache_dir)
    parts: dict[str, Any] = {
        "name": "geo",
        "settings": chosen,
        "database": database,
        "verifier": Verifier(partial(published_keys, chosen.ingest_url)),
        "routers": [api.router],
        "consumers": consumers(Placer(layers)),
        "state": {"database": database, "layers": layers},
        "title": "Lägesbild geo",
    }
    return Room(**(parts | overrides))
