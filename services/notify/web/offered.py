"""What forms offer of a municipality's own: areas and places by layer, event types; asked with the visitor's right."""

from collections.abc import Mapping, Sequence
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
"""Areas of one layer that a form offers; what a larger one holds is named by the API."""
Choices = Sequence[tuple[str, str]]
"""(value, label)."""


@dataclass(frozen=True, slots=True)
class Offered:
    """``layers``: title → areas (``layer/area`` → name), the national one first; ``types``: own ones, with severity."""

    layers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    types: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """``layer/area`` → name, of every layer."""
        return {key: name for areas in self.layers.values() for key, name in areas.items()}

    @property
    def areas(self) -> list[tuple[str, Choices]]:
        """The layers to choose from, each with its areas by name."""
        few = {title: areas for title, areas in self.layers.items() if areas and len(areas) <= MOST}
        return [(title, sorted(areas.items(), key=lambda pair: pair[1])) for title, areas in few.items()]

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
    token = token_of(request) or ""
    geo: OtherRoom = request.app.state.geo
    door: OtherRoom = request.app.state.door
    layers: dict[str, dict[str, str]] = {
        "RegSO": {f"{NATIONAL}/{code}": name for code, name in (await area_names(request, principal)).items()}
    }
    types: dict[str, tuple[str, int]] = {}
    try:
        layers |= await own_layers(geo, token)
        answer = await door.get("/v1/event-types", token=token)
        types = {t["code"]: (t["label"], t["severity"]) for t in (answer or {}).get("types", []) if t["local"]}
    except Away:
        pass
    return Offered(layers, types)
