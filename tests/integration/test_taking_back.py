"""Published items that a restored database lacks come back from the topic; what cannot be read is passed over."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from schemas.context import ContextReceived
from schemas.envelope import Envelope
from schemas.topics import CONTEXT_RECEIVED
from schemas.values import CONTEXT_OWNER
from services.ingest.handlers.taking_back import take_back
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from services.runtime.publisher import Outgoing, Publisher, message, type_of
from tests.support.ground import start_ground


def _sent(item: ContextReceived) -> Outgoing:
    when = datetime.now(UTC)
    return message(
        CONTEXT_RECEIVED,
        item,
        Envelope(str(uuid4()), "/test", type_of(CONTEXT_RECEIVED), when, CONTEXT_OWNER, "taking-back"),
    )


async def test_the_newest_version_of_an_item_is_taken_back_once() -> None:
    """On servers of its own: the context owner is everybody's."""
    when = datetime.now(UTC)
    first = ContextReceived(
        kommun=CONTEXT_OWNER,
        context_id=uuid4(),
        revision=1,
        publisher="polisen",
        publisher_id=uuid4().hex,
        event_type="Brand",
        published_at=when,
        minted_at=when,
    )
    async with start_ground() as ground:
        publisher = Publisher(ground.kafka, max_request_size=1_000_000, client_id="test")
        unreadable = Outgoing(CONTEXT_RECEIVED.name, CONTEXT_OWNER.encode(), b"{", [])
        await publisher.send([_sent(first), unreadable, _sent(first.model_copy(update={"revision": 2}))])
        await publisher.stop()
        database = Database(ground.database_url(serve_role("ingest")), pool_size=1)
        try:
            done = await take_back(database, ground.kafka)
            again = await take_back(database, ground.kafka)
        finally:
            await database.close()
        assert (done["context"], done["unreadable"], done["read"]) == (1, 1, 3)
        assert (again["context"], again["unreadable"], again["read"]) == (0, 1, 3)
        connection = await asyncpg.connect(ground.dsn(serve_role("ingest")))
        try:
            async with connection.transaction():
                await connection.execute("select set_config('app.kommuner', $1, true)", CONTEXT_OWNER)
                kept = await connection.fetch(
                    "select revision from context_items where context_id = $1", first.context_id
                )
        finally:
            await connection.close()
        assert [r["revision"] for r in kept] == [2]
