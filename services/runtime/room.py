"""What a room hands to the plant room to be run: its HTTP side, its consumers and its standing jobs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from fastapi import APIRouter

from services.runtime.boundary import Consumer
from services.runtime.database import Database
from services.runtime.publisher import Publisher
from services.runtime.settings import RoomSettings
from services.runtime.tokens import Verifier


def release() -> str:
    """The version of the program that runs."""
    return version("lagesbild")


@dataclass(frozen=True, slots=True)
class Job:
    """Something that runs for as long as the process: a relay, a sender.

    Begun again after a transient failure; any other one halts the process.
    """

    name: str
    run: Callable[[Publisher], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Room:
    """One room, wired. ``serve`` uses the routers and needs only the database; ``work`` uses consumers and jobs."""

    name: str
    settings: RoomSettings
    database: Database
    verifier: Verifier
    routers: Sequence[APIRouter] = ()
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Job] = ()
    before_work: Callable[[], Awaitable[None]] | None = None
    """What must be true before consumers start, however long it takes; the process answers "starting" meanwhile."""
    warm: Callable[[], object] | None = None
    """What the first visitor should not wait for; it runs beside them in a thread when the room begins to serve."""
    state: dict[str, object] = field(default_factory=dict)
    max_body_bytes: int = 262_144
    title: str = ""
    answers_others: str = ""
    """Paths (a pattern) to which pages of other sites may send forms: those do nothing by a cookie that came along."""
