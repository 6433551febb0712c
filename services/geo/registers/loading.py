"""Geocoders on demand: one municipality at a time, built from its active register, within a bound on memory.

Which register is active is asked with every batch (one indexed row); its file is read only when that changed. The least
recently used are dropped when more addresses than the bound are in memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from services.geo.domain.geocoding.geocoder import Geocoder
from services.geo.domain.geocoding.hints import Point
from services.geo.domain.geocoding.places import TAUGHT, Place
from services.geo.domain.geocoding.register import AddressRows, Register
from services.geo.domain.placing import Read, Reader
from services.geo.layers.own import NO_LAYERS, Atlas, Own, Version
from services.geo.registers.gazetteer import Gazetteer
from services.geo.registers.packing import unpack
from services.geo.store import registers as store
from services.geo.store import review
from services.geo.store.layers import Key
from services.runtime.database import Database

NO_REGISTER = 0
EMPTY = AddressRows([], [], [], [], [], [], [], [], np.array([]), np.array([]))


Stamp = tuple[int, tuple[Key, ...], int]
"""Register, layers of places, taught names."""


class Loaded(NamedTuple):
    """One municipality's geocoder, and the register that it was built from; ``NO_REGISTER`` for names alone."""

    number: int
    geocoder: Geocoder
    layers: tuple[Key, ...] = ()
    """The layers of named places and of names that it knows."""
    taught: int = 0
    """The newest name that the municipality's decisions taught it."""
    credit: str = ""

    @property
    def version(self) -> str | None:
        """What is published with every placement that was read from a text."""
        register = self.geocoder.register
        return f"{register.source} {register.vintage}".strip()[:64] if self.number else None


class Geocoders:
    """The geocoders of one process."""

    def __init__(self, gazetteer: Gazetteer, *, most_addresses: int) -> None:
        self._gazetteer, self._most = gazetteer, most_addresses
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = asyncio.Lock()

    @property
    def addresses(self) -> int:
        """How many addresses are in memory."""
        return sum(len(kept.geocoder.register) for kept in self._loaded.values())

    async def load(
        self, connection: AsyncConnection, kommuner: Collection[str], own: Mapping[str, Own]
    ) -> Mapping[str, Loaded]:
        """The geocoders of these municipalities, of their registers that are active and places that hold now.

        All of them, even beyond the bound: what is asked for at once is needed at once.
        """
        if not kommuner:
            return {}
        async with self._lock:  # one build at a time: many who ask for the same cold municipality build it once
            return await self._load(connection, kommuner, own)

    async def _load(
        self, connection: AsyncConnection, kommuner: Collection[str], own: Mapping[str, Own]
    ) -> Mapping[str, Loaded]:
        active = await store.active(connection, kommuner)
        taught = await review.taught_until(connection, kommuner)
        found: dict[str, Loaded] = {}
        for kommun in sorted(kommuner):
            number = active.get(kommun, NO_REGISTER)
            kept = self._loaded.get(kommun)
            places = own.get(kommun, NO_LAYERS).named
            wanted = (number, tuple(p.key for p in places), taught.get(kommun, 0))
            if kept is None or (kept.number, kept.layers, kept.taught) != wanted:
                kept = await self._build(connection, kommun, wanted, places)
                self._loaded[kommun] = kept
            self._loaded.move_to_end(kommun)
            found[kommun] = kept
        self._drop(keep=len(found))
        return found

    async def _build(self, connection: AsyncConnection, kommun: str, wanted: Stamp, named: Sequence[Version]) -> Loaded:
        number, layers, taught = wanted
        foreign = self._gazetteer.elsewhere(kommun)
        places = [*self._gazetteer.places(kommun), *(place for v in named for place in v.named())]
        if taught:
            names = await review.names(connection, kommun)
            places += [Place(t.name, "place", t.e, t.n, t.radius_m, TAUGHT, "") for t in names]
        if number == NO_REGISTER:
            return Loaded(number, Geocoder(Register(EMPTY, source="", vintage=""), places, foreign), layers, taught)
        content = await store.content(connection, kommun, number)

        def build() -> Geocoder:
            register = Register(unpack(content.parquet), source=content.source, vintage=content.vintage)
            return Geocoder(register, places, foreign)

        # A third of a second for 50 000 addresses: in a thread, so that heartbeats and other requests go on.
        return Loaded(number, await asyncio.to_thread(build), layers, taught, content.credit)

    def _drop(self, *, keep: int) -> None:
        while self.addresses > self._most and len(self._loaded) > keep:
            self._loaded.popitem(last=False)


async def own_and_loaded(database: Database, atlas: Atlas, geocoders: Geocoders, kommun: str) -> tuple[Own, Loaded]:
    """One municipality's layers and its geocoder, read in a transaction of its own."""
    async with database.transaction((kommun,)) as connection:
        own = await atlas.load(connection, (kommun,))
        return own[kommun], (await geocoders.load(connection, (kommun,), own))[kommun]


async def of_one(database: Database, atlas: Atlas, geocoders: Geocoders, kommun: str) -> Loaded:
    """What one municipality's lookups are answered from, read in its own transaction."""
    return (await own_and_loaded(database, atlas, geocoders, kommun))[1]


def reader(loaded: Mapping[str, Loaded]) -> Reader:
    """Reads texts by these geocoders; a municipality that is not among them has none to read."""

    def read(kommun: str, text: str, near: tuple[float, float] | None) -> Read:
        kept = loaded[kommun]
        return Read(kept.geocoder.find(text, None if near is None else Point(*near)), kept.version)

    return read
