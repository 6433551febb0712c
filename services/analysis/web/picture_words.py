"""A picture's document in words: the same sentences on the page, on paper and in the PDF.

Plain Swedish from numbers and codes; nothing is decided here. Ratios are times, never percent of few reports.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.analysis.domain.picture import RHYTHM_WEEKS
from services.analysis.domain.selection import whole_weeks
from services.analysis.views import SWEDEN
from services.analysis.web.hours import blocks, rhythm
from services.analysis.web.labels import days_from
from services.pages.labels import inside, place_label, type_label
from services.pages.texts import text
from services.pages.writing import clock, day_with_year, decimal, full_day, short_day, whole

Document = Mapping[str, Any]
_MOST_STATES = 12


def many(key: str, number: int, **more: str) -> str:
    """The sentence for one or for several."""
    return text(f"picture.{key}_{'one' if number == 1 else 'many'}", count=whole(number), **more)


def told(document: Document, names: Mapping[str, str], hidden: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Everything that a picture says. ``hidden``: id of a finding → why it is not shown."""
    left_out = hidden or {}
    findings = [_finding(f, document, names) for f in document["findings"]]
    shown = [f for f in findings if f["id"] not in left_out]
    for rank, finding in enumerate(shown, start=1):
        finding["rank"] = rank
    return {
        "number": document["number"],
        "title": text("picture.title", number=document["number"]),
        "lead": _lead(document),
        "brief": _brief(document, shown),
        "findings": shown,
        "hidden": [f | {"reason": left_out[f["id"]]} for f in findings if f["id"] in left_out],
        "tested": document["tested"],
        "areas": [_area(a, names) for a in document["areas"]],
        "places": [{**p, "name": named(p["place"], names)} for p in document.get("places", ())],
        "groups": [_kind(k) for k in document["kinds"] if len(k["kind"]) == 1],
        "types": [_kind(k) for k in document["kinds"] if len(k["kind"]) > 1],
        "blocks": blocks(),
        "rhythm": rhythm(document["rhythm"]),
        "rhythm_period": "from={}&to={}".format(*whole_weeks(date.fromisoformat(document["last"]), RHYTHM_WEEKS)),
        "states": [_state(s, names) for s in document["states"]],
        "states_shown": _MOST_STATES,
        "sources": [{**s, "name": text(f"source.{s['source']}")} for s in document["sources"]],
        "coming": [_coming(e, names) for e in document["coming"]],
        "context": _context(document["context"], document.get("around", {})),
        "cases": [_case(c, names) for c in document["cases"]],
        "dense": _dense(document, names),
        "quality": _quality(document),
        "focus": [f for one in document["focus"] if (f := _focus(one, names, left_out)) is not None],
        "period": f"from={document['first']}&to={document['last']}",
        "period_before": days_from(date.fromisoformat(document["first"]), document["days"], back=1),
        "foot": text("picture.foot", periods=document["periods_before"]),
    }


