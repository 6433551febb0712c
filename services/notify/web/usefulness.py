"""What receivers said of each rule's alerts, as analysis judges it, on the page where rules are changed."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from services.pages.texts import text
from services.pages.writing import whole
from services.runtime.asking import Away, OtherRoom
from services.runtime.http import token_of


async def useful(request: Request, labels: Mapping[str, str]) -> list[dict[str, str]]:
    """Every rule that somebody has answered about, in words; none while analysis is away. ``labels``: of rules."""
    analysis: OtherRoom = request.app.state.analysis
    try:
        found = await analysis.get("/v1/usefulness", token=token_of(request) or "")
    except Away:
        return []
    return [_words(one, labels) for one in found or []]


def _words(one: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, str]:
    low, high = (whole(round(100 * one[edge])) for edge in ("low", "high"))
    threshold, proposal = one["threshold"], text(f"rules_page.useful_{one['proposal']}")
    if threshold is not None:
        proposal = text(
            "rules_page.useful_severity",
            severity=text(f"report.severity_{threshold['severity']}"),
            useful=whole(threshold["useful"]),
            answers=whole(threshold["answers"]),
            missed=whole(threshold["missed"]),
        )
    return {
        "rule": labels.get(one["rule"], text("rules_page.useful_gone", rule=one["rule"])),
        "count": text("rules_page.useful_count", useful=whole(one["useful"]), answers=whole(one["answers"])),
        "share": text("rules_page.useful_share", low=low, high=high) if one["proposal"] != "thin" else "",
        "proposal": proposal,
    }
