"""Lines over weeks as SVG, drawn in two widths so that text stays readable; axis from zero, the end labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.pages.writing import decimal, short_day, whole

_LEFT, _TOP, _BOTTOM = 34, 12, 24


@dataclass(frozen=True, slots=True)
class Line:
    """One chart, ready to draw. ``partial`` joins the last whole week with the one that is not over."""

    width: int
    height: int
    right: int
    ticks: list[dict[str, Any]]
    points: str
    partial: str | None
    end: tuple[float, float]
    last: str
    marks: list[dict[str, Any]]
    band: tuple[float, float] | None = None


def nice_top(highest: float) -> int:
    """The axis' top: four equal steps of 1, 2 or 5 times a power of ten, so that every tick is a whole number."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if 4 * step * power >= highest:
                return 4 * step * power
        power *= 10


def line(
    values: Sequence[tuple[date, float]],
    *,
    width: int,
    height: int,
    last_is_partial: bool,
    band: tuple[float, float] | None = None,
) -> Line:
    """A line through (day, count) pairs, at least two; ``band`` = between what the counts usually lie."""
    right, floor = width - 46, height - _BOTTOM
    top = nice_top(max(*(v for _, v in values), 1, 0 if band is None else band[1]))

    def x(i: int) -> float:
        return round(_LEFT + (right - _LEFT) * i / max(1, len(values) - 1), 1)

    def y(v: float) -> float:
        return round(floor - (floor - _TOP) * v / top, 1)

    points = [(x(i), y(v)) for i, (_, v) in enumerate(values)]
    whole_points = points[:-1] if last_is_partial else points
    joined = " ".join(f"{a},{b}" for a, b in whole_points)
    tail = " ".join(f"{a},{b}" for a, b in points[-2:]) if last_is_partial else None
    middle = len(values) // 2
    marks = [
        {"x": x(0), "label": short_day(values[0][0]), "anchor": "start"},
        {"x": x(middle), "label": short_day(values[middle][0]), "anchor": "mid"},
        {"x": x(len(values) - 1), "label": short_day(values[-1][0]), "anchor": "end"},
    ]
    ticks = [{"y": y(top * k / 4), "label": whole(round(top * k / 4))} for k in range(5)]
    drawn = None if band is None else (y(band[1]), round(y(band[0]) - y(band[1]), 1))
    return Line(width, height, right, ticks, joined, tail, points[-1], whole(round(values[-1][1])), marks, drawn)


def both(
    values: Sequence[tuple[date, float]],
    *,
    last_is_partial: bool,
    heights: tuple[int, int] = (200, 190),
    band: tuple[float, float] | None = None,
) -> dict[str, Line]:
    """The same line ``wide`` and ``narrow``, as the component ``trend`` draws them for a desk and for a phone."""
    sizes = {"wide": (640, heights[0]), "narrow": (340, heights[1])}
    return {
        name: line(values, width=width, height=height, last_is_partial=last_is_partial, band=band)
        for name, (width, height) in sizes.items()
    }


@dataclass(frozen=True, slots=True)
class Bar:
    """A count with its uncertainty beside what was expected, on an axis from zero."""

    ticks: list[tuple[float, str]]
    seen: float
    low: float
    high: float
    expected: float
    label: tuple[str, str, str, str]


def interval_bar(seen: float, low: float, high: float, expected: float, *, width: int = 272) -> Bar:
    """Drawing units from 8 to width − 12; the axis ends at a whole number above everything."""
    top = nice_top(max(seen, high, expected))

    def x(value: float) -> float:
        return round(8 + (width - 20) * value / top, 1)

    said = (whole(round(seen)), decimal(low), decimal(high), decimal(expected))
    ticks = [(x(top * k / 4), whole(round(top * k / 4))) for k in range(5)]
    return Bar(ticks, x(seen), x(low), x(high), x(expected), said)


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line over periods; ``expected`` is where the usual lies."""

    points: str
    end: tuple[float, float]
    expected: float | None
    last: str


def spark(values: Sequence[float], expected: float | None, *, width: int = 200, height: int = 56) -> Spark:
    """A line from zero, at least two values."""
    top = max([1.0, *values, expected or 0.0])
    right, floor = width - 34, height - 6

    def y(value: float) -> float:
        return round(floor - (floor - 6) * value / top, 1)

    places = [(round(2 + (right - 2) * i / max(1, len(values) - 1), 1), y(v)) for i, v in enumerate(values)]
    joined = " ".join(f"{a},{b}" for a, b in places)
    return Spark(joined, places[-1], None if expected is None else y(expected), whole(round(values[-1])))
