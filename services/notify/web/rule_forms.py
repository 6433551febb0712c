"""Rules as forms: between the tree of the plan and what an administrator sees and fills in."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from starlette.datastructures import FormData

from schemas.taxonomy import current
from schemas.values import Source
from services.notify.domain.plan import DEEPEST, MOST_NODES, Match, Node, Plan, To, nodes
from services.notify.domain.routing import FOLLOWED, INVITED, REPORTED, TESTED
from services.notify.web.offered import Offered
from services.notify.web.rule_words import Words, kind_label
from services.pages.texts import text

KINDS = (
    "report/opened", "case/opened", "case/changed", "case/closed", "silent_source/opened", "silent_source/closed",
    "lagesbild/drafted", "lagesbild/adopted", "agenda/adopted",
)  # fmt: skip
OFFERED = {*KINDS, *(k.partition("/")[0] for k in KINDS)}
"""What of a rule's kinds the form shows; the others stay as they are."""
TYPES = [
    *((g.code, g.label) for g in current().groups if g.kind not in {"calendar", "observation"}),
    *((t.code, f"{t.code} {t.label}") for t in current().types if t.code[0] in "ABCDE"),
]
LISTS = ("kinds", "areas", "types", "sources", "to", "then")
"""Fields of the form that hold several."""
NUMBERS = {
    "wait": "wait_minutes", "interval": "interval_minutes", "repeat": "repeat_hours", "answer": "answer_minutes",
}  # fmt: skip
"""Fields of the form that hold a whole number, and the rule's name for each; empty: as the rule above."""
HOWS = ("at_once", "daily", "weekly", "never")


class Faulty(ValueError):
    """What was filled in cannot be a rule; the text says what to do."""


