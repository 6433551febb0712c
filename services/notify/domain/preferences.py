"""How one person wants to be told: which way first, and which hours are theirs."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from services.notify.domain.plan import Quiet

Way = Literal["mail", "sms"]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{7,14}$")]


class Preferences(BaseModel):
    """``usual`` and ``urgent``: the way for each; mail is tried where SMS cannot, and the other way round.

    ``quiet`` None: the municipality's hours. ``agenda``: the weekly agenda before the
    meeting. ``off``: nothing but what is urgent. ``feedback``: word of what
    became of one's own reports, once per adopted lägesbild.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    usual: Way = "mail"
    urgent: Way = "mail"
    phone: Phone | None = None
    quiet: Quiet | None = None
    agenda: bool = True
    off: bool = False
    feedback: Literal["digest", "none"] = "digest"

    def wants(self, *, agenda: bool, urgent: bool) -> bool:
        """Whether they want to be told of this at all."""
        return (self.agenda and not self.off) if agenda else (urgent or not self.off)

    def still(self, kind: str, *, urgent: bool) -> bool:
        """Whether a message of this kind that waits is still wanted; a test was asked for."""
        if kind == "feedback":
            return not self.off and self.feedback != "none"
        return kind == "test" or self.wants(agenda=kind == "agenda", urgent=urgent)

    def ways(self, *, urgent: bool) -> tuple[Way, ...]:
        """The ways to try in order; SMS only where there is a number."""
        first: Way = self.urgent if urgent else self.usual
        other: Way = "sms" if first == "mail" else "mail"
        return tuple(w for w in (first, other) if w == "mail" or self.phone is not None)
