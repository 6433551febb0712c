"""A municipality's routing as data: a tree of rules, what holds back what, quiet hours, groups, the meeting.

A notice enters at the root and goes down into the first branch that matches it (and into those after it while a branch
says ``go_on``); where no branch matches, the node itself tells. What a branch leaves out it has from the node above,
as in Alertmanager's routing tree.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.values import Severity
from services.notify.domain.notices import Kind, Ruled

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
GroupName = Annotated[str, StringConstraints(pattern=r"^[a-zåäö0-9_-]{1,32}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
TypePrefix = Annotated[str, StringConstraints(pattern=r"^[A-G](\d{1,2}|-X\d{1,3})?$")]
NationalArea = Annotated[str, StringConstraints(pattern=r"^regso/[^/\s]{1,64}$")]
AreaName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}/[^/\s]{1,64}$")]
Role = Literal["analytiker", "est_medlem", "administrator"]
How = Literal["at_once", "daily", "weekly", "never"]
State = Literal["opened", "changed", "closed", "drafted", "adopted"]
KindAndState = Annotated[
    str, StringConstraints(pattern=rf"^({'|'.join(get_args(Kind))})(/({'|'.join(get_args(State))}))?$")
]
MOST_NODES, DEEPEST = 60, 4


def _on_the_wall(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day here is Swedish and has no zone")
    return value


Clock = Annotated[time, AfterValidator(_on_the_wall)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Data):
    """Which notices: every list that is not empty must hold the notice's value. Areas are ``layer/area``.

    ``kinds``: a kind in all its states, or ``kind/state`` for one of them.
    """

    kinds: tuple[KindAndState, ...] = ()
    states: tuple[State, ...] = ()
    areas: tuple[AreaName, ...] = ()
    types: tuple[TypePrefix, ...] = ()
    sources: tuple[Slug, ...] = ()
    min_severity: Severity | None = None


class To(_Data):
    """Whom: exactly one of these."""

    role: Role | None = None
    person: UUID | None = None
    organisation: UUID | None = None
    group: GroupName | None = None
    rota: Slug | None = None
    destination: UUID | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len([v for v in self.model_dump().values() if v is not None]) != 1:
            raise ValueError("a receiver is exactly one of role, person, organisation, group, rota, destination")
        return self


class Node(_Data):
    """One rule and its branches.

    ``wait_minutes``: how long a new alert gathers before anybody hears of it, never an urgent one;
    ``interval_minutes``: how far apart one receiver hears of the same alert; ``repeat_hours``: again while nobody has
    taken it, 0 for never; ``urgent``: also at night; ``answer_minutes``: who does not answer by then is followed by
    ``then``.
    """

    name: Slug
    label: Label
    match: Match = Match()
    to: tuple[To, ...] = Field(default=(), max_length=50)
    how: How | None = None
    urgent: bool | None = None
    wait_minutes: Annotated[int, Field(ge=0, le=240)] | None = None
    interval_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    repeat_hours: Annotated[int, Field(ge=0, le=168)] | None = None
    answer_minutes: Annotated[int, Field(ge=5, le=1440)] | None = None
    then: tuple[To, ...] = Field(default=(), max_length=10)
    go_on: bool = False
    routes: tuple["Node", ...] = ()


class Hold(_Data):
    """An open alert of ``by`` holds back notices of ``kind`` of the same area and type, up to a severity."""

    by: Kind
    kind: Kind
    up_to_severity: Severity = 3


class Quiet(_Data):
    """When nobody is told what is not urgent, in Swedish time; equal ends: never quiet."""

    begins: Clock = time(20)
    ends: Clock = time(7)


class Meeting(_Data):
    """When the group meets (Monday 0), every how many weeks, and how many hours before it the agenda goes out.

    ``counted_from``: a day in the week of their first meeting by this; other weeks are counted from it.
    """

    weekday: Annotated[int, Field(ge=0, le=6)] = 4
    at: Clock = time(9)
    hours_before: Annotated[int, Field(ge=0, le=96)] = 2
    weeks: Annotated[int, Field(ge=1, le=4)] = 1
    counted_from: date = date(2024, 1, 1)

    @property
    def begins(self) -> date:
        """The Monday of the first week in which they meet."""
        return _monday(self.counted_from)

    def is_on(self, day: date) -> bool:
        """Whether they meet on this day."""
        apart = (_monday(day) - self.begins).days // 7
        return day.weekday() == self.weekday and day >= self.begins and apart % self.weeks == 0


class Interest(_Data):
    """What of the agenda concerns a department; an empty list means all. Its lines lie in national areas alone."""

    types: tuple[TypePrefix, ...] = ()
    areas: tuple[NationalArea, ...] = ()

    def concerns(self, kind: str | None, area: str | None) -> bool:
        """Whether a line about this type (or group) and national area does; what is about all of them does."""
        by_type = not self.types or not kind or any(t in {kind, kind[0]} or t[0] == kind for t in self.types)
        return by_type and (not self.areas or not area or f"regso/{area}" in self.areas)


class Plan(_Data):
    """Everything that decides who is told what, when."""

    root: Node
    holds: tuple[Hold, ...] = ()
    quiet: Quiet = Quiet()
    meeting: Meeting = Meeting()
    groups: dict[GroupName, tuple[UUID, ...]] = Field(default={}, max_length=100)
    extracts: dict[UUID, Interest] = Field(default={}, max_length=200)
    """Organisation or place outside → what of the agenda it gets; who writes the lägesbild gets all of it."""
    messages_per_hour: Annotated[int, Field(ge=1, le=1000)] | None = None
    """None: as the operator has set."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [node.name for node, _ in nodes(self.root)]
        if len(names) != len(set(names)):
            raise ValueError("every rule needs a name of its own")
        if len(names) > MOST_NODES or any(depth > DEEPEST for _, depth in nodes(self.root)):
            raise PydanticCustomError("too_many", f"at most {MOST_NODES} rules, {DEEPEST} deep")
        if not self.root.to:
            raise PydanticCustomError("needs_receiver", "the outermost rule must say who is told when no other does")
        unknown = {t.group for n, _ in nodes(self.root) for t in (*n.to, *n.then) if t.group} - set(self.groups)
        if unknown:
            raise ValueError(f"there is no group {min(unknown)}")
        return self


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def nodes(root: Node, depth: int = 1) -> Iterator[tuple[Node, int]]:
    """(node, depth) of the tree, outermost first, in the order in which they are looked at."""
    yield root, depth
    for branch in root.routes:
        yield from nodes(branch, depth + 1)


