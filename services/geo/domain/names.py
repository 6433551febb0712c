"""Published place names: an exact municipality or county name, or nothing. Such precision gives no area and no cell."""

from schemas.context import ContextPlacement, ContextReceived
from schemas.values import UtcTime
from services.geo.layers.shipped import Layers


class Names:
    """Municipality and county by exact name."""

    def __init__(self, layers: Layers) -> None:
        self._kommuner = {a.name: a for a in layers.kommuner.values()}
        self._lan = {a.name: a.code for a in layers.lan.values()}

    def place(self, item: ContextReceived, *, number: int, now: UtcTime) -> ContextPlacement:
        """The municipality in the headline, else in the publisher's location; else the county; else nothing."""
        for name in (item.title_place, item.location_name):
            if name is not None and (kommun := self._kommuner.get(name)) is not None:
                return ContextPlacement(
                    placement=number,
                    placed_at=now,
                    precision="kommun",
                    located_kommun=kommun.code,
                    located_lan=kommun.lan,
                )
        for name in (item.location_name, item.title_place):
            if name is not None and (lan := self._lan.get(name)) is not None:
                return ContextPlacement(placement=number, placed_at=now, precision="lan", located_lan=lan)
        return ContextPlacement(placement=number, placed_at=now, precision="none")
