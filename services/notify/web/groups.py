"""Groups of people that rules name together: the form on the page of the rules."""

from typing import Any

from starlette.datastructures import FormData

from services.notify.domain.plan import Plan, nodes
from services.notify.web.rule_forms import Faulty
from services.pages.texts import text


def group(plan: Plan, wanted: str, form: FormData | None = None) -> dict[str, Any]:
    """The fields of a group's form: as they were sent, of the group that is wanted, or empty ones for a new group."""
    if form is not None and "name" in form and "label" not in form:  # a rule has a label
        name = str(form["name"])
        return {"name": name, "known": name in plan.groups, "people": [str(p) for p in form.getlist("people")]}
    known = wanted in plan.groups
    people = [str(p) for p in plan.groups.get(wanted, ())]
    return {"name": wanted if known else "", "known": known, "people": people}


def with_group(plan: Plan, form: FormData) -> Plan:
    """The plan with the form's group added, changed or taken away; Faulty or ValidationError."""
    name, people = "-".join(str(form.get("name", "")).lower().split()), [str(p) for p in form.getlist("people")]
    groups = {k: v for k, v in plan.model_dump()["groups"].items() if k != name}
    if form.get("do") == "bort":
        if any(t.group == name for n, _ in nodes(plan.root) for t in (*n.to, *n.then)):
            raise Faulty(text("rules_page.group_used"))
        return Plan.model_validate(plan.model_dump() | {"groups": groups})
    if not people:
        raise Faulty(text("rules_page.group_wrong"))
    return Plan.model_validate(plan.model_dump() | {"groups": groups | {name: people}})
