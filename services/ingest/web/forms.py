"""Reading the report form: plain fields to a report, faults as keys of texts at their fields."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from schemas.taxonomy import ZERO_REPORT
from services.ingest.domain import ReportIn

SWEDEN = ZoneInfo("Europe/Stockholm")
RIGHT_CLOCK = timedelta(minutes=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_WAIT = timedelta(days=60)
"""A phone without coverage; after that a wrong clock is likelier."""


@dataclass
class Reading:
    """A report, or the faults that keep it from being one: field → key of a text."""

    report: ReportIn | None = None
    faults: dict[str, str] = field(default_factory=dict)


def told(form: Mapping[str, str], now: datetime) -> datetime:
    """When the form was filled in, by our clock.

    A phone that waited for a net says by its own clock when the report was made and when it is sent. The difference is
    right however wrong that clock is; what cannot be (before it was made, months) means that it was set meanwhile.
    """
    with suppress(KeyError, ValueError, OverflowError):
        waited = timedelta(milliseconds=int(form["sent"]) - int(form["made"]))
        if timedelta(0) <= waited <= LONGEST_WAIT:
            return now - waited
    return now


def read(form: Mapping[str, str], now: datetime) -> Reading:
    """The report in the form's fields; ``now`` is our clock's as it arrives."""
    ahead = _ahead(form, now)
    now = told(form, now)
    if form.get("zero"):
        report = ReportIn(id=_id(form), event_type=ZERO_REPORT, time_from=now)
        return Reading(report)
    faults: dict[str, str] = {}
    code = form.get(f"l2_{form.get('l1', '')}", "")
    if not code:
        faults["what"] = "report.error_what"
    start, end = _times(form, now, ahead, faults)
    place = _place(form)
    if not place:
        faults["where"] = "report.error_where"
    if faults:
        return Reading(None, faults)
    try:
        report = ReportIn.model_validate(
            {
                "id": _id(form),
                "event_type": code,
                "time_from": start,
                "time_to": end,
                "place": place,
                "confirmed": bool(form.get("confirmed")),
                "ongoing": bool(form.get("ongoing")),
                "count": form.get("count") or 1,
                "severity": form.get("severity") or None,
                "submission_id": form.get("submission") or None,
                "text": form.get("text") or None,
                "environment": "semi_public" if code in {"B2", "B3"} else "public",
            }
        )
    except ValidationError:
        return Reading(None, {"more": "report.error_values"})
    return Reading(report)


def _id(form: Mapping[str, str]) -> str:
    """The form's own id, so that a form sent twice is one report."""
    return form.get("id") or str(uuid4())


def _ahead(form: Mapping[str, str], now: datetime) -> timedelta:
    """How far the phone's clock is ahead of ours; nothing where it says no time, or is behind."""
    with suppress(KeyError, ValueError, OverflowError):
        return max(timedelta(0), timedelta(milliseconds=int(form["sent"])) - (now - _EPOCH))
    return timedelta(0)


def _times(
    form: Mapping[str, str], now: datetime, ahead: timedelta, faults: dict[str, str]
) -> tuple[datetime, datetime]:
    def typed(name: str) -> datetime | None:
        """A time from a field. One that lies ahead of us, on a phone that is ahead, was read off that phone."""
        moment = _local(form.get(name, ""))
        if moment is None or moment <= now or ahead < RIGHT_CLOCK:
            return moment
        return min(now, moment - ahead)

    when = form.get("when", "now")
    if when == "at":
        moment = typed("at")
        if moment is None:
            faults["when"] = "report.error_when"
        return moment or now, moment or now
    if when == "between":
        start, end = typed("from"), typed("to") or now
        if start is None:
            faults["when"] = "report.error_when"
        elif end < start:
            faults["when"] = "report.error_order"
        return start or now, end
    return now, now


def _local(value: str) -> datetime | None:
    """A datetime-local field as UTC; Swedish time."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=SWEDEN).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _place(form: Mapping[str, str]) -> dict[str, object]:
    place: dict[str, object] = {}
    with suppress(KeyError, ValueError):
        place["coordinates"] = {
            "x": float(form["lon"]),
            "y": float(form["lat"]),
            "accuracy_m": min(float(form.get("accuracy") or 0), 1_000_000) or None,
        }
    if form.get("area"):
        place["area_code"] = form["area"]
    if form.get("address", "").strip():
        place["text"] = form["address"].strip()[:120]
    return place


_STAYS = ("lon", "lat", "accuracy", "area", "address", "when", "at", "from", "to")
"""What the next report of the same hand shares."""


def next_of_the_same(form: Mapping[str, str]) -> dict[str, str]:
    """The form for one more report of the same submission: same place and time, everything else anew."""
    kept = {name: form[name] for name in _STAYS if name in form}
    return kept | {"id": str(uuid4()), "submission": form["submission"], "count": "1", "confirmed": "1"}
