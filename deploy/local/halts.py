"""Why a process stopped on purpose: the last halt in its log, for the supervisor's line and ``lagesbild status``."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

RECENT = timedelta(minutes=3)
"""A process that halts again and again is started at least this often: back-off and one attempt."""
_TAIL = 262_144


@dataclass(frozen=True, slots=True)
class LastHalt:
    """When a process halted, and the sentence that the runbook explains."""

    at: datetime
    reason: str


def last_halt(log: Path) -> LastHalt | None:
    """The newest halt in the last 256 kB of a process' log; None when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        if '"event": "halt"' in line:
            try:
                said = json.loads(line)
                return LastHalt(datetime.fromisoformat(said["timestamp"]), str(said["reason"]))
            except (ValueError, KeyError):
                return None  # the line was cut off
    return None


def recent_halts(data: Path, now: datetime | None = None) -> Iterator[str]:
    """A sentence for each process of the instance in ``data`` that halted in the last minutes."""
    for log in sorted((data / "logs").glob("*-*.log")):
        halt = last_halt(log)
        if halt is not None and halt.at > (now or datetime.now(UTC)) - RECENT:
            yield f"{log.stem.replace('-', ' ')} halted at {halt.at:%H:%M:%S} UTC: {halt.reason}"
