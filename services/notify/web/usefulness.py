"""What receivers said of each rule's alerts, as analysis judges it, on the page where rules are changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from services.notify.domain.plan import Node, Plan, in_order
from services.notify.domain.routing import FOLLOWED
from services.pages.texts import text
from services.pages.writing import whole
from services.runtime.asking import Away, OtherRoom
from services.runtime.http import token_of


async def useful(request: Request, plan: Plan) -> list[dict[str, str]]:
    """Every rule that somebody has answered about, in words; none while analysis is away."""
    analysis: OtherRoom = request.app.state.analysis
    try:
        found = await analysis.get("/v1/usefulness", token=token_of(request) or "")
    except Away:
        return []
    rules = {node.name: (node, _least((*above, node))) for node, above in in_order(plan.root)}
    return [_words(one, rules) for one in found or []]


def _least(nodes: Sequence[Node]) -> int:
    """The least severity that reaches the innermost of rules that lie in one another."""
    return max((n.match.min_severity or 0 for n in nodes), default=0)


def _words(one: Mapping[str, Any], rules: Mapping[str, tuple[Node, int]]) -> dict[str, str]:
    threshold, (rule, least) = one["threshold"], rules.get(one["rule"], (None, 0))
    proposal = text(f"rules_page.useful_{one['proposal']}")
    if rule is None:  # it is gone, or what people follow: there is no rule to change
        proposal = ""
    if threshold is not None and rule is not None and threshold["severity"] > least:
        proposal = text(
            "rules_page.useful_severity",
            severity=text(f"report.severity_{threshold['severity']}"),
            useful=whole(threshold["useful"]),
            answers=whole(threshold["answers"]),
            missed=whole(threshold["missed"]),
        )
    return {
        "rule": rule.label if rule is not None else _without_rule(one["rule"]),
        "count": _count(one),
        "proposal": proposal,
    }


def _without_rule(name: str) -> str:
    return text("deliveries.rule_followed") if name == FOLLOWED else text("rules_page.useful_gone", rule=name)


def _count(one: Mapping[str, Any]) -> str:
    """How many found it useful, and how sure that is; of few answers only how many they are."""
    if one["useful"] is None:
        return text(
            "rules_page.useful_few_one" if one["answers"] == 1 else "rules_page.useful_few", count=one["answers"]
        )
    low, high = (whole(round(100 * one[edge])) for edge in ("low", "high"))
    count = text("rules_page.useful_count", useful=whole(one["useful"]), answers=whole(one["answers"]))
    return f"{count} {text('rules_page.useful_share', low=low, high=high)}"
