"""Which rooms the voice asks: the door for people, geo for names, analysis for findings. Never in the stream path."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.notify.domain.alerts import Alert
from services.notify.domain.notices import PLACES
from services.notify.domain.routing import SHIPPED, Member
from services.pages.texts import LANGUAGE, Language
from services.runtime.asking import Away, OtherRoom, service_token

MOST_ASKED, LONGEST_MAIL = 500, 200
"""What the door's directory takes at once: people or their addresses, and characters of one."""
TOKEN_KEPT, CASE_KEPT, OWN_KEPT, ASKED_AGAIN = 120.0, 30.0, 300.0, 10.0
"""Seconds; a service token lives for five minutes."""


class _Tokens:
    """The room's own tokens, one per municipality, each bought once in two minutes."""

    def __init__(self, ingest_url: str, secret: str) -> None:
        self._url, self._secret = ingest_url, secret
        self._kept: dict[str, tuple[float, str]] = {}

    async def of(self, kommun: str) -> str:
        """A token for one municipality. Away."""
        kept = self._kept.get(kommun)
        if kept is None or time.monotonic() - kept[0] > TOKEN_KEPT:
            kept = self._kept[kommun] = (
                time.monotonic(),
                await service_token(self._url, "notify", self._secret, kommun),
            )
        return kept[1]


class Directory:
    """The door's directory of how to reach people."""

    def __init__(self, ingest_url: str, secret: str) -> None:
        self._tokens = _Tokens(ingest_url, secret)
        self._room = OtherRoom("ingest", ingest_url, timeout=10.0)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._room.close()

    async def emails(self, kommun: str, people: Collection[UUID], *, feedback: bool = False) -> dict[UUID, str]:
        """The addresses of these, at most ``MOST_ASKED``; who is not told any more is not in it. Away.

        ``feedback``: also of those who only report.
        """
        body = {"people": sorted(str(p) for p in people), "feedback": feedback}
        answer = await self._room.post("/v1/directory/addresses", token=await self._tokens.of(kommun), body=body)
        if answer is None:
            raise Away("ingest has no directory")
        return {UUID(person): str(mail) for person, mail in answer.items()}

    async def members(self, kommun: str) -> dict[UUID, tuple[Member, str]]:
        """Everybody who may be told: id → (member, the organisation's name). No names, no addresses. Away."""
        token = await self._tokens.of(kommun)
        answer = await self._room.get("/v1/directory", token=token)
        if answer is None:  # a door of an older release: it knows nobody less for that
            raise Away("ingest has no directory")
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

    async def reporters(self, kommun: str, first: date, last: date, known: datetime) -> dict[UUID, dict[str, int]]:
        """Person → type → how many reports of theirs began in these days and were at the door by ``known``. Away."""
        token = await self._tokens.of(kommun)
        days = {"first": first.isoformat(), "last": last.isoformat(), "known": known.isoformat()}
        answer = await self._room.get("/v1/directory/reporters", token=token, params=days)
        return {UUID(person): dict(kinds) for person, kinds in (answer or {}).items()}

    async def reporter(self, kommun: str, token: str) -> UUID | None:
        """The person behind a report's token; None when it leads to nobody (any more). Away."""
        body = {"token": token}
        answer = await self._room.post("/v1/directory/reporter", token=await self._tokens.of(kommun), body=body)
        return None if answer is None else UUID(answer["person_id"])

    async def retention(self, kommun: str) -> datetime | None:
        """Messages from before this moment are to be deleted; None where nobody has decided. Away."""
        answer = await self._room.get("/v1/directory/retention/message", token=await self._tokens.of(kommun))
        return datetime.fromisoformat(answer["before"]) if answer and answer["before"] else None

    async def retained(self, kommun: str, before: datetime, count: int) -> bool:
        """Have it written down that these are deleted; False when nobody wants that any more. Away."""
        body = {"before": before.isoformat(), "count": count}
        token = await self._tokens.of(kommun)
        answer = await self._room.post("/v1/directory/retention/message", token=token, body=body)
        return bool(answer and answer["noted"])

    async def known(self, kommun: str, people: Collection[UUID]) -> set[UUID]:
        """Those of these whom the door has not erased. Away."""
        token, asked, found = await self._tokens.of(kommun), sorted(str(p) for p in people), set[UUID]()
        for at in range(0, len(asked), MOST_ASKED):
            body = {"people": asked[at : at + MOST_ASKED]}
            answer = await self._room.post("/v1/directory/known", token=token, body=body)
            if answer is None:
                raise Away("ingest has no directory")
            found |= {UUID(person) for person in answer}
        return found

    async def find(self, kommun: str, mails: Collection[str]) -> dict[str, UUID]:
        """Which people these addresses (in lower case) belong to; unknown ones are not in it. Away."""
        token = await self._tokens.of(kommun)
        asked, found = sorted(m for m in mails if len(m) <= LONGEST_MAIL), dict[str, UUID]()
        for at in range(0, len(asked), MOST_ASKED):
            body = {"mails": asked[at : at + MOST_ASKED]}
            answer = await self._room.post("/v1/directory/find", token=token, body=body)
            if answer is None:
                raise Away("ingest has no directory")
            found |= {mail: UUID(person) for mail, person in answer.items()}
        return found


