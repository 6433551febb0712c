"""Asking another room over its public HTTP API, never in the stream path: short timeouts, and a clear "away"."""

from collections.abc import Mapping
from typing import Any

import httpx

from services.runtime.logs import logger

_log = logger(__name__)


class Away(Exception):
    """The other room does not answer now; what we own is still right."""


class OtherRoom:
    """One other room's API. Give the caller's own token, so that it may see what the caller may see."""

    def __init__(self, name: str, base_url: str, *, timeout: float = 3.0) -> None:
        self.name = name
        self._client = httpx.AsyncClient(base_url=base_url, timeout=timeout, trust_env=False)

    async def get(self, path: str, *, token: str, params: Mapping[str, Any] | None = None) -> Any | None:
        """The JSON answer, None for 404; Away for anything else than success."""
        return await self._ask("GET", path, token, params=params)

    async def post(self, path: str, *, token: str, body: Any) -> Any | None:
        """A question too long or too private for an address: as ``get``."""
        return await self._ask("POST", path, token, json=body)

    async def _ask(self, method: str, path: str, token: str, **more: Any) -> Any | None:
        try:
            answer = await self._client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)
        except httpx.HTTPError as error:
            _log.warning("room is away", other=self.name, error=type(error).__name__)
            raise Away(self.name) from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise Away(f"{self.name} answered {answer.status_code}")
        return answer.json()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


async def service_token(ingest_url: str, room: str, secret: str, kommun: str) -> str:
    """A short token for a room acting on its own behalf in one municipality; Away when the door does not answer."""
    try:
        async with httpx.AsyncClient(base_url=ingest_url, timeout=10.0, trust_env=False) as client:
            answer = await client.post("/v1/service-token", auth=(room, secret), json={"kommun": kommun})
    except httpx.HTTPError as error:
        raise Away("ingest") from error
    if not answer.is_success:
        raise Away(f"ingest answered {answer.status_code}")
    return str(answer.json()["access_token"])


async def published_keys(ingest_url: str) -> dict[str, Any]:
    """The door's published keys; Away when it does not answer."""
    try:
        async with httpx.AsyncClient(base_url=ingest_url, timeout=3.0, trust_env=False) as client:
            answer = await client.get("/.well-known/jwks.json")
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Away("ingest") from error
    return dict(answer.json())
