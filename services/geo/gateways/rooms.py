"""Other rooms that geo asks: the door, for a GIS client's key, and the picture, for numbers."""

import hashlib
import time
from typing import Any

import httpx

from services.runtime.asking import Away, OtherRoom

KEEP_SECONDS = 120.0
MOST_KEPT = 1_000


class Door:
    """Buys short tokens for API keys, which only the door knows; kept for two minutes by the key's digest."""

    def __init__(self, ingest_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=ingest_url, timeout=3.0, trust_env=False)
        self._kept: dict[str, tuple[float, str]] = {}

    async def token(self, key: str) -> str | None:
        """A token for the key, None when the door does not know it; Away when it does not answer."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        kept = self._kept.get(digest)
        if kept is not None and time.monotonic() - kept[0] < KEEP_SECONDS:
            return kept[1]
        try:
            answer = await self._client.post("/v1/token", headers={"Authorization": f"Bearer {key}"})
        except (httpx.HTTPError, UnicodeError):
            raise Away("ingest") from None
        if not answer.is_success:
            return None
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        found = str(answer.json()["access_token"])
        self._kept[digest] = (time.monotonic(), found)
        return found

    def forget(self, key: str) -> None:
        """Buy the next token anew: the kept one no longer holds, though the key may."""
        self._kept.pop(hashlib.sha256(key.encode()).hexdigest(), None)


class Numbers:
    """analysis' counts."""

    def __init__(self, analysis_url: str) -> None:
        self._analysis = OtherRoom("analysis", analysis_url, timeout=10.0)

    async def by_area(self, layer: str, token: str) -> dict[str, Any]:
        """Area → (reports, seen) of the last four weeks, and the period; Away when analysis does not answer."""
        answer = await self._analysis.get("/v1/counts", token=token, params={"layer": layer, "group_by": "area"})
        if answer is None:
            raise Away("analysis")
        return dict(answer)
