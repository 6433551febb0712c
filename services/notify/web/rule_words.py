"""Rules in words: what one is about, whom it names and how, with what it has from the rules that it lies in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

from schemas.values import Source
from services.notify.domain.alerts import LASTING
from services.notify.domain.notices import Ruled
from services.notify.domain.plan import Match, Node, To
from services.notify.domain.routing import APART, Policy, Receiver, policy_of
from services.notify.handlers.rounds import REPORTS_END
from services.notify.web.offered import NATIONAL
from services.pages.labels import inside, type_label
from services.pages.texts import text


@dataclass(frozen=True, slots=True)
class Words:
    """Names for ids: areas (``layer/area``), people, places outside, organisations."""

    areas: Mapping[str, str]
    people: Mapping[UUID, str]
    places: Mapping[UUID, str]
    organisations: Mapping[UUID, str]
    types: Mapping[str, str] = field(default_factory=dict)
    """The municipality's own event types."""

    def receiver(self, one: Receiver) -> str:
        """Who a receiver is."""
        known = self.people if one.kind == "person" else self.places
        return known.get(one.ident, text("deliveries.somebody"))

    def to(self, one: To) -> str:
        """Whom a rule names."""
        if one.role is not None:
            return text(f"rules_page.role_{one.role}")
        if one.person is not None:
            return self.people.get(one.person, text("deliveries.somebody"))
        if one.organisation is not None:
            return self.organisations.get(one.organisation, text("rules_page.unknown_organisation"))
        if one.destination is not None:
            return self.places.get(one.destination, text("rules_page.ended_place"))
        return text("rules_page.rota", name=one.rota) if one.rota is not None else str(one.group)


def shown(node: Node, above: Sequence[Node], words: Words) -> dict[str, Any]:
    """A rule in words, with what it has from those that it lies in (``above``, outermost first)."""
    policy = policy_of(node, above)
    source = next((n for n in (node, *reversed(above)) if n.to), node)
    whom = ", ".join(words.to(t) for t in policy.to)
    awake = node.match.kinds != ("agenda",)  # an agenda's moment is the municipality's choice
    beside = [n.name for n in above[-1].routes] if above else []
    within = [text("rules_page.within", rule=above[-1].label)] if len(above) > 1 else []
    return {
        "name": node.name,
        "label": node.label,
        "earlier": node.name in beside[1:],
        "later": node.name in beside[:-1],
        "when": " · ".join([_when(node.match, words), *within]) if above else text("rules_page.otherwise"),
        "to": whom if source is node else text("rules_page.inherited", whom=whom, rule=source.label),
        "how": text(f"rules_page.how_{policy.how}"),
        "at_once": policy.how == "at_once" and awake,
        "urgent": policy.urgent,
        "paced": [*_paced(policy, about(node, above)), *_never(node.match, about(node, above))],
        "answer": followed_by(policy.answer_minutes, policy.then, words),
    }


def about(node: Node, above: Sequence[Node]) -> set[str]:
    """The kinds that can reach a rule, by its own match and those that it lies in."""
    found: set[str] = set(get_args(Ruled))
    for one in (*above, node):
        if one.match.kinds:
            found &= {k.partition("/")[0] for k in one.match.kinds}
    return found


def _paced(policy: Policy, kinds: set[str]) -> list[str]:
    """How long a rule gathers first, and when it reminds; nothing where it does neither."""
    said = []
    minutes, hours, lasting = policy.wait_minutes, policy.repeat_hours, kinds & set(LASTING)
    if minutes and policy.how == "at_once" and not policy.urgent and kinds != {"agenda"}:
        said.append(text("rules_page.gathers_one" if minutes == 1 else "rules_page.gathers_many", minutes=minutes))
    if policy.how == "at_once" and lasting and policy.interval_minutes != APART:
        said.append(text("rules_page.apart", minutes=policy.interval_minutes))
    if hours and policy.how != "never" and lasting:
        if lasting == {"report"} and timedelta(hours=hours) >= REPORTS_END:
            said.append(text("rules_page.reminds_never"))
        else:
            said.append(text("rules_page.reminds_one" if hours == 1 else "rules_page.reminds_many", hours=hours))
    return said


def _never(match: Match, kinds: set[str]) -> list[str]:
    """That a rule about own areas alone is silent of signals, which lie in the national areas."""
    if "case" not in kinds or not match.areas or any(a.startswith(f"{NATIONAL}/") for a in match.areas):
        return []
    return [text("rules_page.no_signals")]


def followed_by(minutes: int | None, then: Sequence[To], words: Words) -> str | None:
    """Who is next when nobody takes an alert; None where nobody is."""
    if not minutes or not then:
        return None
    return text("rules_page.answer", minutes=minutes, then=", ".join(words.to(t) for t in then))


def _when(match: Match, words: Words) -> str:
    said = []
    if match.kinds:
        said.append(", ".join(kind_label(k) for k in _each(match)))
    if match.types:
        said.append(", ".join(inside(words.types.get(t) or type_label(t)) for t in match.types))
    if match.areas:
        said.append(", ".join(words.areas.get(a, a) for a in match.areas))
    if match.sources:
        said.append(", ".join(text(f"source.{s}") if s in get_args(Source) else s for s in match.sources))
    if match.min_severity is not None:
        said.append(text("rules_page.severity", severity=text(f"report.severity_{match.min_severity}")))
    return " · ".join(said) or text("rules_page.everything")


def kind_label(key: str) -> str:
    """A kind of message, with its state where it has one."""
    kind, _, state = key.partition("/")
    if not state or kind in {"report", "agenda", "test"}:
        return text(f"voice.kind_{kind}")
    return text(f"rules_page.kind_{kind}_{state}")


def _each(match: Match) -> list[str]:
    """The kinds of a rule, each with its state where it has one."""
    return [k if "/" in k or not match.states else f"{k}/{s}" for k in match.kinds for s in match.states or ("",)]
