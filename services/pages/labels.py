"""Names of what is counted and where, for every page, print and message: types, groups, areas."""

from collections.abc import Mapping

from schemas.taxonomy import current
from schemas.values import UNPLACED
from services.pages.texts import catalogue, spoken, text


def type_label(code: str) -> str:
    """A type's or group's name; a municipality's own type is named by its group. Empty is everything.

    The taxonomy has the Swedish names, the catalogue those of other languages.
    """
    if not code:
        return text("picture.all_kinds")
    other = catalogue(spoken()).get(f"type.{code}")
    if other is not None:
        return other
    if len(code) == 1:
        return current().group(code).label
    known = current().type(code)
    return known.label if known is not None else f"{type_label(code[0])} ({code})"


def inside(label: str) -> str:
    """A name in the middle of a sentence."""
    return label[:1].lower() + label[1:]


def upper_first(label: str) -> str:
    """A name at the head of a sentence."""
    return label[:1].upper() + label[1:]


def place_label(area: str, names: Mapping[str, str]) -> str:
    """An area's name, its code while geo is away. Empty is the whole municipality."""
    if not area:
        return text("picture.whole")
    return text("picture.unplaced") if area == UNPLACED else names.get(area, area)
