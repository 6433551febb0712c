"""A duty rota out of an iCalendar file: who is on duty when, repeated shifts laid out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import icalendar
import recurring_ical_events

from services.pages.writing import SWEDEN


@dataclass(frozen=True, slots=True)
class Shift:
    """One turn of duty, UTC; ``mail``: whose, in lower case."""

    begins: datetime
    ends: datetime
    mail: str


def shifts_in(calendar: bytes, first: datetime, last: datetime) -> list[Shift]:
    """The shifts that touch the span; ValueError when this is no calendar.

    Whose an event is: its attendees; where there are none, its organizer.
    """
    parsed = icalendar.Calendar.from_ical(calendar)
    found = []
    for event in recurring_ical_events.of(parsed).between(first, last):
        begins, ends = _moment(event["DTSTART"].dt), _moment(event["DTEND"].dt) if "DTEND" in event else None
        if str(event.get("STATUS", "")).upper() == "CANCELLED" or ends is None:
            continue
        found += [Shift(begins, ends, mail) for mail in sorted(set(_mails(event)))]
    return sorted(found, key=lambda s: (s.begins, s.mail))


def _moment(value: date | datetime) -> datetime:
    """A moment in UTC; a whole day begins at midnight in Sweden, and a time without a zone is Swedish."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), SWEDEN)
    return (value if value.tzinfo is not None else value.replace(tzinfo=SWEDEN)).astimezone(UTC)


def _mails(event: icalendar.Event) -> Iterator[str]:
    attendees = event.get("ATTENDEE", [])
    named = attendees if isinstance(attendees, list) else [attendees]
    for one in named or ([event["ORGANIZER"]] if "ORGANIZER" in event else []):
        if str(one.params.get("PARTSTAT", "")).upper() == "DECLINED":
            continue
        address = str(one)
        if address.lower().startswith("mailto:"):
            yield address[7:].strip().lower()
