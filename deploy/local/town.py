"""An invented town's three years: who reports, what happens where and when, and what is hidden in it.

Pure and seeded: the same seed is the same history. Places gather, evenings and weekends are heavier, summer has its
gatherings and winter its dark lamps; reporters begin, stop and go on holiday; reports come late, are corrected, and
some events are told by two. ``Change`` is what somebody who looks should find; the growth of reporters is what they
should not be fooled by.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

WEEKS = 156
PER_WEEK = 42.0
"""Reports of events in a usual week with all reporters at work."""


class Spot(NamedTuple):
    """Where things happen: a point on the real map, its weight, and what is usual there beyond the town's mix."""

    lon: float
    lat: float
    weight: float
    kinds: str = ""


SPOTS = (
    Spot(14.6968, 57.6533, 8, "AB"), Spot(14.6935, 57.6553, 5, "A"), Spot(14.7055, 57.6517, 3, "C"),
    Spot(14.6870, 57.6478, 3, "B"), Spot(14.6812, 57.6604, 3, "E"), Spot(14.7102, 57.6580, 2, "D"),
    Spot(14.7010, 57.6610, 2, "B"), Spot(14.4690, 57.7020, 2, "D"), Spot(14.4800, 57.4900, 2, "C"),
    Spot(14.7900, 57.7100, 1, "E"), Spot(14.8300, 57.5900, 1), Spot(14.6990, 57.6500, 3, "AE"),
)  # fmt: skip
KINDS = {
    "A1": (9, 0.0, "night"), "A2": (3, 0.0, "night"), "A3": (1, 0.0, "night"), "A5": (2, 0.1, "night"),
    "B1": (6, 0.4, "evening"), "B2": (3, -0.2, "evening"), "B5": (2, 0.3, "evening"), "C1": (1, 0.2, "night"),
    "C4": (3, 0.2, "evening"), "C5": (3, 0.3, "evening"), "C10": (3, 0.0, "evening"), "D1": (2, 0.2, "day"),
    "D2": (4, 0.5, "evening"), "E1": (3, 0.0, "day"), "E2": (1, 0.0, "day"), "E3": (4, -0.6, "evening"),
    "E7": (2, 0.1, "day"),
}  # fmt: skip
"""Type → how usual, how much summer (positive) or winter it is, when in the day."""
_HOURS = {
    "day": [1] * 7 + [5] * 10 + [2] * 7,
    "evening": [1] * 9 + [2] * 6 + [6] * 7 + [3] * 2,
    "night": [3] * 5 + [1] * 12 + [4] * 7,
}
ORGANISATIONS = ("Exempelbostäder AB", "Påhittade Väktarbolaget", "Exempelskolan", "Nässjö kommun")
SYSTEMS = (
    ("Exempelbostäders felanmälan", "Exempelbostäder AB", "fastighetsbolag", 0.25),
    ("Kommunens felanmälan", "Nässjö kommun", "felanmalan", 0.12),
)
"""Name, organisation, source, share of the reports; reporters hand in the rest."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Somebody who is appointed: weeks from and to (None = still), and how eager they are."""

    number: int
    organisation: str
    since: int
    until: int | None
    eager: float

    def at_work(self, week: int) -> bool:
        """Appointed in this week."""
        return self.since <= week and (self.until is None or week < self.until)


@dataclass(frozen=True, slots=True)
class Change:
    """So many times as much of some kind (a group's letter) at one spot, from one week for some weeks."""

    spot: int
    kind: str
    times: float
    since: int
    weeks: int

    def holds(self, spot: int, code: str, week: int) -> bool:
        """Whether an event is one of those that become more."""
        return spot == self.spot and code[0] == self.kind and self.since <= week < self.since + self.weeks


@dataclass(frozen=True, slots=True)
class Told:
    """One report as it is handed in: by a reporter (their number) or a system (−1, −2), and when it arrives."""

    sender: int
    arrives: datetime
    body: dict[str, Any]
    week: int
    spot: int


