"""Duty rotas out of calendars."""

from datetime import UTC, datetime

import pytest

from services.notify.domain.rota import shifts_in

FIRST, LAST = datetime(2026, 10, 19, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)


def calendar(*events: str) -> bytes:
    body = "".join(
        f"BEGIN:VEVENT\r\nUID:{i}\r\nDTSTAMP:20260101T000000Z\r\n{e}\r\nEND:VEVENT\r\n" for i, e in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n{body}END:VCALENDAR\r\n".encode()


def test_a_shift_that_repeats_every_week_keeps_its_hours_when_the_clock_changes() -> None:
    weekly = (
        "DTSTART;TZID=Europe/Stockholm:20260106T180000\r\nDTEND;TZID=Europe/Stockholm:20260107T060000\r\n"
        "RRULE:FREQ=WEEKLY\r\nATTENDEE:MAILTO:Jour@Exempel.invalid"
    )
    found = shifts_in(calendar(weekly), FIRST, LAST)
    assert [(s.begins, s.mail) for s in found] == [
        (datetime(2026, 10, 20, 16, tzinfo=UTC), "jour@exempel.invalid"),
        (datetime(2026, 10, 27, 17, tzinfo=UTC), "jour@exempel.invalid"),
        (datetime(2026, 11, 3, 17, tzinfo=UTC), "jour@exempel.invalid"),
    ]


def test_whole_days_several_people_an_organizer_alone_and_what_was_called_off() -> None:
    found = shifts_in(
        calendar(
            "DTSTART;VALUE=DATE:20261020\r\nDTEND;VALUE=DATE:20261021\r\nATTENDEE:mailto:b@x.se\r\nATTENDEE:mailto:a@x.se",
            "DTSTART:20261022T080000Z\r\nDTEND:20261022T160000Z\r\nORGANIZER:mailto:c@x.se",
            "DTSTART:20261023T080000Z\r\nDTEND:20261023T160000Z\r\nSTATUS:CANCELLED\r\nATTENDEE:mailto:a@x.se",
            "DTSTART:20261024T080000Z\r\nDTEND:20261024T160000Z",
        ),
        FIRST,
        LAST,
    )
    assert [(s.begins.day, s.begins.hour, s.mail) for s in found] == [
        (19, 22, "a@x.se"),
        (19, 22, "b@x.se"),
        (22, 8, "c@x.se"),
    ]


@pytest.mark.parametrize("content", [b"", b"<html>log in</html>", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT"])
def test_what_is_no_calendar_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - icalendar's own kinds are ValueErrors
        shifts_in(content, FIRST, LAST)