def choices(
    offered: Offered, more: Mapping[str, Any], plan: Plan, words: Words, chosen: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the form offers, with the people that rules name already.

    What is ``chosen`` and cannot be named now (names are away, a place has ended, a layer is too large for a form)
    is offered by its code: a rule never becomes wider by being saved.
    """
    to = [(f"role:{r}", text(f"rules_page.role_{r}")) for r in ("analytiker", "est_medlem", "administrator")]
    to += [(f"organisation:{i}", name) for i, name in more["organisations"]]
    to += [(f"rota:{name}", text("rules_page.rota", name=name)) for name in more["rotas"]]
    to += [(f"destination:{i}", label) for i, label in more["places"]]
    to += [(f"group:{name}", name) for name in sorted(plan.groups)]
    named = {t for n, _ in nodes(plan.root) for t in (*n.to, *n.then) if t.person is not None}
    to += sorted((_key(t), words.to(t)) for t in named)
    types, shown = TYPES + list(offered.own_types), [pair for _, areas in offered.areas for pair in areas]
    kept = {field: (chosen or {}).get(field, ()) for field in LISTS}
    rule_types = types + [(t, t) for t in _unknown(kept["types"], types)]
    to += [(k, _named(k, words)) for k in _unknown([*kept["to"], *kept["then"]], to)]
    return {
        "kinds": [(k, kind_label(k)) for k in KINDS],
        "sources": [(s, text(f"source.{s}")) for s in get_args(Source)],
        "areas": offered.areas,
        "more_areas": [(a, words.areas.get(a, a)) for a in _unknown(kept["areas"], shown)],
        "example_types": [(code, label) for code, label in rule_types if len(code) > 1],
        "rule_types": rule_types,
        "rule_sources": [(s, s) for s in _unknown(kept["sources"], [(s, "") for s in get_args(Source)])],
        "to": to,
        "how": [(h, text(f"rules_page.how_{h}")) for h in HOWS],
    }


def _named(key: str, words: Words) -> str:
    kind, _, value = key.partition(":")
    try:
        return words.to(To.model_validate({kind: value}))
    except ValidationError:  # nothing that a form of ours has
        return key


def _unknown(chosen: Iterable[str], offered: Sequence[tuple[str, str]]) -> list[str]:
    return [c for c in dict.fromkeys(chosen) if c not in dict(offered)]


def filled(form: FormData | None, plan: Plan, wanted: str) -> dict[str, Any] | None:
    """The form's fields: as they were sent, or of the rule that is to be changed; None for a closed form."""
    if form is not None and "label" in form:
        lists = {k: [str(v) for v in form.getlist(k)] for k in LISTS}
        single = {k: str(form.get(k, "")) for k in ("name", "label", "under", "severity", "how", *NUMBERS)}
        return single | lists | {"urgent": form.get("urgent") == "ja", "go_on": form.get("go_on") == "ja"}
    if wanted == "ny":
        empty: dict[str, Any] = dict.fromkeys(("name", "label", "severity", *NUMBERS), "")
        lists = {k: [] for k in LISTS}
        return empty | lists | {"under": plan.root.name, "how": "at_once", "urgent": False, "go_on": True}
    node = next((n for n, _ in nodes(plan.root) if n.name == wanted), None)
    if node is None:
        return None
    match = node.match
    return {
        "name": node.name,
        "label": node.label,
        "under": _parent(plan.root, node.name),
        "kinds": [k for k in KINDS if _has(match, k)],
        "areas": list(match.areas),
        "types": list(match.types),
        "sources": list(match.sources),
        "severity": str(match.min_severity or ""),
        "to": [_key(t) for t in node.to],
        "then": [_key(t) for t in node.then],
        "how": node.how or "",
        "urgent": bool(node.urgent),
        "go_on": node.go_on,
        **{field: "" if (v := getattr(node, name)) is None else str(v) for field, name in NUMBERS.items()},
    }


def _has(match: Match, key: str) -> bool:
    kind, _, state = key.partition("/")
    return key in match.kinds or (kind in match.kinds and (not match.states or state in match.states))


def _key(to: To) -> str:
    name, value = next((n, v) for n, v in to.model_dump().items() if v is not None)
    return f"{name}:{value}"


def _parent(root: Node, name: str) -> str:
    return next((n.name for n, _ in nodes(root) if any(b.name == name for b in n.routes)), "")


def changed(plan: Plan, form: FormData) -> Plan:
    """The plan with the form's rule added, changed or taken away; Faulty or ValidationError when that is no plan."""
    name, under = str(form.get("name", "")), str(form.get("under", "")) or plan.root.name
    if form.get("do") == "bort":
        if name == plan.root.name:
            raise Faulty(text("rules_page.root_stays"))
        return _with(plan, _without(plan.root, name))
    if name == plan.root.name:
        root = _node(form, name, plan.root).model_copy(update={"match": Match()})
        return _with(plan, root)
    before = next((n for n, _ in nodes(plan.root) if n.name == name), None)
    node = _node(form, name or _slug(str(form.get("label", "")), plan), before)
    if under == plan.root.name and node.match == Match():
        raise Faulty(text("rules_page.about_what"))
    if under in {n.name for n, _ in nodes(node)}:
        raise Faulty(text("rules_page.under_itself"))
    if before is not None and _parent(plan.root, name) == under:
        return _with(plan, _replaced(plan.root, name, node))
    return _with(plan, _added(_without(plan.root, name), under, node))


def moved(plan: Plan, form: FormData) -> Plan:
    """The plan with a rule before the one that it follows (``do`` is "upp"), or after the next."""
    name, step = str(form.get("name", "")), -1 if form.get("do") == "upp" else 1

    def among(node: Node) -> Node:
        routes = [among(b) for b in node.routes]
        at = next((i for i, b in enumerate(routes) if b.name == name), None)
        if at is not None and 0 <= at + step < len(routes):
            routes.insert(at + step, routes.pop(at))
        return node.model_copy(update={"routes": tuple(routes)})

    return _with(plan, among(plan.root))


def _with(plan: Plan, root: Node) -> Plan:
    return Plan.model_validate(plan.model_dump() | {"root": root.model_dump()})


def _node(form: FormData, name: str, before: Node | None) -> Node:
    """The rule that the form describes; what the form does not show stays as it was."""
    kept = before.model_dump() if before is not None else {}
    urgent = True if form.get("urgent") == "ja" else (None if before is None or before.urgent is None else False)
    kinds = [str(k) for k in form.getlist("kinds") if str(k) in KINDS]
    hidden = [k for k in before.match.kinds if k not in OFFERED] if before is not None else []
    values: dict[str, Any] = {
        "name": name,
        "label": str(form.get("label", "")),
        "match": {
            "kinds": (*_kinds(kinds), *hidden),
            "states": before.match.states if before is not None and not before.match.kinds else (),
            "areas": tuple(str(a) for a in form.getlist("areas") if a),
            "types": tuple(str(t) for t in form.getlist("types") if t),
            "min_severity": whole(form, "severity"),
            "sources": tuple(str(s) for s in form.getlist("sources") if s),
        },
        "to": _receivers(form.getlist("to")),
        "then": _receivers(form.getlist("then")),
        "how": str(form.get("how", "")) or None,
        "urgent": urgent,
        **{name: whole(form, field) for field, name in NUMBERS.items()},
        "go_on": form.get("go_on") == "ja",
    }
    made = Node.model_validate(kept | values)
    if made.answer_minutes and not made.then:
        raise Faulty(text("rules_page.needs_then"))
    return made


def _kinds(chosen: Sequence[str]) -> tuple[str, ...]:
    """The chosen kinds, one as a whole where all its states are chosen."""
    whole = {k.partition("/")[0] for k in KINDS} - {k.partition("/")[0] for k in KINDS if k not in chosen}
    return tuple(dict.fromkeys(kind if (kind := k.partition("/")[0]) in whole else k for k in chosen))


def whole(form: FormData, field: str) -> int | None:
    """A field's number, None when it is empty; Faulty when it is none."""
    written = str(form.get(field, "")).strip()
    if not written:
        return None
    if not written.isdecimal():
        raise Faulty(text("rules_page.whole", field=text(f"rules_page.field_{field}")))
    return int(written)


def _receivers(values: Iterable[Any]) -> list[dict[str, str]]:
    return [{name: value} for name, _, value in (str(v).partition(":") for v in values) if value]


def _slug(label: str, plan: Plan) -> str:
    plain = unicodedata.normalize("NFKD", label.lower()).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:24] or "regel"
    taken = {n.name for n, _ in nodes(plan.root)} | {FOLLOWED, REPORTED, TESTED, INVITED}
    return next(s for i in range(1, 100) if (s := base if i == 1 else f"{base}-{i}") not in taken)


