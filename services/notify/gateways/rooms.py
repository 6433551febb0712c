"""Which rooms the voice asks: the door for people, geo for names, analysis for findings. Never in the stream path."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.notify.domain.alerts import Alert
from services.notify.domain.routing import Member
from services.runtime.asking import Away, OtherRoom, service_token


class Directory:
    """The door's directory of how to reach people."""

    def __init__(self, ingest_url: str, secret: str) -> None:
        self._url, self._secret = ingest_url, secret
        self._room = OtherRoom("ingest", ingest_url)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._room.close()

    async def email(self, kommun: str, person: UUID) -> str | None:
        """A person's address, None when there is no such person; Away when the door does not answer."""
        token = await service_token(self._url, "notify", self._secret, kommun)
        answer = await self._room.get(f"/v1/directory/{person}", token=token)
        return None if answer is None else str(answer["email"])

    async def members(self, kommun: str) -> dict[UUID, tuple[Member, str]]:
        """Everybody who may be told: id → (member, the organisation's name). No names, no addresses. Away."""
        token = await service_token(self._url, "notify", self._secret, kommun)
        answer = await self._room.get("/v1/directory", token=token) or {"people": []}
        return {
            UUID(p["person_id"]): (
                Member(
                    UUID(p["person_id"]),
                    frozenset(p["roles"]),
                    None if p["organisation_id"] is None else UUID(p["organisation_id"]),
                ),
                p["organisation"],
            )
            for p in answer["people"]
        }

    async def find(self, kommun: str, mails: Collection[str]) -> dict[str, UUID]:
        """Which people these addresses (in lower case) belong to; unknown ones are not in it. Away."""
        token = await service_token(self._url, "notify", self._secret, kommun)
        answer = await self._room.post("/v1/directory/find", token=token, body={"mails": sorted(mails)})
        return {mail: UUID(person) for mail, person in (answer or {}).items()}


class Picture:
    """What analysis found: its cases and lägesbilder, as documents."""

    def __init__(self, ingest_url: str, analysis_url: str, secret: str) -> None:
        self._ingest, self._secret = ingest_url, secret
        self._room = OtherRoom("analysis", analysis_url, timeout=10.0)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._room.close()

    async def cases(self, kommun: str) -> list[dict[str, Any]]:
        """The newest revision of every case that goes on. Away."""
        token = await service_token(self._ingest, "notify", self._secret, kommun)
        return list(await self._room.get("/v1/cases", token=token) or [])

    async def case(self, kommun: str, ident: UUID) -> dict[str, Any] | None:
        """The newest revision of a case. Away."""
        token = await service_token(self._ingest, "notify", self._secret, kommun)
        revisions = await self._room.get(f"/v1/cases/{ident}", token=token)
        return revisions[-1] if revisions else None

    async def newest(self, kommun: str) -> dict[str, Any] | None:
        """The newest lägesbild in words, draft or adopted; None when there is none. Away."""
        token = await service_token(self._ingest, "notify", self._secret, kommun)
        found: dict[str, Any] | None = await self._room.get("/v1/pictures/newest/said", token=token)
        return found


class Places:
    """geo's area names, for texts that people read."""

    def __init__(self, ingest_url: str, geo_url: str, secret: str) -> None:
        self._ingest, self._secret = ingest_url, secret
        self._geo = OtherRoom("geo", geo_url)
        self._names: dict[str, str] = {}

    async def close(self) -> None:
        """Let go of the connections."""
        await self._geo.close()

    async def area_name(self, alert: Alert) -> str | None:
        """The name of where an alert is; None where it has no area. The code while geo is away."""
        located: str = (alert.event.get("placement") or {}).get("located_kommun") or alert.kommun
        return await self.named(alert.kommun, alert.area, located)

    async def named(self, kommun: str, code: str | None, located: str | None = None) -> str | None:
        """An area's name; ``located``: the municipality that it lies in."""
        if code is None or code in self._names:
            return None if code is None else self._names[code]
        try:
            token = await service_token(self._ingest, "notify", self._secret, kommun)
            answer = await self._geo.get("/v1/layers/regso/areas", token=token, params={"kommun": located or kommun})
        except Away:
            return code
        self._names |= {a["area"]: a["name"] for a in (answer or {}).get("areas", [])}
        return self._names.get(code, code)
