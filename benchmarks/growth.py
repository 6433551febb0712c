"""Growth: what an event costs analysis while its tables grow, and whether its memory does."""

from dataclasses import dataclass

from benchmarks.reports import reports
from benchmarks.servers import Ground, fill, positions, room, until
from schemas.topics import REPORT_RECEIVED


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of the way: facts stored before it, CPU per event of all parts, and memory after it."""

    stored: int
    rate: float
    cpu_us: float
    geo_mb: float
    analysis_mb: float


async def grow(ground: Ground, *, total: int, stretch: int) -> list[Step]:
    """Feed ``total`` reports through geo and analysis, measuring every ``stretch``; the processes stay the same."""
    steps = []
    async with room(ground, ("geo", "work"), ("analysis", "work"), ready=True) as rooms:
        for number in range(total // stretch):
            at = [await positions(ground, name) for name in ("geo.reports", "analysis.reports")]
            (stored,) = await ground.sql("select count(*) as n from analysis.facts")
            await fill(ground, reports(stretch, seed=9000 + number), [REPORT_RECEIVED.name])
            timed = await until(ground, rooms, ["geo.reports", "analysis.reports"], [p + stretch for p in at])
            memory = [r.memory() / 2**20 for r in rooms]
            steps.append(Step(stored["n"], timed.rate, timed.micros(), *(round(m, 1) for m in memory)))
    return steps


def plot(steps: list[Step]) -> str:
    """The way as an SVG of its own: CPU per event over facts stored, axis from zero."""
    wide, high, left, low = 640, 240, 60, 40
    room_up = high - low - 10
    most_x = max(s.stored for s in steps) or 1
    most_y = max(s.cpu_us for s in steps) * 1.15

    def point(step: Step) -> str:
        x = left + (wide - left - 10) * step.stored / most_x
        return f"{x:.1f},{high - low - room_up * step.cpu_us / most_y:.1f}"

    marks = "".join(
        f'<text x="{left - 6}" y="{high - low + 4 - room_up * y / most_y:.1f}" text-anchor="end">{y:.0f}</text>'
        for y in (0, most_y / 2, most_y)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12">'
        f'<title>CPU per event over facts stored</title><polyline fill="none" stroke="#0b5163" stroke-width="2" '
        f'points="{" ".join(point(s) for s in steps)}"/>{marks}'
        f'<text x="{wide - 10}" y="{high - 8}" text-anchor="end">{most_x} facts stored</text>'
        f'<text x="4" y="{high - 8}">µs per event</text></svg>\n'
    )
