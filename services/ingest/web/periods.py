"""Appointments as days in Sweden: how they are shown and how they are read back from a form."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from services.ingest.store.appointments import Appointment
from services.pages import writing


def shown(one: Appointment, names: dict[str, str]) -> dict[str, Any]:
    """An appointment for the page; ``names``: area code → name."""
    local, last = days(one)
    return {
        "id": str(one.appointment_id),
        "organisation": str(one.organisation_id),
        "since": local,
        "until": last,
        "since_text": writing.day_with_year(local),
        "until_text": None if last is None else writing.day_with_year(last),
        "trained": one.trained,
        "chosen": one.areas,
        "areas": ", ".join(names.get(a, a) for a in one.areas),
        "over": one.until is not None and one.until <= datetime.now(UTC),
    }


def times(first: date, last: date | None, before: Appointment | None) -> tuple[datetime, datetime | None]:
    """The days as moments; a day that was not changed stays the moment that it was, within the day."""
    since, until = _midnight(first), None if last is None else _midnight(last + timedelta(days=1))
    if before is not None:
        known_first, known_last = days(before)
        since = before.since if known_first == first else since
        until = before.until if known_last == last else until
    return since, until


def days(one: Appointment) -> tuple[date, date | None]:
    """The first and the last day of an appointment, in Sweden."""
    last = None if one.until is None else (one.until - timedelta(seconds=1)).astimezone(writing.SWEDEN).date()
    return one.since.astimezone(writing.SWEDEN).date(), last


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), writing.SWEDEN).astimezone(UTC)


def last_day(until: datetime) -> str:
    """The last day of an appointment that ends at this moment, in words."""
    return writing.day_with_year((until - timedelta(seconds=1)).astimezone(writing.SWEDEN).date())
