"""The tiles as they are asked for: made in a thread, kept in memory within a bound."""

from threading import Lock

from services.geo.domain import tiling
from services.geo.domain.recent import Recent
from services.geo.domain.tiling import Drawable
from services.geo.layers.drawables import Country, Municipal
from services.geo.layers.own import Own, Version
from services.geo.layers.shipped import Layers
from services.geo.registers.gazetteer import Gazetteer
from services.geo.registers.loading import Loaded

MOST_BYTES = 32 * 2**20
GROUND = "ground"
"""The tile set that lies under everything else."""
Address = tuple[str, str, int, int, int]
"""Tile set, version, zoom, column, row."""


class NoSuchLayer(Exception):
    """The municipality has no such layer."""


class Tiles:
    """One process' tiles."""

    def __init__(self, layers: Layers, gazetteer: Gazetteer) -> None:
        self._shipped = {layer.name for layer in layers.layers}
        self._country, self._municipal = Country(layers, gazetteer), Municipal()
        self._kept: Recent[Address, bytes] = Recent(MOST_BYTES, len)
        self._lock = Lock()

    def version(self, name: str, kommun: str, loaded: Loaded, own: Own) -> str:
        """Part of a tile's address, so that browsers may keep it; NoSuchLayer.

        Changes when a tile of the set would, and from one municipality to another, whose people may share a browser.
        """
        if name == GROUND:
            return f"{self._country.version}-{kommun}-{loaded.number}"
        return self._country.version if name in self._shipped else f"{kommun}-{_of(own, name).key.number}"

    def tile(self, name: str, z: int, x: int, y: int, *, kommun: str, loaded: Loaded, own: Own) -> bytes:
        """One tile, empty bytes where nothing lies; NoSuchLayer.

        Made once: 1–30 ms near (zoom 10 and up), up to 0.2 s at zoom 7–9, 0.7 s for the country; the very first 2 s.
        """
        address = (name, self.version(name, kommun, loaded, own), z, x, y)
        with self._lock:
            if address in self._kept:
                return self._kept[address]
            # One tile at a time: the first needs the whole country prepared, and ten that wait need it once.
            made = self._kept[address] = tiling.encode(self._layers(name, z, loaded, own), z, x, y)
        return made

    def _layers(self, name: str, z: int, loaded: Loaded, own: Own) -> dict[str, Drawable]:
        if name == GROUND:
            return self._country.ground(z) | self._municipal.addresses(loaded.geocoder.register, z)
        if name in self._shipped:
            return {name: self._country.layer(name, z)}
        return {name: self._municipal.layer(_of(own, name))}


def _of(own: Own, name: str) -> Version:
    found = own.version(name)
    if found is None:
        raise NoSuchLayer(name)
    return found
