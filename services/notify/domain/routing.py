"""Who is told about a notice, how and why: the tree of rules and what people follow, resolved to receivers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.notify.domain.notices import TOLD_ONE_BY_ONE, Notice
from services.notify.domain.plan import How, Match, Node, Plan, To

FOLLOWED = "foljer"
"""The rule's name where somebody is told because of what they follow themselves."""
REPORTED = "aterkoppling"
"""And where somebody is told because they reported."""
TESTED, INVITED = "prov", "kallelse"
"""What no rule tells: a test message, an invitation."""
APART = 30
"""Minutes between two messages of one alert where no rule says otherwise, and the most that an urgent rule has from
the rules above it."""
SHIPPED = frozenset({"regso", "kommun", "lan"})
"""geo's layers that every municipality has: RegSO's areas, which signals are about, and what they all lie in."""
_ORDER: dict[How, int] = {"at_once": 0, "daily": 1, "weekly": 2, "never": 3}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What somebody wants to be told: an area or the whole municipality, types by prefix, least severity."""

    kommun: str
    subscription_id: UUID
    person_id: UUID
    layer: str
    area: str | None
    types: tuple[str, ...]
    min_severity: int


@dataclass(frozen=True, slots=True)
class Policy:
    """How a rule tells, with what it has from the rules above it. ``path``: their labels, outermost first."""

    rule: str
    path: tuple[str, ...]
    to: tuple[To, ...]
    how: How
    urgent: bool = False
    wait_minutes: int = 0
    interval_minutes: int = APART
    repeat_hours: int | None = None
    answer_minutes: int | None = None
    then: tuple[To, ...] = ()
    local: bool = False
    """Only about areas and places of the municipality's own, which no signal is about."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A person, or a place where messages are put: a channel of a chat, another system."""

    kind: Literal["person", "destination"]
    ident: UUID


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may be told, as the door's directory says."""

    person_id: UUID
    roles: frozenset[str]
    organisation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Who may be told in a municipality, and who is on duty now by rota."""

    members: Mapping[UUID, Member] = field(default_factory=dict)
    on_duty: Mapping[str, frozenset[UUID]] = field(default_factory=dict)
    destinations: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """One receiver of a notice, by the policy that reaches them first; ``every``: all that name them, that one first.

    What any of them asks for besides the telling (an answer, a reminder) is asked for.
    """

    receiver: Receiver
    every: tuple[Policy, ...]

    @property
    def policy(self) -> Policy:
        """The one by which they are told."""
        return self.every[0]

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of all."""
        return tuple(p.rule for p in self.every)

    @property
    def repeat_hours(self) -> int | None:
        """The soonest reminder that any of them asks for."""
        return min((p.repeat_hours for p in self.every if p.repeat_hours is not None), default=None)


class Followers:
    """The subscriptions of one municipality by area, so that a notice looks only at those that can match it."""

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._everywhere: list[Subscription] = []
        self._by_area: dict[tuple[str, str], list[Subscription]] = defaultdict(list)
        for one in subscriptions:
            (self._everywhere if one.area is None else self._by_area[one.layer, one.area]).append(one)

    def of(self, notice: Notice) -> Iterator[Subscription]:
        """Those who follow what the notice is about: reports, and cases of their types and areas."""
        if notice.kind not in {"report", "case"}:
            return
        for group in (self._everywhere, *(self._by_area[a] for a in sorted(notice.areas) if a in self._by_area)):
            yield from (s for s in group if follows(s, notice))


def follows(subscription: Subscription, notice: Notice) -> bool:
    """Whether the notice is what the subscription asks for. A case has no severity: it is more than one report."""
    if notice.kommun != subscription.kommun or notice.kind not in {"report", "case"}:
        return False
    if notice.kind == "case" and notice.state == "changed":
        return False
    if notice.severity is not None and notice.severity < subscription.min_severity:
        return False
    if subscription.types and not any(of_type(notice.event_type, wanted) for wanted in subscription.types):
        return False
    return subscription.area is None or (subscription.layer, subscription.area) in notice.areas


def of_type(code: str | None, wanted: str) -> bool:
    """``A`` means its whole group, ``A1`` that type alone."""
    return code is not None and (code == wanted or (len(wanted) == 1 and code.startswith(wanted)))


def matches(match: Match, notice: Notice) -> bool:
    """Whether a rule is about this notice."""
    if match.kinds and not {notice.kind, f"{notice.kind}/{notice.state}"} & set(match.kinds):
        return False
    if match.states and notice.state not in match.states:
        return False
    if match.min_severity is not None and (notice.severity is None or notice.severity < match.min_severity):
        return False
    if match.sources and notice.source not in match.sources:
        return False
    if match.types and not any(of_type(notice.event_type, wanted) for wanted in match.types):
        return False
    return not match.areas or any(f"{layer}/{area}" in match.areas for layer, area in notice.areas)


def policies(plan: Plan, notice: Notice) -> list[Policy]:
    """The rules that tell of this notice, in the tree's order."""
    return [p for p in _down(plan.root, policy_of(plan.root, ()), notice) if p.how != "never"]


def silent(plan: Plan, notice: Notice) -> list[Policy]:
    """The rules that are about this notice and say that nobody is told."""
    return [p for p in _down(plan.root, policy_of(plan.root, ()), notice) if p.how == "never"]


