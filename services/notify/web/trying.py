"""Who would get an example, how, when and why, by the rules in force or by a draft; nobody is told, nothing stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from starlette.datastructures import FormData

from schemas.taxonomy import current
from services.notify.api.plan import ExampleIn, example
from services.notify.domain.alerts import LASTING
from services.notify.domain.notices import Notice
from services.notify.domain.plan import Plan, nodes
from services.notify.domain.routing import FOLLOWED, Policy, Receiver, Subscription, policies, silent
from services.notify.handlers.planning import Explained, Planning
from services.notify.web.offered import Offered
from services.notify.web.rule_words import Words, followed_by
from services.notify.wording.alerts import describe
from services.pages import writing
from services.pages.texts import text

_DEFAULT = ExampleIn(kind="report", severity=4)


@dataclass(frozen=True, slots=True)
class Example:
    """What is asked for. ``clock``: the hour on the wall, as it was written; empty is now."""

    asked: ExampleIn
    clock: str = ""
    severity: str = ""
    """As it was chosen; empty: as the type usually is."""

    @property
    def at(self) -> datetime:
        """The moment: now, or when the clock says that the next time."""
        now = datetime.now(UTC)
        if not self.clock:
            return now
        wall = now.astimezone(writing.SWEDEN)
        then = datetime.combine(wall.date(), time.fromisoformat(self.clock), writing.SWEDEN)
        return (then if then >= wall else then + timedelta(days=1)).astimezone(UTC)


_GRAVE = Example(_DEFAULT, severity=str(_DEFAULT.severity))


def of_form(form: FormData | None, offered: Offered) -> Example:
    """The example in the form; a grave report where there is none, or where it makes no sense.

    A report without a severity has that of its type, as one that is handed in; ``offered`` knows the own types'.
    """
    if form is None:
        return _GRAVE
    kind, _, state = str(form.get("example_kind", "report")).partition("/")
    severity = str(form.get("example_severity", ""))
    values = {
        "kind": kind,
        "state": state or "opened",
        "area": form.get("example_area") or None,
        "event_type": form.get("example_type") or None,
        "source": form.get("example_source") or None,
        "severity": int(severity) if severity.isdecimal() else offered.severity(str(form.get("example_type", ""))),
    }
    try:
        clock = str(form.get("example_clock", ""))
        wall = f"{time.fromisoformat(clock):%H:%M}" if clock else ""
        return Example(ExampleIn.model_validate(values), wall, severity)
    except ValueError:  # pydantic's is one
        return _GRAVE


def of_rule(fields: Mapping[str, Any] | None, offered: Offered) -> Example:
    """What a rule is about, by the fields of its form: the first of each; a grave report for a rule about all."""
    if fields is None or not fields["kinds"]:
        return _GRAVE
    about = {"example_kind": fields["kinds"][0], "example_severity": fields["severity"]}
    about["example_type"] = next((code for one in fields["types"] if (code := _first_of(one))), "")
    about["example_area"], about["example_source"] = (next(iter(fields[k]), "") for k in ("areas", "sources"))
    if not about["example_severity"] and not about["example_type"]:
        about["example_severity"] = str(_DEFAULT.severity)
    return of_form(FormData(about), offered)


def _first_of(wanted: str) -> str:
    """The type itself; of a whole group its first, empty where it has none."""
    return wanted if len(wanted) > 1 else next((t.code for t in current().types if t.code[0] == wanted), "")


async def tried(
    planning: Planning, kommun: str, one: Example, words: Words, *, plan: Plan, draft: Plan | None
) -> dict[str, Any]:
    """For the page: who is told; what a draft changes for whom; what happens when nobody takes it."""
    at, notice = one.at, example(kommun, one.asked)
    now = await planning.explain(kommun, notice, plan, at=at)
    chosen = plan if draft is None else draft
    then = now if draft is None else await planning.explain(kommun, notice, draft, at=at)
    before = {e.told.receiver: e for e in now}
    told = [_told(e, at, chosen, words) for e in then]
    if draft is not None:
        told = [t | _mark(e, before, at) for t, e in zip(told, then, strict=True)]
    return {
        "told": told,
        "gone": sorted(words.receiver(r) for r in before.keys() - {e.told.receiver for e in then}),
        "remarks": [
            *([] if draft is None else _remarks(draft, plan, notice)),
            *([text("rules_page.held_now")] if await planning.holder(kommun, notice, chosen) else []),
            *(text("rules_page.says_never", rule=p.path[-1]) for p in silent(chosen, notice)),
        ],
        "next": _next(policies(chosen, notice), words) if notice.kind in LASTING else [],
    }


def _remarks(draft: Plan, plan: Plan, notice: Notice) -> list[str]:
    """Rules that the draft makes or changes and that are not about the example: it shows nothing of them."""
    kept, telling = {n for n, _ in nodes(plan.root)}, {p.rule for p in policies(draft, notice)}
    own = [n for n, _ in nodes(draft.root) if n not in kept and n is not draft.root and n.name not in telling]
    return [text("rules_page.not_here", rule=n.label) for n in own if not any(b.name in telling for b in n.routes)]


def _told(one: Explained, at: datetime, plan: Plan, words: Words) -> dict[str, Any]:
    told = one.told
    labels = {n.name: n.label for n, _ in nodes(plan.root)}
    return {
        "who": words.receiver(told.receiver),
        "why": _why(told.rules, one.followed, labels, words),
        "how": _how(told.policy),
        "at": _when(one, at),
        "ways": ", ".join(text(f"channel.{w}") for w in one.ways),
        "mark": None,
    }


def _why(rules: Sequence[str], followed: Sequence[Subscription], labels: Mapping[str, str], words: Words) -> list[str]:
    """Every reason, not the first alone: who stops following is still named by the rule."""
    own = [
        text("rules_page.follows", what=describe(s, words.areas.get(f"{s.layer}/{s.area}"), words.types))
        for s in followed
    ]
    named = dict.fromkeys(labels.get(r, r) for r in rules if r != FOLLOWED)
    return [*named, *own]


def _how(policy: Policy) -> str:
    return text(f"rules_page.how_{policy.how}") + (f", {text('rules_page.urgent_too')}" if policy.urgent else "")


def _when(one: Explained, at: datetime) -> str:
    if one.told.policy.how != "at_once":
        return writing.moment(one.at)
    if one.at <= at:
        return text("rules_page.now")
    gathers = one.at == at + timedelta(minutes=one.told.policy.wait_minutes)
    return text("rules_page.waits_for_more" if gathers else "rules_page.waits", until=writing.moment(one.at))


def _mark(one: Explained, before: Mapping[Receiver, Explained], at: datetime) -> dict[str, Any]:
    """What a draft changes for this receiver."""
    was = before.get(one.told.receiver)
    if was is None:
        return {"mark": text("rules_page.new")}
    same = _how(was.told.policy) == _how(one.told.policy) and (was.at, was.ways) == (one.at, one.ways)
    return {} if same else {"mark": text("rules_page.was", how=_how(was.told.policy), at=_when(was, at))}


def _next(found: Sequence[Policy], words: Words) -> list[str]:
    """What follows when nobody takes it."""
    said = [followed_by(p.answer_minutes, p.then, words) for p in found]
    return list(dict.fromkeys(s for s in said if s))
