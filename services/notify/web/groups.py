"""Groups of people that rules name together: the form on the page of the rules."""

from typing import Any

from starlette.datastructures import FormData

from services.notify.domain.plan import Plan, nodes
from services.notify.web.rule_forms import Faulty
from services.pages.texts import text


def group(plan: Plan, wanted: str) -> dict[str, Any]:
    """The fields of a group's form; empty ones for a new group."""
    return {"name": wanted if wanted in plan.groups else "", "people": [str(p) for p in plan.groups.get(wanted, ())]}


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