def agenda(
    document: Document,
    names: Mapping[str, str],
    hidden: Mapping[str, str] | None = None,
    organisations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a meeting goes through, as lines under headings: the same sentences as on the page.

    ``organisations``: names of those that may have fallen silent; without, they are only counted.
    """
    said = told(document, names, hidden)
    silent = sorted(n for s in document["silent"] if (n := (organisations or {}).get(s["organisation"])))
    lines = {
        "brief": said["brief"],
        "findings": [f"{f['title']} ({text('overview.' + f['word'])}). {f['say']}" for f in said["findings"]],
        "cases": [f"{c['number']}: {c['says']}" for c in said["cases"]],
        "quality": [f"{what}. {more}".strip() for _, what, more in said["quality"]]
        + ([text("picture.q_silent_names", names=", ".join(silent))] if silent else []),
        "coming": [f"{day}: {what}" for day, what in said["coming"]],
        "focus": [f"{f['place']}: {f['why']}" for f in said["focus"]],
    }
    about = {
        "findings": [{"type": f["kind"], "area": f["area"]} for f in said["findings"]],
        "cases": [{"type": c["kind"], "area": c["area"]} for c in document["cases"]],
        "coming": [{"type": c["kind"], "area": c["area"]} for c in document["coming"]],
        "focus": [{"type": f["kind"], "area": f["area"]} for f in said["focus"]],
    }
    sections = [
        {"key": key, "title": text(f"picture.agenda_{key}"), "lines": found, "about": about.get(key, []),
         "warns": key == "quality" and any(level == "warn" for level, _, _ in said["quality"])}
        for key, found in lines.items()
    ]  # fmt: skip
    return {"title": said["title"], "lead": said["lead"], "sections": sections}


def _lead(document: Document) -> str:
    cut_off = datetime.fromisoformat(document["cut_off"]).astimezone(SWEDEN)
    return text(
        "picture.lead",
        first=short_day(date.fromisoformat(document["first"])),
        last=day_with_year(date.fromisoformat(document["last"])),
        written=f"{full_day(cut_off.date())} {clock(cut_off)}",
    )


def _brief(document: Document, findings: Sequence[Mapping[str, Any]]) -> list[str]:
    totals = document["totals"]
    said = [f["short"] for f in findings[:3]]
    now, before = totals["now"], totals["before"]
    both = totals["per_reporter"], totals["per_reporter_before"]
    said.append(many("brief_total", now, before=whole(before)))
    if None not in both:
        said[-1] += " " + text("picture.brief_reporters", now=decimal(both[0]), before=decimal(both[1]))
    if totals["year_before"] is not None:
        said.append(text("picture.brief_year", count=whole(totals["year_before"])))
    if not findings:
        said.insert(0, text("picture.brief_none"))
    return said


def density_check(check: Document | None) -> str:
    """How the map of the period before hit, in a sentence."""
    if check is None:
        return text("density.check_none")
    numbers = {"inside": whole(check["inside"]), "total": whole(check["total"])}
    return text("density.check", times=decimal(check["times"]), **numbers)


def _dense(document: Document, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The densest cells; None in a picture from before they were told."""
    dense = document.get("dense")
    if dense is None or not dense["cells"]:
        return None
    first, _ = whole_weeks(date.fromisoformat(document["last"]), dense["weeks"])
    return {
        "rows": [{**cell, "place": place_label(cell["area"], names)} for cell in dense["cells"]],
        "map": dense["map"],
        "weeks": dense["weeks"],
        "period": days_from(first, 7 * dense["weeks"]),
        "check": density_check(dense["check"]),
    }


def _finding(finding: Document, document: Document, names: Mapping[str, str]) -> dict[str, Any]:
    up, word = finding["direction"] == "up", finding["word"]
    kind = inside(type_label(finding["kind"]))
    place = place_label(finding["area"], names)
    direction = "up" if up else "down"
    low, high = finding["ratio"]
    numbers = {
        "count": many("reports", finding["observed"]),
        "days": str(document["days"]),
        "expected": decimal(finding["expected"]),
        "times": decimal(finding["times"] or 0),
        "low": decimal(low),
        "high": text("picture.no_limit") if high is None else decimal(high),
    }
    new = not finding["expected"]
    say = [
        text("picture.say", **{k: numbers[k] for k in ("count", "days", "expected")}),
        text("picture.say_new")
        if new
        else text(
            f"picture.say_{'sure' if word == 'sure' else 'unsure'}_{direction}",
            **{k: numbers[k] for k in ("times", "low", "high")},
        ),
    ]
    interval_low, interval_high = finding["interval"]
    return {
        "id": finding["id"],
        "kind": finding["kind"],
        "area": finding["area"],
        "word": word,
        "title": text(f"picture.finding_{direction}", kind=kind, place=place),
        "short": text(f"picture.short_{word}_{direction}", kind=kind, place=place),
        "say": " ".join(say),
        "doubt": text("picture.doubt_new") if new else _doubt(finding),
        "because": text(f"picture.because_{word}{'_both' if finding['adjusted'] is not None else ''}"),
        "seen": finding["observed"],
        "expected": finding["expected"],
        "low": interval_low,
        "high": interval_high,
        "facts": [
            (text("picture.basis"), many("reports", finding["observed"])),
            # How many look at an area is for those who write the lägesbild: few are somebody's days.
            *([] if finding["area"] else [(text("picture.active"), whole(finding["reporters"]))]),
            (text("picture.held_against"), text("picture.periods", count=str(document["periods_before"]))),
        ],
        "query": _query(finding, document),
    }


def _doubt(finding: Document) -> str:
    if finding["adjusted"] is None:
        return text("picture.doubt_sources")
    low, high = finding["adjusted_ratio"]
    return text(
        "picture.doubt_reporters",
        times=decimal(finding["adjusted"]),
        low=decimal(low),
        high=text("picture.no_limit") if high is None else decimal(high),
    )


def _query(finding: Document, document: Document) -> str:
    parts = [f"from={document['first']}&to={document['last']}"]
    parts += [f"area={finding['area']}"] if finding["area"] else ["egna=1"]
    parts += [f"type={finding['kind']}"] if finding["kind"] else []
    return "&".join(parts)


def _area(area: Document, names: Mapping[str, str]) -> dict[str, Any]:
    return {**area, "name": place_label(area["area"], names)}


def named(place: str, names: Mapping[str, str]) -> str:
    """A named place's name, also of one that is no longer drawn."""
    return names.get(place, text("picture.some_place"))


def _kind(kind: Document) -> dict[str, Any]:
    return {**kind, "name": type_label(kind["kind"])}


def _state(state: Document, names: Mapping[str, str]) -> dict[str, Any]:
    return {**state, "place": place_label(state["area"], names), "name": type_label(state["kind"])}


def _coming(event: Document, names: Mapping[str, str]) -> tuple[str, str]:
    place = place_label(event["area"], names)
    return short_day(date.fromisoformat(event["day"])), f"{type_label(event['kind'])}, {place}"


def _context(context: Mapping[str, int], around: Mapping[str, int]) -> list[str]:
    """What the police have published: of the municipality, and of the county around it."""
    total, near = sum(context.values()), sum(around.values())
    said = [many("context", total), _kinds(context)] if total else [text("picture.context_none")]
    return said + ([many("around", near), _kinds(around)] if near else [])


def _kinds(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda k: (-k[1], k[0]))
    return ", ".join(f"{inside(kind)} {whole(n)}" for kind, n in most)


def _case(case: Document, names: Mapping[str, str]) -> dict[str, str]:
    kind = inside(type_label(case["kind"]))
    place = place_label(case["area"], names)
    since = short_day(date.fromisoformat(case["since"]))
    return {"number": case["number"], "says": text("picture.case", kind=kind, place=place, since=since)}


def _quality(document: Document) -> list[tuple[str, str, str]]:
    """(icon, what, what it means)."""
    reporters, totals = document["reporters"], document["totals"]
    found = [
        (
            "ok" if reporters["active"] else "warn",
            text("picture.q_active", active=whole(reporters["active"]), appointed=whole(reporters["appointed"])),
            text("picture.q_active_more", before=whole(reporters["before"]), zero=whole(reporters["zero_reports"])),
        )
    ]
    if document["silent"]:
        days = [short_day(date.fromisoformat(s["since"])) for s in document["silent"] if s["since"]]
        said = [text("picture.q_silent_since", days=", ".join(days))] if days else []
        never = len(document["silent"]) - len(days)
        said += [many("q_silent_never", never)] if never else []
        found.append(("warn", many("q_silent", len(document["silent"])), " ".join(said)))
    missing = [text(f"source.{s['source']}") for s in document["sources"] if s["missing"]]
    if missing:
        found.append(("warn", many("q_missing", len(missing)), ", ".join(missing)))
    late = round(totals["now"] * document["preliminary"] / max(0.01, 1 - document["preliminary"]))
    if late:
        found.append(("clock", many("q_late", late), text("picture.q_late_more")))
    if totals["unplaced"]:
        found.append(("pin", many("q_unplaced", totals["unplaced"]), text("picture.q_unplaced_more")))
    return found


def _focus(focus: Document, names: Mapping[str, str], hidden: Mapping[str, str]) -> dict[str, Any] | None:
    """A place with its reasons; None when all of them were findings that somebody hid."""
    kept = [
        r
        for r in focus["reasons"]
        if "place" in focus or not (r["why"].endswith("_up") and f"{focus['area']}-{r['kind'] or 'alla'}" in hidden)
    ]
    reasons = [text(f"picture.why_{r['why']}", kind=inside(type_label(r["kind"]))) for r in kept]
    kinds = {r["kind"] for r in kept}
    place = named(focus["place"], names) if "place" in focus else place_label(focus["area"], names)
    said = {"place": place, "why": " ".join(reasons), "area": focus["area"]}
    return said | {"kind": kinds.pop() if len(kinds) == 1 else None} if kept else None
