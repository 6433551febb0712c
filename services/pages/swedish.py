"""Numbers, days and times as people write them in Swedish (look guide §5)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")
_SPACE = "\N{NO-BREAK SPACE}"
_MONTHS = "januari februari mars april maj juni juli augusti september oktober november december".split()
_DAYS = "måndag tisdag onsdag torsdag fredag lördag söndag".split()


def whole(number: int) -> str:
    """1 234, with a no-break space and a real minus."""
    return f"{number:,}".replace(",", _SPACE).replace("-", "−")


def signed(number: int) -> str:
    """+10 or −3, and 0 as it is."""
    return f"+{whole(number)}" if number > 0 else whole(number)


def decimal(number: float, digits: int = 1) -> str:
    """4,2."""
    return f"{number:,.{digits}f}".replace(",", _SPACE).replace(".", ",").replace("-", "−")


def short_day(day: date) -> str:
    """19 nov."""
    return f"{day.day}{_SPACE}{_MONTHS[day.month - 1][:3]}"


def day_with_year(day: date) -> str:
    """19 november 2026."""
    return f"{day.day}{_SPACE}{_MONTHS[day.month - 1]}{_SPACE}{day.year}"


def full_day(day: date) -> str:
    """torsdag 19 november 2026."""
    return f"{_DAYS[day.weekday()]} {day_with_year(day)}"


def clock(moment: datetime) -> str:
    """kl. 07.10, Swedish time."""
    return f"kl.{_SPACE}{moment.astimezone(SWEDEN):%H.%M}"


def moment(at: datetime) -> str:
    """6 nov kl. 07.10."""
    local = at.astimezone(SWEDEN)
    return f"{short_day(local.date())} {clock(local)}"


def interval(start: datetime, end: datetime) -> str:
    """One moment, hours of one day (17 nov kl. 16–20) or days (13–16 nov)."""
    a, b = start.astimezone(SWEDEN), end.astimezone(SWEDEN)
    if a == b:
        return moment(a)
    if a.date() == b.date():
        return f"{moment(a)}–{b:%H.%M}"
    return f"{moment(a)}–{moment(b)}"


def week(day: date) -> str:
    """v. 47."""
    return f"v.{_SPACE}{day.isocalendar().week}"
