"""One protocol for every way in which a message leaves, and its receipt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from services.pages.texts import LANGUAGE, Language
from services.runtime.errors import Permanent


class Delayed(Exception):
    """Not taken now, perhaps later. ``seconds``: when the other side wants us back, where it says so.

    ``unsure``: it may have been taken all the same, so a repeat must be the same message. ``receiver``: the channel is
    well, this receiver's end is not (a full mailbox).
    """

    def __init__(
        self, reason: str, *, seconds: float | None = None, unsure: bool = False, receiver: bool = False
    ) -> None:
        super().__init__(reason)
        self.seconds, self.unsure, self.receiver = seconds, unsure, receiver


class Gone(Permanent):
    """The receiver has no end of this kind any more; ``ends``: those that are no more."""

    def __init__(self, ends: Sequence[UUID]) -> None:
        super().__init__("no_device", "the receiver's devices take nothing any more")
        self.ends = tuple(ends)


def wanted_back(headers: Mapping[str, str]) -> float | None:
    """Seconds after which the other side wants us back (Retry-After), where it says so in seconds."""
    given = headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Invitation:
    """To a meeting every so many ``weeks``. ``sequence`` grows with every change; the newest one is what holds."""

    uid: str
    sequence: int
    made: datetime
    begins: datetime
    weeks: int
    title: str
    said: str
    link: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is said, in every form that a channel may need; no personal data.

    ``ident`` is the same at every attempt; ``thread``: what earlier messages about the same began with. ``facts`` are
    (name, value); ``link`` is where to read on, ``stop`` an address that takes the receiver out by one POST;
    ``receipt_to`` where the other side says afterwards what became of it; ``language``: what it is written in.
    """

    ident: str
    subject: str
    title: str
    intro: str
    facts: tuple[tuple[str, str], ...]
    why: str
    link: str
    short: str
    text: str
    html: str = ""
    thread: str | None = None
    urgent: bool = False
    stop: str | None = None
    receipt_to: str | None = None
    invitation: Invitation | None = None
    language: Language = LANGUAGE
    data: Mapping[str, Any] = field(default_factory=dict)

    def in_lines(self, most_facts: int = 4) -> str:
        """What a screen with room for a few lines shows: what happened, and the first facts."""
        return "\n".join([self.intro, *(f"{name}: {value}" for name, value in self.facts[:most_facts])])


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side has taken responsibility. ``cost`` in 1/10 000 of a krona; ``gone``: devices that are no more."""

    provider_id: str | None = None
    cost: int | None = None
    gone: tuple[UUID, ...] = ()


class Channel(Protocol):
    """A way out. Raises Delayed, or Permanent when this message will never be taken."""

    name: str

    async def send(self, message: Message, address: str) -> Receipt:
        """Hand over one message."""
        ...
