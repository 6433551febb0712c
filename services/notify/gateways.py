"""Whom the voice asks: the door for an address, geo for an area's name. Never in the stream path."""

from uuid import UUID

from schemas.locations import ReportLocated
from schemas.values import UNPLACED
from services.runtime.asking import Away, OtherRoom, service_token


class Directory:
    """The door's directory of how to reach people."""

    def __init__(self, ingest_url: str, secret: str) -> None:
        self._url, self._secret = ingest_url, secret
        self._room = OtherRoom("ingest", ingest_url)

    async def email(self, kommun: str, person: UUID) -> str | None:
        """A person's address, None when there is no such person; Away when the door does not answer."""
        token = await service_token(self._url, "notify", self._secret, kommun)
        answer = await self._room.get(f"/v1/directory/{person}", token=token)
        return None if answer is None else str(answer["email"])


class Places:
    """geo's area names, for texts that people read; kept per municipality."""

    def __init__(self, ingest_url: str, geo_url: str, secret: str) -> None:
        self._ingest, self._secret = ingest_url, secret
        self._geo = OtherRoom("geo", geo_url)
        self._names: dict[str, str] = {}

    async def area_name(self, located: ReportLocated) -> str | None:
        """The finest area's name; None where the report has no area. The code while geo is away."""
        code = next((a.area for a in located.placement.areas if a.layer == "regso" and a.area != UNPLACED), None)
        if code is None or code in self._names:
            return None if code is None else self._names[code]
        try:
            token = await service_token(self._ingest, "notify", self._secret, located.kommun)
            params = {"kommun": located.placement.located_kommun or located.kommun}
            answer = await self._geo.get("/v1/layers/regso/areas", token=token, params=params)
        except Away:
            return code
        self._names |= {a["area"]: a["name"] for a in (answer or {}).get("areas", [])}
        return self._names.get(code, code)
