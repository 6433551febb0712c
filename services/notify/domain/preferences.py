"""How one person wants to be told: which way first, and which hours are theirs."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from services.notify.domain.plan import Quiet
from services.pages.texts import LANGUAGE, Language

Way = Literal["mail", "sms", "push"]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{7,14}$")]


class Preferences(BaseModel):
    """``usual`` and ``urgent``: the way for each; the others are tried in turn where that one cannot.

    ``quiet`` None: the municipality's hours. ``agenda``: the agenda before the
    meeting. ``off``: nothing but what is urgent. ``feedback``: word of what
    became of one's own reports, once per adopted lägesbild, or ``each`` when it has its place too.
    ``language``: what messages are written in; the pages that they lead to are in Swedish.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    usual: Way = "mail"
    urgent: Way = "mail"
    phone: Phone | None = None
    quiet: Quiet | None = None
    agenda: bool = True
    off: bool = False
    feedback: Literal["digest", "each", "none"] = "digest"
    language: Language = LANGUAGE

    def wants(self, *, agenda: bool, urgent: bool) -> bool:
        """Whether they want to be told of this at all."""
        return (self.agenda and not self.off) if agenda else (urgent or not self.off)

    def still(self, kind: str, *, urgent: bool) -> bool:
        """Whether a message of this kind that waits is still wanted; a test and a code were asked for."""
        if kind == "feedback":
            return not self.off and self.feedback != "none"
        return kind in {"test", "code"} or self.wants(agenda=kind == "agenda", urgent=urgent)

    def ways(self, *, urgent: bool, devices: bool = False) -> tuple[Way, ...]:
        """The ways to try in order; SMS only where there is a number, notifications where there are ``devices``."""
        there = {"mail": True, "push": devices, "sms": self.phone is not None}
        first: Way = self.urgent if urgent else self.usual
        order: tuple[Way, ...] = (first, "mail", "push", "sms")
        return tuple(dict.fromkeys(w for w in order if there[w]))