def policy_of(node: Node, above: Sequence[Node]) -> Policy:
    """How a rule tells, with what it has from those that it lies in (``above``, outermost first)."""
    root, *inner = (*above, node)
    policy = Policy(
        root.name, (root.label,), root.to, root.how or "daily", bool(root.urgent), root.wait_minutes or 0,
        root.interval_minutes or APART, root.repeat_hours or None, root.answer_minutes, root.then,
    )  # fmt: skip
    for one in inner:
        policy = _inherited(one, policy)
    return policy


def _down(node: Node, policy: Policy, notice: Notice) -> Iterator[Policy]:
    reached = False
    for branch in node.routes:
        if not matches(branch.match, notice):
            continue
        reached = True
        yield from _down(branch, _inherited(branch, policy), notice)
        if not branch.go_on:
            break
    if not reached:
        yield policy


def _inherited(node: Node, above: Policy) -> Policy:
    layers = {area.partition("/")[0] for area in node.match.areas}
    urgent = above.urgent if node.urgent is None else node.urgent
    apart = min(above.interval_minutes, APART) if urgent else above.interval_minutes
    return Policy(
        rule=node.name,
        path=(*above.path, node.label),
        to=node.to or above.to,
        how=node.how or above.how,
        urgent=urgent,
        wait_minutes=above.wait_minutes if node.wait_minutes is None else node.wait_minutes,
        interval_minutes=node.interval_minutes or apart,
        repeat_hours=above.repeat_hours if node.repeat_hours is None else node.repeat_hours or None,
        answer_minutes=node.answer_minutes or above.answer_minutes,
        then=node.then or above.then,
        local=above.local or bool(layers and not layers & SHIPPED),
    )


def resolved(to: Sequence[To], plan: Plan, roster: Roster) -> list[Receiver]:
    """The receivers that these name now, each once; people who may not be told any more are left out."""
    found: dict[Receiver, None] = {}
    for one in to:
        for receiver in _of(one, plan, roster):
            found.setdefault(receiver)
    return list(found)


def _of(to: To, plan: Plan, roster: Roster) -> Iterator[Receiver]:
    if to.destination is not None:
        if to.destination in roster.destinations:
            yield Receiver("destination", to.destination)
        return
    for ident, member in roster.members.items():
        if (
            (to.role is not None and to.role in member.roles)
            or ident == to.person
            or (to.organisation is not None and to.organisation == member.organisation_id)
            or (to.group is not None and ident in plan.groups.get(to.group, ()))
            or (to.rota is not None and ident in roster.on_duty.get(to.rota, ()))
        ):
            yield Receiver("person", ident)


_FOLLOWING = Policy(FOLLOWED, (), (), "at_once")
_FOLLOWING_SERIOUS = Policy(FOLLOWED, (), (), "at_once", urgent=True)
"""Who follows reports and asks for the gravest is told of those at night too."""


def concerns(plan: Plan, followers: Followers, notice: Notice) -> bool:
    """Whether any rule or anybody's subscription is about this notice at all; nothing is looked up."""
    return bool(policies(plan, notice)) or next(followers.of(notice), None) is not None


def route(plan: Plan, followers: Followers, roster: Roster, notice: Notice, *, held: bool = False) -> list[Told]:
    """Everybody who is told, each once: by the soonest of the policies that name them, the urgent first.

    ``held``: a signal holds the notice back; who asks for areas of the municipality's own is told all the same, since
    no signal is about those.
    """
    named: dict[Receiver, list[Policy]] = {}
    for policy in policies(plan, notice):
        if held and not policy.local:
            continue
        receivers = resolved(policy.to, plan, roster)
        if not receivers:  # a rota without anybody, a group that has left: somebody is told all the same
            receivers = resolved(policy.then, plan, roster) or resolved(plan.root.to, plan, roster)
        for receiver in receivers:
            named.setdefault(receiver, []).append(policy)
    for subscription in followers.of(notice):
        if held and (subscription.area is None or subscription.layer in SHIPPED):
            continue
        if subscription.person_id in roster.members:
            policy = _FOLLOWING_SERIOUS if (notice.severity or 0) >= TOLD_ONE_BY_ONE else _FOLLOWING
            named.setdefault(Receiver("person", subscription.person_id), []).append(policy)
    return [Told(receiver, tuple(sorted(found, key=_soonest))) for receiver, found in named.items()]


def _soonest(policy: Policy) -> tuple[int, bool, int]:
    return _ORDER[policy.how], not policy.urgent, policy.wait_minutes


def strangers(followers: Followers, roster: Roster, notice: Notice) -> set[UUID]:
    """Those who follow this and whom the roster does not know: appointed since it was copied, or no longer."""
    return {s.person_id for s in followers.of(notice)} - set(roster.members)


def nobody_named(plan: Plan, roster: Roster, notice: Notice) -> list[str]:
    """The rules that would tell of this notice and name nobody who can be told now."""
    return [p.rule for p in policies(plan, notice) if not resolved(p.to, plan, roster)]


def held(plan: Plan, open_alerts: Iterable[tuple[str, str | None, str | None]], notice: Notice) -> str | None:
    """The kind of alert that holds this notice back; ``open_alerts`` are (kind, area, type) of those that are open."""
    if notice.area is None:
        return None
    for hold in plan.holds:
        if hold.kind != notice.kind or (notice.severity or 0) > hold.up_to_severity:
            continue
        for kind, area, event_type in open_alerts:
            alike = event_type is not None and of_type(notice.event_type, event_type)
            if kind == hold.by and area == notice.area and alike:
                return hold.by
    return None
