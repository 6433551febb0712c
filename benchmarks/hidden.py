"""``python -m benchmarks.hidden``: changes hidden in invented towns, found, missed, and claimed where there were none.

Twenty seeds that nothing was tuned on. Each is a town of three years (``deploy/local/town.py``) with three changes at
random spots, kinds and weeks; an organisation joins on the way, which makes reports more and events not. Every week is
run as the product runs it, from the third year on. Found: a case that opens while the change lasts, or in the week
after it, in the change's area or the whole municipality, of its group. Every other case that opens is a false claim.
Writes ``benchmarks/hidden.md``.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import shapely

from deploy.local.town import SPOTS, WEEKS, Change, Told, Town, crew, extra, hidden
from services.analysis.domain import signals
from services.analysis.domain.cases import Open, follow
from services.analysis.domain.exposure import MEMORY_DAYS, looking
from services.analysis.domain.series import WHOLE, SeriesKey, WeekRow, build, mondays
from services.analysis.domain.signals import Ladder
from services.analysis.views import MILLION, monday
from services.geo.layers.shipped import Layers

HERE = Path(__file__).parent
KOMMUN = "0682"
NOW = datetime(2026, 11, 16, tzinfo=UTC)
FIRST_WEEK = 110


@cache
def _outlines() -> tuple[list[str], Any]:
    """The municipality's areas: their codes, and a tree of their outlines."""
    features = Layers().outlines("regso", KOMMUN)["features"]
    return [f["id"] for f in features], shapely.STRtree([shapely.geometry.shape(f["geometry"]) for f in features])


def _areas(points: Sequence[tuple[float, float]]) -> list[str]:
    """The area of every (longitude, latitude)."""
    codes, tree = _outlines()
    found = ["unplaced"] * len(points)
    for point, area in tree.query(shapely.points(points), predicate="intersects").T.tolist():
        found[point] = codes[area]
    return found


def rows(town: Town) -> tuple[list[WeekRow], dict[str, dict[date, int]]]:
    """The town's weeks as the views would hold them: newest versions only, and who was active where."""
    newest: dict[str, Told] = {}
    for told in town.told():
        newest[told.body["id"]] = told
    counted: Counter[tuple[date, str, str, bool]] = Counter()
    presence: list[tuple[int, str, str]] = []
    places = [told.body["place"]["coordinates"] for told in newest.values()]
    areas = _areas([(place["x"], place["y"]) for place in places])
    for told, area in zip(newest.values(), areas, strict=True):
        if told.body.get("withdrawn"):
            continue
        week = monday(datetime.fromisoformat(told.body["time_from"]).date())
        if told.sender >= 0:
            presence.append((week.toordinal() // 7, area, str(told.sender)))
        if told.body["event_type"] != "G1":
            counted[week, area, told.body["event_type"], told.sender >= 0] += 1
    active = {
        area: {monday(date.fromordinal(7 * at + 6)): n for at, n in by_week.items()}
        for area, by_week in looking(presence, MEMORY_DAYS // 7).items()
    }
    found = [WeekRow(w, a, t, n * MILLION, n * MILLION * mine) for (w, a, t, mine), n in counted.items()]
    return found, active


def one_seed(seed: int) -> dict[str, Any]:
    """What the weekly runs make of one town."""
    changes = hidden(seed)
    town = Town(NOW, seed, changes, crew(seed))
    everything, active = rows(town)
    start = monday((NOW - timedelta(weeks=WEEKS)).date())
    opened: list[tuple[date, SeriesKey]] = []
    going: list[Open] = []
    for week in mondays(start + timedelta(weeks=FIRST_WEEK), monday(NOW.date()) - timedelta(weeks=1)):
        weeks = mondays(start, week)
        series = build([r for r in everything if r.week <= week], active, weeks, kommun=KOMMUN)
        for move in follow(going, signals.run(series, weeks, Ladder()), week):
            going = [c for c in going if c is not move.case]
            if move.state == "closed":
                continue
            keys = frozenset(f.key for f in move.evidence)
            if move.case is None:
                opened.append((week, move.evidence[0].key))
                going.append(Open(f"{week}/{move.evidence[0].key}", move.evidence[0].key, keys, week))
            else:
                going.append(Open(move.case.case_id, move.case.lead, move.case.series | keys, week))
    return _judged(seed, changes, opened, start)


def _judged(
    seed: int, changes: Sequence[Change], opened: Sequence[tuple[date, SeriesKey]], start: date
) -> dict[str, Any]:
    claimed = set(opened)
    found = []
    for change in changes:
        first = start + timedelta(weeks=change.since)
        place = SPOTS[change.spot]
        (area,) = _areas([(place.lon, place.lat)])
        mine = [
            (week, key)
            for week, key in opened
            if first <= week <= first + timedelta(weeks=change.weeks)
            and key.area in {WHOLE, area}
            and (key.kind == "" or key.kind[0] == change.kind)
        ]
        claimed -= set(mine)
        found.append({"times": change.times, "extra": round(extra(change), 1), "after": _weeks(mine, first)})
    return {"seed": seed, "changes": found, "false": len(claimed), "weeks": WEEKS - FIRST_WEEK}


def _weeks(mine: Sequence[tuple[date, SeriesKey]], first: date) -> int | None:
    return (min(week for week, _ in mine) - first).days // 7 + 1 if mine else None


def page(results: Sequence[dict[str, Any]]) -> str:
    """The table for people."""
    changes = [c for r in results for c in r["changes"]]
    found = [c for c in changes if c["after"] is not None]
    false, weeks = sum(r["false"] for r in results), sum(r["weeks"] for r in results)
    lines = [
        "# Changes hidden in invented towns\n",
        f"`python -m benchmarks.hidden`: {len(results)} towns of three years, about 45 reports a week, three changes",
        "of five weeks in each (3, 4 or 6 times as much of one group at one spot), an organisation that joins. Nothing",
        "was tuned on these seeds.\n",
        f"**{len(found)} of {len(changes)} found, {len(changes) - len(found)} missed, {false} cases falsely claimed in",
        f"{weeks} weeks** ({false / weeks:.2f} a week and town).\n",
        "What decides is how many reports a change adds: in a town of this size most groups have one or two a week in",
        "an area, and of so few a doubling is not told from chance.\n",
        "| reports added a week | found | of | weeks until told (median) |",
        "|---|---|---|---|",
    ]
    for low, high in ((0, 2), (2, 4), (4, 7), (7, 99)):
        some = [c for c in changes if low <= c["extra"] < high]
        told = sorted(c["after"] for c in some if c["after"] is not None)
        middle = str(told[len(told) // 2]) if told else "–"
        size = f"{low} and more" if high == 99 else f"{low}–{high}"
        lines.append(f"| {size} | {len(told)} | {len(some)} | {middle} |")
    lines += ["\n| seed | found | missed | falsely claimed |", "|---|---|---|---|"]
    for r in results:
        hits = sum(c["after"] is not None for c in r["changes"])
        lines.append(f"| {r['seed']} | {hits} | {len(r['changes']) - hits} | {r['false']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the towns, run the weeks, write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hidden")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--from", dest="first", type=int, default=31_001)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        results = list(pool.map(one_seed, range(arguments.first, arguments.first + arguments.seeds)))
    (HERE / "hidden.md").write_text(page(results), "utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