def unruled(plan: Plan) -> set[str]:
    """Kinds that the plan's rules and holds name and no rule decides about: they would do nothing."""
    named = {k.partition("/")[0] for node, _ in nodes(plan.root) for k in node.match.kinds}
    return (named | {k for h in plan.holds for k in (h.by, h.kind)}) - set(get_args(Ruled))


def in_order(root: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """(node, the nodes that it lies in, outermost first) in the order in which they tell: a branch before its node."""
    for branch in root.routes:
        yield from in_order(branch, (*above, root))
    yield root, above


_ANALYST, _MEMBER = To(role="analytiker"), To(role="est_medlem")
DEFAULT = Plan(
    root=Node(name="ovrigt", label="Övrigt", to=(_ANALYST,), how="daily", urgent=False, interval_minutes=30, routes=(
        Node(name="allvarlig", label="Mycket allvarlig enskild rapport", match=Match(kinds=("report",), min_severity=4),
             to=(_ANALYST,), how="at_once", urgent=True, answer_minutes=60, then=(_MEMBER,)),
        Node(name="rapporter", label="Andra rapporter", match=Match(kinds=("report",)), how="never"),
        Node(name="signal", label="Ny signal", match=Match(kinds=("case",), states=("opened",)),
             to=(_ANALYST, _MEMBER), how="at_once"),
        Node(name="dagordning", label="Dagordning före mötet", match=Match(kinds=("agenda",)),
             to=(_ANALYST, _MEMBER), how="at_once"),
        Node(name="signaler", label="Signal som fortsätter eller är över", match=Match(kinds=("case",)),
             to=(_ANALYST,), how="daily"),
        Node(name="tyst", label="Källa som tystnat", match=Match(kinds=("silent_source",)), how="daily"),
        Node(name="utkast", label="Utkast till lägesbild", match=Match(kinds=("lagesbild",), states=("drafted",)),
             how="at_once"),
        Node(name="faststalld", label="Fastställd lägesbild", match=Match(kinds=("lagesbild",), states=("adopted",)),
             to=(_ANALYST, _MEMBER), how="at_once"),
    )),
    holds=(Hold(by="case", kind="report"),),
    meeting=Meeting(weeks=2),
)  # fmt: skip
"""What a municipality has on its first day: at once what is serious, new or adopted; the rest at seven, or never.

They meet every other Friday: the day after the cut-off of a municipality that has chosen no other.
"""
