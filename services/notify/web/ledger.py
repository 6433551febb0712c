"""Leveranser: every message of the municipality, what became of it and why it was sent."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from services.notify.api.plan import READERS
from services.notify.domain.plan import nodes
from services.notify.domain.routing import FOLLOWED, INVITED, REPORTED, TESTED
from services.notify.store import ledger as store
from services.notify.store import plans
from services.notify.web.access import area_names, denied, may, people_names, tabs
from services.pages import writing
from services.pages.frame import frame
from services.pages.labels import inside, type_label
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor

router = APIRouter(include_in_schema=False)
PATH = "/utskick/leveranser"
SHOWN = 200
_SOON = timedelta(minutes=1)
STATES = ("due", "sending", "sent", "delivered", "failed", "expired", "held")
_REASONS = {
    FOLLOWED: "deliveries.rule_followed",
    REPORTED: "voice.feedback_label",
    TESTED: "voice.kind_test",
    INVITED: "voice.invited",
}
_CHIPS = {"sent": "done", "delivered": "done", "failed": "fault", "expired": "flat", "held": "flat"}


def entry(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """A row of the ledger in words."""
    restored = row.state == "expired" and "restored" in {row.reason, row.error}
    return {
        "alert": row.alert_id,
        "what": what(row, names),
        "when": writing.moment(row.sent_at or row.created_at),
        "state": _state(row, restored=restored),
        "chip": _CHIPS.get(row.state, "wait"),
        "channel": text(f"channel.{row.channel}") if row.channel else "",
        "fault": row.error if row.state == "failed" else None,
    }


def _state(row: Any, *, restored: bool) -> str:
    """What became of it; of what waits for its moment, which that is."""
    if row.state == "due" and row.due_at is not None and row.due_at > datetime.now(UTC) + _SOON:
        return text("deliveries.state_until", until=writing.moment(row.due_at))
    return text("deliveries.state_restored" if restored else f"deliveries.state_{row.state}")


def what(row: Any, names: Mapping[str, str]) -> str:
    """What a message was about."""
    if row.said is not None and row.said.get("subject"):
        return str(row.said["subject"])
    event = row.event or {}
    if row.kind == "report" and "report" in event:
        return type_label(event["report"]["event_type"])
    if row.kind == "case":
        area = (event.get("area") or {}).get("area")
        kind = inside(type_label(event.get("event_type") or ""))
        return text("voice.case_opened", kind=kind, place=names.get(area, area) if area else text("picture.whole"))
    return text(f"voice.kind_{row.kind}")


@router.get(PATH)
async def listed(request: Request, principal: Visitor, lage: str = "") -> Response:
    """The page."""
    if not may(principal, *READERS):
        return denied(principal)
    state = lage if lage in STATES else None
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        rows = await store.all_of(connection, principal.kommun, state, SHOWN)
        sums = await store.summary(connection, principal.kommun)
        cost = await store.cost(connection, principal.kommun)
        _, plan = await plans.plan(connection, principal.kommun)
        places = {p.destination_id: p.label for p in await plans.places(connection, principal.kommun)}
    names, people = await area_names(request, principal), await people_names(request)
    labels = {n.name: n.label for n, _ in nodes(plan.root)} | {k: text(v) for k, v in _REASONS.items()}
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "rows": [
            entry(r, names)
            | {
                "to": people.get(r.person_id) or places.get(r.person_id) or text("deliveries.somebody"),
                "why": ", ".join(labels.get(rule, rule) for rule in dict.fromkeys(r.rules)),
                "attempts": r.attempts,
            }
            for r in rows
        ],
        "sums": [(s, text(f"deliveries.state_{s}"), sums.get(s, 0)) for s in STATES],
        "chosen": state,
        "most": SHOWN,
        "cost": writing.decimal(cost / 10_000, 2),
        "failed": sums.get("failed", 0),
    }
    return page("notify/ledger.html", context)
