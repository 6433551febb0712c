"""Who may be told: a copy of the door's list, looked up again every minute; duty rotas read from their calendars."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from services.notify.domain.rota import Shift, shifts_in
from services.notify.gateways.outside import Outside, Refused
from services.notify.gateways.rooms import Directory
from services.notify.handlers.seals import ROTA
from services.notify.settings import NotifySettings
from services.notify.store import people as store
from services.notify.store import rotas, subscriptions
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.errors import is_transient
from services.runtime.logs import logger
from services.runtime.publisher import Publisher
from services.runtime.sealing import Sealer, Unsealable

ROTA_AHEAD = timedelta(days=40)
MOST_ROTA_BYTES = 2_000_000
CALENDAR_SECONDS = 20.0
_log = logger(__name__)


class Roll:
    """Keeps the copy of who may be told."""

    def __init__(
        self, database: Database, settings: NotifySettings, directory: Directory, outside: Outside, sealer: Sealer
    ) -> None:
        self._database, self._settings = database, settings
        self._directory, self._outside, self._sealer = directory, outside, sealer
        self._known: set[str] = set()
        self._rotas_read: dict[str, float] = {}

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled: every municipality's people once a minute, its rotas every fifteen."""
        while True:
            await self.refresh_all()
            await asyncio.sleep(self._settings.roster_seconds)

    async def refresh_all(self) -> None:
        """Look up everybody's people; one municipality that fails leaves the others alone."""
        async with self._database.transaction() as connection:
            kommuner = await subscriptions.known(connection)
        for kommun in kommuner:
            try:
                await self.refresh(kommun)
                if time.monotonic() - self._rotas_read.get(kommun, -1e9) > self._settings.rota_seconds:
                    self._rotas_read[kommun] = time.monotonic()
                    await self.read_rotas(kommun)
            except Away as away:
                _log.warning("who may be told is not known anew", kommun=kommun, other=str(away))
            except Exception as error:
                if is_transient(error):
                    raise
                _log.exception("looking up people failed", kommun=kommun)

    async def known(self, kommun: str) -> bool:
        """Whether it was ever known who may be told here; asked for at once where it was not."""
        if kommun in self._known:
            return True
        async with self._database.transaction((kommun,)) as connection:
            seen = await store.seen_at(connection, kommun)
        if seen is None:
            try:
                await self.refresh(kommun)
            except Away:
                return False
        self._known.add(kommun)
        return True

    async def refresh(self, kommun: str) -> None:
        """Replace the copy of one municipality; Away when the door does not answer."""
        members = await self._directory.members(kommun)
        async with self._database.transaction((kommun,)) as connection:
            await store.keep(connection, kommun, members, datetime.now(UTC))
        self._known.add(kommun)

    async def read_rotas(self, kommun: str) -> None:
        """Read every rota's calendar; what was known stays while one cannot be read."""
        async with self._database.transaction((kommun,)) as connection:
            known = await rotas.listed(connection, kommun)
        for rota in known:
            name = rota.name
            now = datetime.now(UTC)
            found: list[Shift] = []
            trouble: str | None = None
            try:
                address = self._sealer.open(ROTA, rota.sealed)
                calendar = await self._outside.fetch(address, most_bytes=MOST_ROTA_BYTES)
                async with asyncio.timeout(CALENDAR_SECONDS):
                    found = await asyncio.to_thread(shifts_in, calendar, now - timedelta(days=1), now + ROTA_AHEAD)
            except Refused as refused:
                trouble = refused.reason
                _log.warning("a rota cannot be fetched", kommun=kommun, rota=name, reason=str(refused))
            except Unsealable as wrong:
                trouble = "sealed"
                _log.warning("a rota's address cannot be opened", kommun=kommun, rota=name, reason=str(wrong))
            except Exception as wrong:  # noqa: BLE001 - whatever a calendar out there holds, it concerns this rota alone
                trouble = "no_calendar"
                _log.warning("a rota cannot be read", kommun=kommun, rota=name, error=type(wrong).__name__)
            mails = {s.mail for s in found}
            people = await self._directory.find(kommun, mails) if found else {}
            mapped = [(s.begins, s.ends, people[s.mail]) for s in found if s.mail in people]
            async with self._database.transaction((kommun,)) as connection:
                if trouble is None:
                    await rotas.keep(connection, kommun, name, mapped)
                await rotas.read(connection, kommun, name, trouble, now, strangers=len(mails - set(people)))
