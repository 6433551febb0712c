"""What forms offer of a municipality's own: areas and places by layer, event types; asked with the visitor's right."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request

from schemas.taxonomy import current
from services.notify.gateways.rooms import own_layers
from services.notify.web.access import area_names
from services.runtime.asking import Away, OtherRoom
from services.runtime.http import token_of
from services.runtime.tokens import Principal

NATIONAL = "regso"
MOST = 500
"""Areas of an own layer that a form offers; what a larger one holds is chosen by the API, and shown by its code."""
Choices = Sequence[tuple[str, str]]
"""(value, label)."""


@dataclass(frozen=True, slots=True)
class Offered:
    """``national``: code → name; ``own``: the own layers by title, ``layer/area`` → name; ``types``: with severity."""

    national: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    types: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """``layer/area`` → name, of every layer; areas of one name have their layer's, or their code, beside it."""
        layers = list(self._layers())
        alike = Counter(name for _, areas in layers for name in areas.values())
        said = {}
        for title, areas in layers:
            here = Counter(areas.values())
            for key, name in areas.items():
                beside = title if here[name] == 1 else key.partition("/")[2]
                said[key] = name if alike[name] == 1 else f"{name} ({beside})"
        return said

    @property
    def areas(self) -> list[tuple[str, Choices]]:
        """The layers to choose from, the national one first, each with its areas by name."""
        return [(title, sorted(areas.items(), key=lambda pair: pair[1])) for title, areas in self._layers() if areas]

    def _layers(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        yield "RegSO", {f"{NATIONAL}/{code}": name for code, name in self.national.items()}
        yield from self.own.items()

    @property
    def own_types(self) -> Choices:
        """The municipality's own event types."""
        return [(code, f"{code} {label}") for code, (label, _) in sorted(self.types.items())]

    @property
    def type_names(self) -> dict[str, str]:
        """Own type → its name."""
        return {code: label for code, (label, _) in self.types.items()}

    def severity(self, code: str) -> int | None:
        """What a report of this type has when it says nothing else; None for a type that nobody knows."""
        known = current().type(code)
        if known is not None:
            return known.severity
        return self.types[code][1] if code in self.types else None


async def offered(request: Request, principal: Principal) -> Offered:
    """What there is to choose; without what a room that is away would know."""
    national, own, types = await asyncio.gather(area_names(request, principal), _own(request), _types(request))
    return Offered(national, own, types)


async def _own(request: Request) -> dict[str, dict[str, str]]:
    geo: OtherRoom = request.app.state.geo
    try:
        return await own_layers(geo, token_of(request) or "", MOST)
    except Away:
        return {}


async def _types(request: Request) -> dict[str, tuple[str, int]]:
    door: OtherRoom = request.app.state.door
    try:
        answer = await door.get("/v1/event-types", token=token_of(request) or "")
    except Away:
        return {}
    return {t["code"]: (t["label"], t["severity"]) for t in (answer or {}).get("types", []) if t["local"]}