class Picture:
    """What analysis found: its cases and lägesbilder, as documents."""

    def __init__(self, ingest_url: str, analysis_url: str, secret: str) -> None:
        self._tokens = _Tokens(ingest_url, secret)
        self._cases: dict[UUID, tuple[float, dict[str, Any] | None]] = {}
        self._room = OtherRoom("analysis", analysis_url, timeout=10.0)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._room.close()

    async def case(self, kommun: str, ident: UUID) -> dict[str, Any] | None:
        """The newest revision of a case, as of half a minute ago. Away."""
        kept = self._cases.get(ident)
        if kept is None or time.monotonic() - kept[0] > CASE_KEPT:
            revisions = await self._room.get(f"/v1/cases/{ident}", token=await self._tokens.of(kommun))
            if len(self._cases) > 1000:
                self._cases.clear()
            kept = self._cases[ident] = (time.monotonic(), revisions[-1] if revisions else None)
        return kept[1]

    async def document(self, kommun: str, number: str) -> dict[str, Any] | None:
        """The document of a lägesbild's newest version; None when there is none. Away."""
        token = await self._tokens.of(kommun)
        found = await self._room.get(f"/v1/pictures/{number}", token=token)
        return None if found is None else dict(found["document"])

    async def newest(self, kommun: str, language: Language = LANGUAGE) -> dict[str, Any] | None:
        """The newest lägesbild in words, draft or adopted; None when there is none. Away."""
        token, asked = await self._tokens.of(kommun), {"language": language}
        found: dict[str, Any] | None = await self._room.get("/v1/pictures/newest/said", token=token, params=asked)
        return found


async def own_layers(geo: OtherRoom, token: str, most: int | None = None) -> dict[str, dict[str, str]]:
    """The municipality's own layers: title → (``layer/area``, for a named place ``_place/id`` → its name). Away.

    Without those of more than ``most`` areas: a register of properties is nothing to choose from in a form.
    """
    listed = [
        layer
        for layer in await geo.get("/v1/layers", token=token) or []
        if layer["kind"] in {"areas", "places"} and layer["layer"] not in SHIPPED
        if most is None or (layer.get("count") or 0) <= most
    ]
    answers = await asyncio.gather(*(geo.get(f"/v1/layers/{one['layer']}/areas", token=token) for one in listed))
    titles = Counter(one["title"] for one in listed)
    return {
        one["title"] if titles[one["title"]] == 1 else f"{one['title']} ({one['layer']})": {
            f"{PLACES}/{a['place_id']}" if one["kind"] == "places" else f"{one['layer']}/{a['area']}": a["name"]
            for a in (answer or {}).get("areas", [])
        }
        for one, answer in zip(listed, answers, strict=True)
    }


class Places:
    """geo's area names, for texts that people read."""

    def __init__(self, ingest_url: str, geo_url: str, secret: str) -> None:
        self._tokens = _Tokens(ingest_url, secret)
        self._geo = OtherRoom("geo", geo_url)
        self._names: dict[str, str] = {}
        self._own: dict[str, tuple[float, dict[str, str]]] = {}

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
            token = await self._tokens.of(kommun)
            answer = await self._geo.get("/v1/layers/regso/areas", token=token, params={"kommun": located or kommun})
        except Away:
            return code
        self._names |= {a["area"]: a["name"] for a in (answer or {}).get("areas", [])}
        return self._names.get(code, code)

    async def followed(self, kommun: str, layer: str, area: str | None) -> str | None:
        """The name of what somebody follows, also in the municipality's own layers and places; the code while away."""
        if area is None or layer in SHIPPED:
            return await self.named(kommun, area)
        asked, names = self._own.get(kommun, (-1e9, {}))
        # What was drawn a moment ago is asked for sooner; while geo is away, or for what has ended, not each time.
        if time.monotonic() - asked > (OWN_KEPT if f"{layer}/{area}" in names else ASKED_AGAIN):
            try:
                layers = await own_layers(self._geo, await self._tokens.of(kommun))
                names = {key: name for areas in layers.values() for key, name in areas.items()}
            except Away:
                pass  # by the names of last time
            self._own[kommun] = (time.monotonic(), names)
        return names.get(f"{layer}/{area}", area)
