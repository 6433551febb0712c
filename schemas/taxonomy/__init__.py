"""The event taxonomy as versioned data: level 1 groups with their kind, level 2 types with a default severity.

The code is the export code; it is stable and never reused. A municipality may add level 2 types (``A-X1``)
through ingest's API but never change level 1. A new edition is a new file beside ``v1.json``.
"""

import json
from functools import cache, cached_property
from importlib import resources
from typing import Literal

from schemas.values import Contract, EventType, Severity

Kind = Literal["event", "state", "calendar", "observation"]

ZERO_REPORT = "G1"
"""Nollrapport: "nothing to report", which is not the same as nobody reporting."""


class Group(Contract):
    """Level 1: one letter, a label and what kind of thing its types are."""

    code: str
    label: str
    kind: Kind


class Type(Contract):
    """Level 2: the code that reports carry."""

    code: EventType
    label: str
    severity: Severity


class Taxonomy(Contract):
    """One edition of the taxonomy."""

    version: str
    groups: tuple[Group, ...]
    types: tuple[Type, ...]

    @cached_property
    def _by_code(self) -> dict[str, Type]:
        """One look for each type: every report that is handed in asks for its own."""
        return {t.code: t for t in self.types}

    def type(self, code: str) -> Type | None:
        """The type with this code, None when the edition has none."""
        return self._by_code.get(code)

    def group(self, code: str) -> Group:
        """Level 1 of any valid code, local additions included."""
        return next(g for g in self.groups if g.code == code[0])


@cache
def current() -> Taxonomy:
    """The edition in force."""
    return Taxonomy.model_validate(json.loads(resources.files(__name__).joinpath("v1.json").read_text("utf-8")))


@cache
def counts_as_event(code: str) -> bool:
    """Whether a report of this type enters event totals: zero reports and the calendar never do (contract 8)."""
    return code != ZERO_REPORT and current().group(code).kind != "calendar"