def _replaced(node: Node, name: str, new: Node) -> Node:
    routes = tuple(new if b.name == name else _replaced(b, name, new) for b in node.routes)
    return node.model_copy(update={"routes": routes})


def _without(node: Node, name: str) -> Node:
    return node.model_copy(update={"routes": tuple(_without(b, name) for b in node.routes if b.name != name)})


def _added(node: Node, under: str, new: Node) -> Node:
    """New rules come first: they are narrower than what is there."""
    routes = tuple(_added(b, under, new) for b in node.routes)
    return node.model_copy(update={"routes": (new, *routes) if node.name == under else routes})


_TIMES = ("begins", "ends", "at", "hours_before", "weeks", "messages_per_hour")
_FAULTS = {
    **dict.fromkeys(_TIMES, "rules_page.times_wrong"),
    "label": "rules_page.needs_label",
    **{name: f"rules_page.range_{field}" for field, name in NUMBERS.items()},
    "too_many": "rules_page.too_many",
    "needs_receiver": "rules_page.needs_receiver",
}
"""By the field that is wrong, or by what is wrong with the tree as a whole."""


def why(bad: ValueError) -> str:
    """What is wrong, for the page."""
    if not isinstance(bad, ValidationError):
        return str(bad)
    first = bad.errors()[0]
    if "groups" in first["loc"]:
        return text("rules_page.group_wrong")
    fault = first["loc"][-1] if first["loc"] else first["type"]
    return text(_FAULTS.get(str(fault), "rules_page.no_rule"), most=MOST_NODES, deep=DEEPEST)
