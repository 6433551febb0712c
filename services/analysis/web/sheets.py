"""Every table of a picture as a workbook, or one as CSV: numbers as numbers, one sheet per table, constant memory."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from services.analysis.web import picture_words
from services.pages.labels import place_label, type_label
from services.pages.tables import Row, Sheet, csv_text
from services.pages.tables import workbook as written
from services.pages.texts import text


def workbook(document: Mapping[str, Any], names: Mapping[str, str], hidden: Mapping[str, str]) -> bytes:
    """The file; the first sheet says what the picture is and which data it stood on."""
    return written(
        (text(f"picture.sheet_{key}"), header, rows) for key, header, rows in _tables(document, names, hidden)
    )


TABLES = (
    "basis", "findings", "areas", "places", "kinds", "history", "rhythm", "dense", "states", "sources",
    "cases", "coming", "context", "focus",
)  # fmt: skip
"""What they are called in addresses and texts, in order."""


def table(document: Mapping[str, Any], names: Mapping[str, str], hidden: Mapping[str, str], wanted: str) -> str:
    """One of ``TABLES`` as CSV."""
    header, rows = next((h, r) for key, h, r in _tables(document, names, hidden) if key == wanted)
    return csv_text([str(cell) for cell in header], rows)


def history(document: Mapping[str, Any]) -> tuple[list[date], list[tuple[str, list[int]]]]:
    """Every group over the periods: their first days, the oldest first, and (its code, reports of each)."""
    first, last = (date.fromisoformat(document[day]) for day in ("first", "last"))
    groups = [k for k in document["kinds"] if k["periods"]]
    count = max((len(k["periods"]) for k in groups), default=0)
    length = last - first + timedelta(days=1)
    days = [first - (count - 1 - at) * length for at in range(count)]
    return days, [(k["kind"], k["periods"]) for k in groups]


def _basis(document: Mapping[str, Any], told: Mapping[str, Any]) -> list[Row]:
    """What the picture is and which data it stood on."""
    return [
        (told["lead"],),
        *([(text("picture.sheet_invented"),)] if document["invented"] else []),
        *((line,) for line in told["brief"]),
        *((what, more) for _, what, more in told["quality"]),
        (told["foot"],),
        ("data", document["data"]["facts"], document["data"]["newest_change"], document["method"]),
    ]


def _tables(document: Mapping[str, Any], names: Mapping[str, str], hidden: Mapping[str, str]) -> list[Sheet]:
    told = picture_words.told(document, names, hidden)
    area, now, before, word = (text(f"overview.column_{c}") for c in ("area", "now", "before", "certainty"))
    expected = text("picture.column_expected")
    states = [text(f"picture.states_{c}") for c in ("column", "opened", "standing")]
    limits = [text(f"picture.sheet_{c}") for c in ("times", "low", "high", "adjusted")]
    days, groups = history(document)
    return [
        ("basis", (told["title"],), _basis(document, told)),
        (
            "findings", (text("picture.sheet_finding"), area, now, expected, *limits, word),
            _findings(document, told, names),
        ),
        (
            "areas", (area, now, before, expected, word),
            [(a["name"], a["now"], a["before"], a["expected"], text(f"overview.{a['word']}")) for a in told["areas"]],
        ),
        (
            "places", (text("card.column_place"), now, before, expected, word),
            [(p["name"], p["now"], p["before"], p["expected"], text(f"overview.{p['word']}")) for p in told["places"]],
        ),
        (
            "kinds", (text("overview.type_column"), now, before, expected, word),
            [(k["name"], k["now"], k["before"], k["expected"], text(f"overview.{k['word']}")) for k in told["types"]],
        ),
        (
            "history", (text("overview.type_column"), *(day.isoformat() for day in days)),
            [(type_label(kind), *counts) for kind, counts in groups],
        ),
        (
            "rhythm", (text("picture.when_day"), *(name for name, _ in told["blocks"])),
            [(day, *row) for (day, _), row in zip(told["rhythm"], document["rhythm"], strict=True)],
        ),
        (
            "dense", (text("density.column_where"), now, expected, word, "H3"),
            [
                (c["place"], c["count"], c["expected"], text(f"overview.{c['word']}"), c["cell"])
                for c in (told["dense"] or {"rows": []})["rows"]
            ],
        ),
        (
            "states", states,
            [(f"{s['name']}, {s['place']}", s["opened"], s["standing"]) for s in told["states"]],
        ),
        (
            "sources", (text("overview.source_column"), now, before),
            [(s["name"], s["now"], s["before"]) for s in told["sources"]],
        ),
        *_beside(document, told),
    ]  # fmt: skip


def _findings(document: Mapping[str, Any], told: Mapping[str, Any], names: Mapping[str, str]) -> list[Row]:
    raw = {f["id"]: f for f in document["findings"]}
    return [
        (
            f["title"], place_label(r["area"], names), r["observed"],
            r["expected"], r["times"], *r["ratio"], r["adjusted"], text(f"overview.{f['word']}"),
        )
        for f in told["findings"]
        for r in [raw[f["id"]]]
    ]  # fmt: skip


def _beside(document: Mapping[str, Any], told: Mapping[str, Any]) -> list[Sheet]:
    """What stands beside the numbers: signals, what is coming, what is published, what to talk about."""
    number, what, when, here, around, why = (
        text(f"picture.sheet_{c}") for c in ("number", "what", "when", "here", "around", "why")
    )
    inside, outside = document["context"], document.get("around", {})
    days = [event["day"] for event in document["coming"]]
    return [
        ("cases", (number, what), [(c["number"], c["says"]) for c in told["cases"]]),
        ("coming", (when, what), [(day, said) for day, (_, said) in zip(days, told["coming"], strict=True)]),
        (
            "context", (text("overview.type_column"), here, around),
            [(kind, inside.get(kind, 0), outside.get(kind, 0)) for kind in sorted({*inside, *outside})],
        ),
        ("focus", (text("card.column_place"), why), [(f["place"], f["why"]) for f in told["focus"]]),
    ]  # fmt: skip
