"""polisen.se, within the publisher's limits."""

import asyncio
from collections.abc import AsyncIterator

import httpx

POLISEN_URL = "https://polisen.se/api/events"
POLISEN_SECONDS_BETWEEN = 10.0
"""The publisher's rule: at least ten seconds between calls, at most 60 an hour; 404 is final (domain §9.3)."""
_USER_AGENT = "Lagesbild/0.1 (municipal safety work; open source)"


async def fetch_events(urls: list[str]) -> AsyncIterator[bytes]:
    """Each address' body, within the publisher's limits; ValueError for an address that is not https."""
    async with httpx.AsyncClient(timeout=30, headers={"User-Agent": _USER_AGENT}) as client:
        for number, url in enumerate(urls):
            if not url.startswith("https://"):
                raise ValueError("the publisher accepts https only")
            if number:
                await asyncio.sleep(POLISEN_SECONDS_BETWEEN)
            answer = await client.get(url)
            answer.raise_for_status()
            yield answer.content
