"""An adopted picture as PDF: the page's own words and drawings set by typst, tagged and for the archive.

PDF/UA-1 and PDF/A-2a in one file; typst refuses to write it where an image has no alternative text. Without system
libraries and without a net.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import resources
from typing import Any

from services.analysis.views import SWEDEN
from services.analysis.web import picture_words
from services.analysis.web.labels import rings
from services.pages import charts, maps
from services.pages.render import environment
from services.pages.texts import text
from services.pages.writing import clock, decimal, full_day, whole

_STYLE = """
text { font-family: "Libertinus Serif", serif; font-size: 13px; fill: #1b2a33 } .mid, .lab, .num { text-anchor: middle }
.num { font-weight: bold } .inv { fill: #ffffff } .c-t { font-size: 11px } .c-axis { stroke: #5b6b73; fill: none }
.c-exp { stroke: #1b2a33; stroke-width: 2; stroke-dasharray: 4 3; fill: none } .c-ival { fill: #b9d3d9 }
.c-dot { fill: #0b4f63 } .areas path { stroke: #ffffff; stroke-width: 1 } .q1 { fill: #e4eeee } .q2 { fill: #b9d3d9 }
.q3 { fill: #82aeb9 } .q4 { fill: #3f7f8f } .q5 { fill: #114756 } .frame { fill: none; stroke: #1b2a33;
stroke-dasharray: 5 3 } .scale rect { fill: #ffffff; fill-opacity: 0.8 } .scale path { stroke: #1b2a33; fill: none }
"""
_WORDS = {
    "assessment": "assessment_title", "no_assessment": "assessment_none", "brief": "brief_title",
    "findings": "findings_title", "none": "brief_none", "doubt": "doubt", "because": "because_title",
    "areas": "where_title", "places": "places_title", "kinds": "what_types", "rhythm": "when_title",
    "day": "when_day", "states": "states_title",
    "no_states": "states_none", "cases": "cases_title", "no_cases": "cases_none", "sources": "sources_title",
    "coming": "coming_title", "no_coming": "coming_none", "context": "context_title", "meaning": "context_meaning",
    "focus": "focus_title", "no_focus": "focus_none", "quality": "quality_title",
}  # fmt: skip


def printed(document: Mapping[str, Any], outlines: Sequence[Mapping[str, Any]], digest: str, publisher: str) -> bytes:
    """The PDF of an adopted document; ``outlines`` = the areas' GeoJSON features, none of them when geo is away."""
    import typst  # a large library that only this needs

    template = resources.files("services.analysis.web").joinpath("picture.typ").read_bytes()
    data = _data(document, outlines, digest, publisher)
    said = json.dumps(data, ensure_ascii=False)
    at = datetime.fromisoformat(document["adopted_at"]).replace(microsecond=0)

    def made(written: str) -> bytes:
        return typst.compile(
            template,
            format="pdf",
            ignore_system_fonts=True,  # the same file on every machine
            sys_inputs={"data": written},
            pdf_standards=["ua-1", "a-2a"],
            timestamp=at,
        )

    try:
        return made(said)
    except typst.TypstError:  # a sign that no archive font has: an emoji, another script; the document keeps it
        return made(re.sub(r"[^\n\u0020-\u024f\u2010-\u2044\u20ac\u2212]", text("picture.no_glyph"), said))


def _data(
    document: Mapping[str, Any], outlines: Sequence[Mapping[str, Any]], digest: str, publisher: str
) -> dict[str, Any]:
    body = document["assessment"]
    names = document["names"]
    told = picture_words.told(document, names, body.get("hidden", {}))
    at = datetime.fromisoformat(document["adopted_at"]).astimezone(SWEDEN)
    last = date.fromisoformat(document["last"])
    drawn, drawings = _maps(document, outlines)
    dense, dense_drawings = _dense(told["dense"], outlines)
    drawings |= dense_drawings
    bars = {f["id"]: charts.interval_bar(f["seen"], f["low"], f["high"], f["expected"]) for f in told["findings"]}
    drawings |= {f"bar-{ident}": _svg("interval_bar", bar) for ident, bar in bars.items()}
    return {
        **{k: told[k] for k in ("number", "title", "lead", "brief", "context", "focus", "foot")},
        "blocks": [name for name, _ in told["blocks"]],
        "invented": text("picture.sheet_invented") if document["invented"] else "",
        "publisher": publisher,
        **{part: getattr(last, part) for part in ("year", "month", "day")},
        "hash": digest,
        "seal": {"when": text("picture.seal_print", when=f"{full_day(at.date())} {clock(at)}")},
        "assessment": body.get("text", ""),
        "local": body.get("local", ""),
        "findings": [
            {
                **{k: f[k] for k in ("id", "rank", "title", "say", "doubt", "because")},
                "word_text": text(f"overview.{f['word']}"),
                "comment": body.get("comments", {}).get(f["id"], ""),
                "alt": _bar_text(bars[f["id"]]),
            }
            for f in told["findings"]
        ],
        "drawings": drawings,
        "maps": drawn,
        **dense,
        **{part: [_judged(row) for row in told[of]] for part, of in _JUDGED.items()},
        "rhythm": [[day, *(value for value, _ in row)] for day, row in told["rhythm"]],
        "states": [[f"{s['name']}, {s['place']}", whole(s["opened"]), whole(s["standing"])] for s in told["states"]],
        "cases": [c["says"] for c in told["cases"]],
        "sources": [[s["name"], whole(s["now"]), whole(s["before"])] for s in told["sources"]],
        "coming": [f"{day}: {what}" for day, what in told["coming"]],
        "quality": [[what, more] for _, what, more in told["quality"]],
        "source": text("picture.source_note"),
        "words": _words(),
    }  # fmt: skip


def _words() -> dict[str, Any]:
    """Headings and the heads of tables."""
    count = [text("overview.column_now"), text("overview.column_before")]
    expected, word = text("picture.column_expected"), text("overview.column_certainty")
    return {name: text(f"picture.{key}") for name, key in _WORDS.items()} | {
        "area_columns": [text("overview.column_area"), *count, expected, word],
        "dense": text("density.title"),
        "dense_columns": [text("density.column_where"), count[0], expected, word],
        "place_columns": [text("card.column_place"), *count, expected, word],
        "kind_columns": [text("overview.type_column"), *count, expected, word],
        "state_columns": [text(f"picture.states_{c}") for c in ("column", "opened", "standing")],
        "source_columns": [text("overview.source_column"), *count],
    }


_JUDGED = {"areas": "areas", "places": "places", "kinds": "types"}
"""Tables of what was counted beside what was expected → what they are called among what is told."""


def _judged(row: Mapping[str, Any]) -> list[str]:
    return [row["name"], whole(row["now"]), whole(row["before"]), _maybe(row["expected"]), _word(row)]


def _word(row: Mapping[str, Any]) -> str:
    return text(f"overview.{row['word']}")


def _maybe(value: float | None) -> str:
    return "" if value is None else decimal(value)


def _bar_text(bar: charts.Bar) -> str:
    seen, low, high, expected = bar.label
    return text("picture.bar_label", seen=seen, low=low, high=high, expected=expected)


def _maps(
    document: Mapping[str, Any], outlines: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What stands where, and the drawings themselves."""
    if not outlines:
        return [], {}
    counts = {a["area"]: float(a["now"]) for a in document["areas"]}
    drawn = maps.draw(outlines, counts)
    label = text("picture.map_label")
    placed = [{"key": f"map-{i}", "alt": f"{d.caption}. {label}"} for i, d in enumerate(drawn)]
    return placed, {f"map-{i}": _svg("area_map", d, label, False) for i, d in enumerate(drawn)}


def _dense(
    dense: Mapping[str, Any] | None, outlines: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What is said of where it is dense, and the drawings; nothing where nothing is."""
    if dense is None:
        return {"dense": [], "dense_check": "", "dense_maps": []}, {}
    drawn = maps.draw(outlines, {}, rings(dense["map"]))
    label = text("density.map_label")
    said = {
        "dense": [
            [c["place"], whole(c["count"]), _maybe(c["expected"]), text(f"overview.{c['word']}")] for c in dense["rows"]
        ],
        "dense_check": dense["check"],
        "dense_maps": [{"key": f"dense-{i}", "alt": f"{d.caption}. {label}"} for i, d in enumerate(drawn)],
    }
    return said, {f"dense-{i}": _svg("area_map", d, label, False) for i, d in enumerate(drawn)}


def _svg(macro: str, *arguments: Any) -> str:
    """A drawing of the pages as a file of its own, with the few colours that paper needs."""
    drawn = str(getattr(environment().get_template("components.html").module, macro)(*arguments))
    found = re.search(r"<svg.*</svg>", drawn, re.DOTALL)
    if found is None:
        raise ValueError(f"{macro} draws no svg")
    return re.sub(
        r"^<svg([^>]*)>", rf'<svg xmlns="http://www.w3.org/2000/svg"\1><style>{_STYLE}</style>', found.group(), count=1
    )
