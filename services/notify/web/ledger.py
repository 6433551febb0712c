"""Leveranser: every message of the municipality, what became of it and why it was sent."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.notify.api.plan import READERS
from services.notify.domain.alerts import OWN
from services.notify.domain.notices import Kind
from services.notify.domain.plan import nodes
from services.notify.domain.routing import FOLLOWED, INVITED, REPORTED, TESTED
from services.notify.metrics import CHANNELS
from services.notify.store import ledger as store
from services.notify.store import plans
from services.notify.store.people import NOBODY
from services.notify.web.access import area_names, denied, may, missing, people_names, tabs
from services.pages import writing
from services.pages.frame import frame
from services.pages.labels import inside, type_label
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/utskick/leveranser"
SHOWN = 200
LOST = "lost"
"""Beside the states: what reached nobody."""
_SOON = timedelta(minutes=1)
KINDS = get_args(Kind)
REASONS = ("rule", "repeat", "unanswered", "asked", "code", "feedback", "test")
"""Why a message was entered, in words."""
STATES = ("due", "sending", "sent", "delivered", "failed", "expired", "held")
_REASONS = {
    FOLLOWED: "deliveries.rule_followed",
    REPORTED: "voice.feedback_label",
    TESTED: "voice.kind_test",
    INVITED: "voice.invited",
}
_OURS = (
    "undelivered", "no_such_receiver", "no_such_person", "no_number", "no_sms_provider", "bad_address",
    "address_refused", "sms_refused", "unsealable", "internal", "past_deadline", "restored", "taken", "not_wanted",
    "withdrawn", "no_alert", "no_device", "refused", "scheme_not_allowed",
    "mail_refused", "old_event", "routed_anew",
)  # fmt: skip
"""Reasons that are ours and have words."""
_CHIPS = {"sent": "done", "delivered": "done", "failed": "fault", "expired": "flat", "held": "flat"}


class Wanted(BaseModel):
    """What is shown: a state, a channel, a kind, a receiver, days; what follows ``fore`` in the list."""

    lage: str = ""
    kanal: str = ""
    sort: str = ""
    till: str = ""
    fran: str = ""
    tom: str = ""
    fore: UUID | None = None

    def asked(self) -> store.Asked:
        """The same for the ledger; what is no such thing is left out."""
        return store.Asked(
            state=self.lage if self.lage in {*STATES, LOST} else None,
            channel=self.kanal if self.kanal in CHANNELS else None,
            kind=self.sort if self.sort in KINDS else None,
            person=_ident(self.till),
            since=_begins(self.fran),
            until=_begins(self.tom, days=1),
            before=self.fore,
        )


def _ident(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


def _begins(written: str, days: int = 0) -> datetime | None:
    """When a day begins in Sweden, or the one so many ``days`` later; None for what is no day."""
    try:
        day = date.fromisoformat(written) + timedelta(days=days)
        return datetime.combine(day, time(), writing.SWEDEN).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def entry(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """A row of the ledger in words."""
    restored = row.state == "expired" and "restored" in {row.reason, row.error}
    return {
        "alert": None if row.kind in OWN or INVITED in row.rules else row.alert_id,
        "what": what(row, names),
        "when": writing.moment(row.created_at),
        "state": _state(row, restored=restored),
        "chip": _CHIPS.get(row.state, "wait"),
        "channel": text(f"channel.{row.channel}") if row.channel else "",
        "fault": why_not(row.error) if row.state in {"failed", "held", "expired"} and row.error else None,
    }


def why_not(error: str) -> str:
    """Why a message did not go, in words where it is ours to say; what the other side said as it said it."""
    return text(f"deliveries.error_{error}") if error in _OURS else error


def _state(row: Any, *, restored: bool) -> str:
    """What became of it; of what waits for its moment, which that is."""
    if row.state == "due" and row.due_at is not None and row.due_at > datetime.now(UTC) + _SOON:
        return text("deliveries.state_until", until=writing.moment(row.due_at))
    if row.sent_at is not None and row.sent_at > row.created_at + _SOON:
        return f"{text(f'deliveries.state_{row.state}')} {writing.moment(row.sent_at)}"
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
async def listed(request: Request, principal: Visitor, wanted: Annotated[Wanted, Query()]) -> Response:
    """The page."""
    if not may(principal, *READERS):
        return denied(principal)
    asked = wanted.asked()
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        rows = await store.all_of(connection, principal.kommun, SHOWN + 1, asked)
        sums = await store.summary(connection, principal.kommun)
        cost = await store.cost(connection, principal.kommun)
        lost = await store.lost(connection, principal.kommun)
        places = await plans.places(connection, principal.kommun)
    words, people = await _words(request, principal), await people_names(request)
    query = {name: value for name, value in _query(wanted, asked) if value}
    older = {**query, "fore": rows[SHOWN - 1].delivery_id} if len(rows) > SHOWN else None
    receivers = [*people.items(), *((p.destination_id, p.label) for p in places)]
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "rows": [words(r) for r in rows[:SHOWN]],
        "sums": [(s, text(f"deliveries.state_{s}"), sums.get(s, 0)) for s in STATES],
        "channels": [(c, text(f"channel.{c}")) for c in CHANNELS],
        "kinds": [(k, text(f"voice.kind_{k}")) for k in KINDS],
        "receivers": sorted(((str(i), name) for i, name in receivers), key=lambda pair: pair[1]),
        "chosen": asked.state,
        "wanted": wanted,
        "narrowed": bool(query.keys() - {"lage"}),
        "first": None if wanted.fore is None else f"{PATH}?{urlencode(query)}",
        "older": None if older is None else f"{PATH}?{urlencode(older)}",
        "cost": writing.decimal(cost / 10_000, 2),
        "lost": lost,
    }
    return page("notify/ledger.html", context)


def _query(wanted: Wanted, asked: store.Asked) -> list[tuple[str, str]]:
    """What of the address is understood."""
    understood = {
        "lage": asked.state, "kanal": asked.channel, "sort": asked.kind, "till": asked.person,
        "fran": asked.since, "tom": asked.until,
    }  # fmt: skip
    return [(name, getattr(wanted, name) if value is not None else "") for name, value in understood.items()]


@router.get(PATH + "/{delivery_id}")
async def one(request: Request, principal: Visitor, delivery_id: UUID) -> Response:
    """One message with every attempt: when, which way, what the other side said, what it cost."""
    if not may(principal, *READERS):
        return denied(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.one(connection, principal.kommun, delivery_id)
    if found is None:
        return missing(principal)
    row, attempts = found
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "one": (await _words(request, principal))(row),
        "made": writing.moment(row.created_at),
        "deadline": writing.moment(row.deadline),
        "message_id": row.message_id,
        "reason": text(f"deliveries.reason_{row.reason}") if row.reason in REASONS else row.reason,
        "attempts": [
            {
                "number": a.number,
                "at": writing.moment(a.at),
                "channel": text(f"channel.{a.channel}"),
                "outcome": text(f"deliveries.outcome_{a.outcome}"),
                "error": why_not(a.error) if a.error else "",
                "provider": a.provider_id or "",
                "cost": "" if a.cost is None else text("deliveries.kronor", cost=writing.decimal(a.cost / 10_000, 2)),
            }
            for a in attempts
        ],
    }
    return page("notify/delivery.html", context)


async def _words(request: Request, principal: Principal) -> Callable[[Any], dict[str, Any]]:
    """What turns a row into words: names of areas, people, places outside and rules, looked up once."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        _, plan = await plans.plan(connection, principal.kommun)
        places = {p.destination_id: p.label for p in await plans.places(connection, principal.kommun)}
    names, people = await area_names(request, principal), await people_names(request)
    labels = {n.name: n.label for n, _ in nodes(plan.root)} | {k: text(v) for k, v in _REASONS.items()}

    def words(row: Any) -> dict[str, Any]:
        gone = text("deliveries.somebody" if people or row.person_id == NOBODY else "deliveries.names_away")
        to = people.get(row.person_id) or places.get(row.person_id) or gone
        if row.kind == "feedback":
            to = text("deliveries.a_reporter")
        why = ", ".join(labels.get(rule, rule) for rule in dict.fromkeys(row.rules))
        return entry(row, names) | {"id": row.delivery_id, "to": to, "why": why, "attempts": row.attempts}

    return words
