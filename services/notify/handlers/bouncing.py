"""What came back of our mails: read from a mailbox every minute, and treated like any other receipt."""

import asyncio

from services.notify.domain.bounces import bounce_of
from services.notify.gateways.mailbox import Fate, Mailbox, MailboxAway
from services.notify.handlers.receiving import LOST, take_receipt
from services.notify.store import receipts
from services.runtime.database import Database
from services.runtime.errors import is_transient
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

TAKE_SECONDS = 10.0
_log = logger(__name__)


class Bouncing:
    """The standing job; without a mailbox it has nothing to do."""

    def __init__(self, database: Database, mailbox: Mailbox | None, every_seconds: float) -> None:
        self._database, self._mailbox, self._every = database, mailbox, every_seconds

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled. A mailbox that is away is asked again; mails stay in it until then."""
        while True:
            if self._mailbox is not None:
                try:
                    await self.read(self._mailbox)
                except MailboxAway as away:
                    _log.warning("the mailbox of what came back cannot be read", reason=str(away))
                except Exception as error:
                    if is_transient(error):
                        raise
                    _log.exception("reading what came back failed")  # the voice goes on without it
            await asyncio.sleep(self._every)

    async def read(self, mailbox: Mailbox) -> int:
        """Read what has come; returns how many mails there were. MailboxAway."""
        loop = asyncio.get_running_loop()

        def take(raw: bytes) -> Fate:
            # Bounded: a process that is asked to stop meanwhile must not wait for a thread that waits for it.
            return asyncio.run_coroutine_threadsafe(self.take(raw), loop).result(TAKE_SECONDS)

        return await asyncio.to_thread(mailbox.read, take)

    async def take(self, raw: bytes) -> Fate:
        """Record what one mail says; later, when it comes before what it is about is recorded."""
        try:
            bounce = bounce_of(raw)
        except Exception as wrong:  # noqa: BLE001 - anybody may write to this mailbox, whatever they like
            _log.warning("a mail that came back cannot be read", error=type(wrong).__name__)
            return "strange"
        if bounce is None:
            return "strange"
        _log.info("a mail came back", kommun=bounce.kommun, lost=bounce.lost, status=bounce.status)
        if not bounce.lost:
            return "done"
        async with self._database.transaction((bounce.kommun,)) as connection:
            ident = await receipts.message_of(connection, bounce.kommun, bounce.delivery_id)
        if ident is None:
            return "done"  # gone since, or never ours
        known = await take_receipt(
            self._database, bounce.kommun, bounce.delivery_id, provider_id=ident, status=LOST, channel="mail"
        )
        return "done" if known else "later"
