"""The other rooms, whom the door asks about a report's fate, names of areas and read logs."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.runtime.asking import Away, OtherRoom


@dataclass(frozen=True, slots=True)
class Fate:
    """What the other rooms say of a report. None: not yet; ``away`` names rooms that do not answer."""

    placement: dict[str, Any] | None
    fact: dict[str, Any] | None
    away: tuple[str, ...] = ()


class Corridor:
    """The other rooms."""

    def __init__(self, geo_url: str, analysis_url: str, notify_url: str, own_url: str) -> None:
        self.geo, self.analysis = OtherRoom("geo", geo_url), OtherRoom("analysis", analysis_url)
        self._all = (OtherRoom("ingest", own_url), self.geo, self.analysis, OtherRoom("notify", notify_url))
        self._areas: dict[str, tuple[float, list[tuple[str, str]]]] = {}

    async def fate(self, report_id: UUID, token: str) -> Fate:
        """Ask geo where it was placed and analysis whether it counts, at the same time."""

        async def ask(room: OtherRoom, path: str) -> tuple[Any | None, str | None]:
            try:
                return await room.get(path, token=token), None
            except Away:
                return None, room.name

        (placement, geo_away), (fact, analysis_away) = await asyncio.gather(
            ask(self.geo, f"/v1/placements/{report_id}"), ask(self.analysis, f"/v1/facts/{report_id}")
        )
        return Fate(placement, fact, tuple(a for a in (geo_away, analysis_away) if a is not None))

    async def reads(self, token: str, params: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
        """Room → the latest entries of its read log; None for a room that does not answer."""

        async def ask(room: OtherRoom) -> dict[str, Any] | None:
            try:
                return await room.get("/v1/reads", token=token, params=params)
            except Away:
                return None

        answers = await asyncio.gather(*(ask(room) for room in self._all))
        return {room.name: answer for room, answer in zip(self._all, answers, strict=True)}

    async def area_names(self, kommun: str, token: str) -> list[tuple[str, str]]:
        """(code, name) of the municipality's areas for the form, kept for an hour; empty while geo is away."""
        kept = self._areas.get(kommun)
        if kept is not None and time.monotonic() - kept[0] < 3600:
            return kept[1]
        try:
            answer = await self.geo.get("/v1/layers/regso/areas", token=token, params={"kommun": kommun})
        except Away:
            return kept[1] if kept is not None else []
        names = [(a["area"], a["name"]) for a in (answer or {}).get("areas", [])]
        self._areas[kommun] = (time.monotonic(), names)
        return names
