"""Photos of people's reports: taken in clean, shown to whom they concern, covered by analysts, gone when they must be.

The object is written before the row and taken away after it. So a crash between leaves at most an object that no row
names, which ``sweep`` takes away, and never a row without its picture.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row

from schemas.envelope import client_report_id
from services.ingest.gateways.objects import Missing, Objects, StoreAway
from services.ingest.pictures import Box, cleaned, covered
from services.ingest.store import photos as store
from services.ingest.store.photos import NewPhoto
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

SWEEP_SECONDS = 6 * 3600.0
UNFINISHED = timedelta(days=30)
"""How long an object may be without its row. A report under way has it in a second; but a restored database names none
of those that came since, and who goes back to the other one must find them."""
PAGE = 60
_log = logger(__name__)


class NoPhoto(Exception):
    """There is no such photo in this municipality, or it is gone."""


class Photos:
    """The use cases of photos. Without an object store none are taken in."""

    def __init__(self, database: Database, objects: Objects | None) -> None:
        self._database, self._objects = database, objects
        self._one_at_a_time = asyncio.Semaphore(1)

    @property
    def taken(self) -> bool:
        """Whether photos are taken in at all."""
        return self._objects is not None

    @property
    def _store(self) -> Objects:
        if self._objects is None:
            raise NoPhoto
        return self._objects

    async def take(self, kommun: str, client: UUID, sender_id: str, raw: bytes) -> NewPhoto | None:
        """Clean a photo and write its object; None when the report has this very photo already.

        NoPicture when it is none that can be kept, StoreAway when it cannot be written now.
        """
        report = client_report_id(client, sender_id)
        ident = uuid5(report, hashlib.sha256(raw).hexdigest())
        async with self._database.transaction((kommun,)) as connection:
            if await store.one(connection, kommun, ident) is not None:
                return None  # perhaps covered since: what lies there must not be written again
        async with self._one_at_a_time:  # a large one takes a lot of memory for a moment
            picture = await asyncio.to_thread(cleaned, raw)
        made = NewPhoto(ident, f"{kommun}/{ident}.jpg", picture.width, picture.height, len(picture.jpeg))
        await self._store.put(made.object, picture.jpeg)
        await reach("ingest.photo_written")
        return made

    async def find(self, kommun: str, ident: UUID) -> Row[Any]:
        """A photo with its report. NoPhoto."""
        async with self._database.transaction((kommun,)) as connection:
            row = await store.one(connection, kommun, ident)
        if row is None or row.object is None:
            raise NoPhoto
        return row

    async def open(self, row: Row[Any]) -> bytes:
        """The JPEG of a photo that was found. NoPhoto, StoreAway."""
        try:
            return await self._store.get(row.object)
        except Missing:
            raise NoPhoto from None

    async def listed(self, kommun: str, *, waiting: bool) -> list[Row[Any]]:
        """Photos that nobody has looked at, or the latest that somebody has."""
        async with self._database.transaction((kommun,)) as connection:
            return await (store.waiting if waiting else store.seen)(connection, kommun, PAGE)

    async def of_reports(self, kommun: str, reports: Sequence[UUID]) -> dict[UUID, UUID]:
        """Report → its photo."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.of_reports(connection, kommun, reports)

    async def review(self, kommun: str, ident: UUID, boxes: Sequence[Box]) -> None:
        """Somebody has looked: cover these boxes for good, or nothing. NoPhoto, StoreAway.

        With boxes the picture is written anew under another key, and what lay under the old one is emptied.
        """
        before = await self.find(kommun, ident)
        await self._left_over(before)
        jpeg, key = await self.open(before), before.object
        if boxes:
            async with self._one_at_a_time:
                jpeg = (await asyncio.to_thread(covered, jpeg, boxes)).jpeg
            key = f"{kommun}/{ident}-{hashlib.sha256(jpeg).hexdigest()[:12]}.jpg"
            await self._store.put(key, jpeg)
        async with self._database.transaction((kommun,)) as connection:
            row = await store.one(connection, kommun, ident, lock=True)
            if row is None or row.object != before.object:
                raise NoPhoto  # somebody else has covered it, or taken it away, meanwhile
            await store.reviewed(connection, kommun, ident, object_=key, size=len(jpeg), covered=bool(boxes))
        await reach("ingest.photo_covered")
        if key != before.object:
            await self._store.empty(before.object)
            await self._emptied(kommun, ident, before.object)

    async def _left_over(self, row: Row[Any]) -> None:
        """Empty what a crash left: the row has room for one key, and is about to get the next."""
        if row.leaving is not None:
            await self._store.empty(row.leaving)

    async def _emptied(self, kommun: str, ident: UUID, key: str) -> None:
        async with self._database.transaction((kommun,)) as connection:
            await store.emptied(connection, kommun, ident, key)

    async def remove(self, kommun: str, ident: UUID) -> None:
        """Take a picture away; its report stays. NoPhoto, StoreAway."""
        async with self._database.transaction((kommun,)) as connection:
            row = await store.one(connection, kommun, ident, lock=True)
            if row is None or row.object is None:
                raise NoPhoto
            await self._left_over(row)
            await store.gone(connection, kommun, ident)
        await self._store.empty(row.object)
        await self._emptied(kommun, ident, row.object)

    async def empty(self, objects: Sequence[str]) -> None:
        """Empty what no row names any longer. While the store is away, ``sweep`` does it later."""
        for key in objects:
            try:
                await self._store.empty(key)
            except (StoreAway, NoPhoto):
                return

    async def sweep(self, now: datetime | None = None) -> int:
        """Take away what no row names any longer, and photos of withdrawn reports; how many objects were emptied."""
        moment = now or datetime.now(UTC)
        async with self._database.transaction() as connection:
            kommuner = await store.kommuner(connection)
        emptied = 0
        for kommun in kommuner:
            emptied += await self._empty_left(kommun)  # covered, and a crash came before the original was emptied
            async with self._database.transaction((kommun,)) as connection:
                for row in await store.withdrawn(connection, kommun):
                    await store.gone(connection, kommun, row.photo_id)
            emptied += await self._empty_left(kommun)
            async with self._database.transaction((kommun,)) as connection:
                named = await store.objects(connection, kommun)
            async for key, written in self._store.written(kommun):
                if key not in named and moment - written > UNFINISHED:
                    await self._store.empty(key)
                    emptied += 1
        return emptied

    async def _empty_left(self, kommun: str) -> int:
        async with self._database.transaction((kommun,)) as connection:
            left = await store.to_empty(connection, kommun)
        for ident, key in left:
            await self._store.empty(key)
            await self._emptied(kommun, ident, key)
        return len(left)

    async def sweeping(self, _publisher: Publisher) -> None:
        """Until cancelled: sweep now and then. For ``work``."""
        while self._objects is not None:
            try:
                emptied = await self.sweep()
            except StoreAway as away:
                _log.warning("photos: the store does not answer", trouble=str(away))
            else:
                if emptied:
                    _log.info("photos: objects without a report taken away", count=emptied)
            await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.Event().wait()  # no store, nothing to do; a job that ends would be begun again
