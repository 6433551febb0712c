"""A process whose broker is away must wait, not burn."""

import asyncio
import time

import pytest

from deploy.local import servers
from services.runtime.publisher import Outgoing, Publisher
from tests.support.ground import start_ground

RECORD = Outgoing("report-received", b"1234", b"{}", [])


async def test_a_producer_that_was_given_up_takes_no_processor(caplog: pytest.LogCaptureFixture) -> None:
    """A clean stop of the broker under load leaves aiokafka's sender spinning, for as long as the broker is away."""
    caplog.set_level("CRITICAL", "aiokafka")
    async with start_ground() as ground:
        if ground.supervisor is None:
            pytest.skip("this broker is not ours to stop")
        publisher = Publisher(ground.kafka, max_request_size=1_000_000, client_id="test")

        async def sending() -> None:
            while True:
                await publisher.send([RECORD])

        pending = asyncio.create_task(sending())
        await asyncio.sleep(1)
        await ground.supervisor.stop_one("kafka")
        await asyncio.sleep(1)
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)
        await publisher.stop()
        used = time.process_time()
        await asyncio.sleep(4)
        assert time.process_time() - used < 0.8, "a fifth of a core"
        await ground.supervisor.start(servers.kafka(ground.layout))
        await publisher.send([RECORD])
        await publisher.stop()
