"""What lasts in the invented town, and what is coming: its reports with broken lamps that are mended, and a calendar.

Beside ``town``, which draws what happens: states and the calendar are in no number that hidden changes are sought in.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from math import log
from typing import Any

from deploy.local.town import ORGANISATIONS, SPOTS, Told, Town

LASTS = timedelta(days=9)
"""How long a state stands, in the mean; exponential."""
SHORTEST = timedelta(hours=6)
CALENDAR = (("F1", 0, 17, 5), ("F2", 7, 14, 3), ("F4", 8, 7, 9), ("F1", 3, 10, 6))
"""What comes in turn: type, spot, hour it begins, hours it lasts."""
EVERY, KNOWN_BEFORE = timedelta(days=6), timedelta(days=20)


def lived(town: Town) -> list[Told]:
    """Everything that was handed in, with what states and the calendar add, in the order of its arrival."""
    found = [*_states(town), *_calendar(town)]
    return sorted(found, key=lambda t: (t.arrives, t.body["id"], t.body["source_version"]))


def _states(town: Town) -> Iterator[Told]:
    """The town's reports; what lasts goes on until a last version says that it is over."""
    newest: dict[str, Told] = {}
    for told in town.told():
        if told.body["event_type"][0] != "E":
            yield told
            continue
        going = replace(told, body=told.body | {"ongoing": True})
        newest[told.body["id"]] = going
        yield going
    for going in newest.values():
        began = datetime.fromisoformat(going.body["time_to"])
        over = max(began + SHORTEST, going.arrives + timedelta(minutes=1)) - log(_chance(going.body["id"])) * LASTS
        if over < town.now and not going.body.get("withdrawn"):
            end: dict[str, Any] = {"source_version": 3, "ongoing": False, "time_to": over.isoformat()}
            yield replace(going, arrives=over, body=going.body | end)


def _calendar(town: Town) -> Iterator[Told]:
    """One thing after another, known some weeks before; the last ones are still to come."""
    sender = next(r for r in town.reporters if r.organisation == ORGANISATIONS[-1])
    at = town.now - timedelta(days=180)
    while at < town.now + KNOWN_BEFORE:
        number = (at - town.now) // EVERY
        code, spot, begins, hours = CALENDAR[number % len(CALENDAR)]
        start = at.replace(hour=begins)
        arrives = min(start - KNOWN_BEFORE, town.now - timedelta(hours=1))
        place = {"x": SPOTS[spot].lon, "y": SPOTS[spot].lat, "accuracy_m": 50}
        body = {
            "id": f"town-{town.seed}-kalender-{number}",
            "source_version": 1,
            "event_type": code,
            "time_from": start.isoformat(),
            "time_to": (start + timedelta(hours=hours)).isoformat(),
            "place": {"coordinates": place},
        }
        yield Told(sender.number, arrives, body, 0, spot)
        at += EVERY


def _chance(name: str) -> float:
    """Above 0 and at most 1, the same for the same name."""
    return (int.from_bytes(blake2b(name.encode(), digest_size=6).digest()) + 1) / 2**48
