"""A text ready to paste into a police report: a report to us is none, and the form of the police asks the same things.

For graffiti and damage, where a property owner reports to the police anyway (experience reference §2.2).
"""

from schemas.reports import ReportReceived
from services.ingest.domain import short_number
from services.pages import writing
from services.pages.texts import text

DAMAGE = "A"
"""The group of the taxonomy that is damage: graffiti, broken things, fires."""


def text_for(report: ReportReceived, label: str, area: str | None) -> str | None:
    """What happened, when and where, in sentences; None for what is no damage, and for a withdrawn report."""
    if report.event_type[0] != DAMAGE or report.withdrawn:
        return None
    lines = [
        text("police.what", what=label, count=report.count),
        text("police.when", when=writing.interval(report.time_from, report.time_to)),
    ]
    if (where := _where(report, area)) is not None:
        lines.append(text("police.where", where=where))
    if report.count == 1:
        lines[0] = text("police.what_one", what=label)
    lines.append(text("police.seen") if report.confirmed else text("police.not_seen"))
    return "\n".join([*lines, text("police.number", number=short_number(report.report_id))])


def _where(report: ReportReceived, area: str | None) -> str | None:
    """The place as it was written, the point, the area: all that is known, most exact first."""
    point = report.place.coordinates
    known = [
        report.place.text,
        None if point is None or point.crs != "EPSG:4326" else f"{point.y:.5f}, {point.x:.5f} (WGS84)",
        area,
    ]
    return "; ".join(k for k in known if k) or None
