"""Numbers, days and times as people write them, in the language that is spoken (look guide §5): Swedish by itself."""

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from services.pages.texts import catalogue, spoken, text

SWEDEN = ZoneInfo("Europe/Stockholm")
_SPACE = "\N{NO-BREAK SPACE}"


@cache
def _words(language: str, key: str) -> tuple[str, ...]:
    return tuple(catalogue(language)[key].split())


def _grouped(number: str) -> str:
    """Digits as Python writes them (1,234.5) with the language's own marks, and a real minus."""
    known = catalogue(spoken())
    marks = str.maketrans({",": known["dates.thousand"], ".": known["dates.decimal"], "-": "−"})
    return number.translate(marks)


def whole(number: int) -> str:
    """1 234, with a no-break space and a real minus."""
    return _grouped(f"{number:,}")


def signed(number: int) -> str:
    """+10 or −3, and 0 as it is."""
    return f"+{whole(number)}" if number > 0 else whole(number)


def decimal(number: float, digits: int = 1) -> str:
    """4,2."""
    return _grouped(f"{number:,.{digits}f}")


def short_day(day: date) -> str:
    """19 nov."""
    return f"{day.day}{_SPACE}{_words(spoken(), 'dates.months')[day.month - 1][:3]}"


def day_with_year(day: date) -> str:
    """19 november 2026."""
    return f"{day.day}{_SPACE}{_words(spoken(), 'dates.months')[day.month - 1]}{_SPACE}{day.year}"


def full_day(day: date) -> str:
    """torsdag 19 november 2026."""
    return f"{_words(spoken(), 'dates.days')[day.weekday()]} {day_with_year(day)}"


def time(at: datetime) -> str:
    """07.10, Swedish time."""
    local = at.astimezone(SWEDEN)
    return text("dates.time", hours=f"{local:%H}", minutes=f"{local:%M}")


def clock(moment: datetime) -> str:
    """kl. 07.10, Swedish time."""
    return text("dates.clock", time=time(moment))


def moment(at: datetime) -> str:
    """6 nov kl. 07.10."""
    return f"{short_day(at.astimezone(SWEDEN).date())} {clock(at)}"


def interval(start: datetime, end: datetime) -> str:
    """One moment, hours of one day (17 nov kl. 16–20) or days (13–16 nov)."""
    a, b = start.astimezone(SWEDEN), end.astimezone(SWEDEN)
    if a == b:
        return moment(a)
    if a.date() == b.date():
        return f"{moment(a)}–{time(b)}"
    return f"{moment(a)}–{moment(b)}"


def week(day: date) -> str:
    """v. 47."""
    return text("dates.week", week=day.isocalendar().week)
