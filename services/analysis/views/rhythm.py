"""The rhythm: municipality × week × area set × type × hour of the week → reports (aoristic).

A report whose time is an interval is spread over the hours of the week in proportion to the overlap (Ratcliffe 2000;
statistics reference §4.16), longer than seven days is cut to seven: then every hour of the week has the same share,
which is what such an interval says. Hours are those of the clock in Europe/Stockholm, so the night when the clock goes
forward has no hour 2, and the night when it goes back has two of them in one. The week is that of the start, so that a
week's hours sum to its reports in the cube.
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.analysis.views import MILLION, SWEDEN, View, Weight
from services.analysis.views.fact import Counted

LONGEST = timedelta(days=7)
HOUR = timedelta(hours=1)
_HOUR, _WEEK = 3_600_000_000, 168
"""Microseconds of an hour, hours of a week."""


class RhythmKey(NamedTuple):
    """One hour of one week; ``slot`` is 24 × weekday + hour, Monday 0."""

    kommun: str
    week: date
    area_set: int
    event_type: str
    slot: int


def _slot(moment: datetime) -> int:
    local = moment.astimezone(SWEDEN)
    return local.weekday() * 24 + local.hour


def overlaps(start: datetime, end: datetime) -> dict[int, int]:
    """Slot → microseconds of [start, end) in it; a moment is a single microsecond in its slot.

    Steps through UTC hours: Sweden's offsets are whole hours, so each of them is one hour of the clock. The clock is
    looked up for every hour only where it is changed in between.
    """
    if end <= start:
        return {_slot(start): 1}
    local = start.astimezone(SWEDEN)
    if local.utcoffset() == end.astimezone(SWEDEN).utcoffset():
        return _steady(local, end - start)
    found: dict[int, int] = {}
    at = start
    while at < end:
        following = min(end, at.replace(minute=0, second=0, microsecond=0) + HOUR)
        slot = _slot(at)
        found[slot] = found.get(slot, 0) + (following - at) // timedelta(microseconds=1)
        at = following
    return found


def _steady(local: datetime, length: timedelta) -> dict[int, int]:
    """The same where the clock is not changed: the first hour's rest, whole hours, the rest."""
    slot, left = 24 * local.weekday() + local.hour, length // timedelta(microseconds=1)
    piece = _HOUR - 1_000_000 * (60 * local.minute + local.second) - local.microsecond
    found: dict[int, int] = {}
    while left > 0:
        piece = min(piece, left)
        found[slot] = found.get(slot, 0) + piece
        left -= piece
        slot, piece = (slot + 1) % _WEEK, _HOUR
    return found


def apportion(total: int, parts: dict[int, int]) -> dict[int, int]:
    """``total`` over the parts in proportion, by largest remainder; ties to the lower slot. Sums exactly."""
    if len(parts) == 1:
        return dict.fromkeys(parts, total)
    whole = sum(parts.values())
    shares = {slot: total * part // whole for slot, part in parts.items()}
    left = total - sum(shares.values())
    for slot in sorted(parts, key=lambda s: (-(total * parts[s] % whole), s))[:left]:
        shares[slot] += 1
    return {slot: share for slot, share in shares.items() if share}


def contributions(fact: Counted) -> dict[RhythmKey, Weight]:
    """One million per report, over the hours by overlap."""
    areas = fact.areas.number
    if fact.time_to <= fact.time_from:
        key = RhythmKey(fact.kommun, fact.week, areas, fact.event_type, _slot(fact.time_from))
        return {key: fact.weight}
    hours = overlaps(fact.time_from, min(fact.time_to, fact.time_from + LONGEST))
    count = fact.weight.seen // MILLION
    return {
        RhythmKey(fact.kommun, fact.week, areas, fact.event_type, slot): Weight(share, share * count)
        for slot, share in apportion(MILLION, hours).items()
    }


RHYTHM = View("rhythm", RhythmKey, contributions)