@dataclass(frozen=True, slots=True)
class Town:
    """The history that ends at ``now`` (the start of an hour)."""

    now: datetime
    seed: int = 682
    changes: Sequence[Change] = (Change(0, "A", 2.6, WEEKS - 5, 5), Change(7, "D", 4.0, 96, 6))
    reporters: Sequence[Reporter] = field(default_factory=lambda: crew(682))

    def told(self) -> list[Told]:
        """Everything that was handed in, in the order of its arrival; nothing arrives after now."""
        dice = np.random.default_rng(self.seed)
        found = [one for week in range(WEEKS) for one in self._week(dice, week)]
        return sorted((t for t in found if t.arrives < self.now), key=lambda t: (t.arrives, t.body["id"]))

    def _week(self, dice: np.random.Generator, week: int) -> Iterator[Told]:
        crew_now = [r for r in self.reporters if r.at_work(week)]
        everybody = sum(r.eager for r in self.reporters[:16])
        holiday = 0.45 if self._month(week) == 7 else 1.0
        eyes = holiday * sum(r.eager for r in crew_now) / everybody
        for spot, place in enumerate(SPOTS):
            for code, (usual, summer, _) in KINDS.items():
                mean = PER_WEEK * _share(place, code) * usual / _ALL * self._season(week, summer)
                mean *= math.prod(c.times for c in self.changes if c.holds(spot, code, week))
                for source, weight in self._sources(eyes):
                    for k in range(int(dice.poisson(mean * weight))):
                        yield from self._events(dice, (week, spot, code, source, k), crew_now)
        for reporter in crew_now:
            if dice.random() < 0.45 * holiday:
                yield self._zero(dice, week, reporter)

    @staticmethod
    def _sources(eyes: float) -> list[tuple[int, float]]:
        of_systems = sum(share for *_, share in SYSTEMS)
        return [(0, (1 - of_systems) * eyes), *((-1 - i, share) for i, (*_, share) in enumerate(SYSTEMS))]

    def _start(self, week: int) -> datetime:
        return self.now - timedelta(weeks=WEEKS - week)

    def _month(self, week: int) -> int:
        return (self._start(week) + timedelta(days=3)).month

    def _season(self, week: int, summer: float) -> float:
        return 1 + summer * math.sin(2 * math.pi * ((self._start(week).timetuple().tm_yday - 105) / 365.25))

    def _events(
        self, dice: np.random.Generator, what: tuple[int, int, str, int, int], crew_now: Sequence[Reporter]
    ) -> Iterator[Told]:
        week, spot, code, source, k = what
        sender = source if source < 0 else _chosen(dice, crew_now)
        if sender is None:
            return
        moment = self._moment(dice, week, KINDS[code][2])
        one = self._report(dice, (week, spot, code, sender, k), moment)
        yield one
        if dice.random() < 0.04 and source == 0:  # a fault report of the same event, from where somebody else stood
            yield self._report(dice, (week, spot, code, -2, 50 + k), moment + timedelta(minutes=20))
        if dice.random() < 0.03:
            late = one.arrives + timedelta(days=float(dice.integers(1, 15)))
            withdrawn = {"withdrawn": True} if dice.random() < 0.3 else {"count": 2}
            yield Told(one.sender, late, one.body | {"source_version": 2} | withdrawn, week, spot)

    def _moment(self, dice: np.random.Generator, week: int, when: str) -> datetime:
        day = int(dice.choice(7, p=np.array([3, 3, 3, 3, 5, 6, 4]) / 27))
        hours = np.array(_HOURS[when], float)
        start = self._start(week) + timedelta(days=day)
        hour = int(dice.choice(24, p=hours / hours.sum()))
        return start.replace(hour=hour, minute=int(dice.integers(60)), second=0, microsecond=0)

    def _report(self, dice: np.random.Generator, what: tuple[int, int, str, int, int], moment: datetime) -> Told:
        week, spot, code, sender, k = what
        place = SPOTS[spot]
        width = timedelta(hours=int(dice.choice([0, 0, 0, 10, 60])) if code[0] == "A" else 0)
        late = timedelta(days=float(dice.choice([0.02, 1.0, 3.0, 9.0, 21.0], p=[0.7, 0.14, 0.08, 0.05, 0.03])))
        body = {
            "id": f"town-{self.seed}-{week}-{spot}-{code}-{sender}-{k}",
            "source_version": 1,
            "event_type": code,
            "time_from": (moment - width).isoformat(),
            "time_to": moment.isoformat(),
            "place": {
                "coordinates": {
                    "x": round(place.lon + float(dice.normal(0, 0.0022)), 5),
                    "y": round(place.lat + float(dice.normal(0, 0.0012)), 5),
                    "accuracy_m": int(dice.choice([8, 12, 20, 35])),
                }
            },
            "confirmed": bool(dice.random() < 0.7),
            "count": int(dice.choice([1, 1, 1, 2, 3])),
        }
        return Told(sender, moment + late + timedelta(minutes=30), body, week, spot)

    def _zero(self, dice: np.random.Generator, week: int, reporter: Reporter) -> Told:
        moment = self._moment(dice, week, "day")
        body = {
            "id": f"town-{self.seed}-{week}-lugnt-{reporter.number}",
            "source_version": 1,
            "event_type": "G1",
            "time_from": moment.isoformat(),
            "time_to": moment.isoformat(),
            "place": {"coordinates": {"x": SPOTS[0].lon, "y": SPOTS[0].lat, "accuracy_m": 50}},
        }
        return Told(reporter.number, moment + timedelta(minutes=10), body, week, 0)


def _share(place: Spot, code: str) -> float:
    """The spot's part of a kind: three times its weight where the kind is usual there."""

    def weight(one: Spot) -> float:
        return one.weight * (3 if code[0] in one.kinds else 1)

    return weight(place) / sum(weight(s) for s in SPOTS)


_ALL = sum(usual for usual, _, _ in KINDS.values())


def _chosen(dice: np.random.Generator, crew_now: Sequence[Reporter]) -> int | None:
    if not crew_now:
        return None
    eager = np.array([r.eager for r in crew_now])
    return crew_now[int(dice.choice(len(crew_now), p=eager / eager.sum()))].number


def crew(seed: int, joining: int = 8) -> list[Reporter]:
    """Sixteen who begin, two of whom stop; later a whole organisation joins, which makes reports more, not events."""
    dice = np.random.default_rng(seed + 1)
    eager = dice.gamma(2.0, 0.5, 16 + joining) + 0.2
    first = [Reporter(i, ORGANISATIONS[i % 4], 0, 70 if i in {5, 9} else None, float(eager[i])) for i in range(16)]
    later = [Reporter(16 + i, ORGANISATIONS[0], 120 + i // 4, None, float(eager[16 + i])) for i in range(joining)]
    return [*first, *later]


def hidden(seed: int, count: int = 3) -> list[Change]:
    """Changes for a test that nothing was tuned on: other spots, kinds and weeks for every seed."""
    dice = np.random.default_rng(seed + 7_000)
    found = []
    for k in range(count):
        since = 112 + 13 * k + int(dice.integers(0, 4))
        spot = int(dice.integers(0, len(SPOTS)))
        kind = str(dice.choice(list("ABCDE")))
        found.append(Change(spot, kind, float(dice.choice([3.0, 4.0, 6.0])), since, 5))
    return found


def extra(change: Change) -> float:
    """Reports a week that a change adds, with all reporters at work and in a middling season."""
    usual = sum(
        _share(SPOTS[change.spot], code) * weight for code, (weight, *_) in KINDS.items() if code[0] == change.kind
    )
    return PER_WEEK * usual / _ALL * (change.times - 1)


def hour(moment: datetime) -> datetime:
    """The start of the hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
