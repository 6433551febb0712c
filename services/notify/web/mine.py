"""Mina utskick: what I follow, how I want to be told, what has been sent to me."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from schemas.taxonomy import current
from services.notify.api.alerts import ROLES
from services.notify.api.subscriptions import SubscriptionIn, preferences_of, subscribe
from services.notify.domain.alerts import LASTING
from services.notify.domain.plan import Plan, Quiet, in_order
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Receiver, Roster, policy_of, resolved
from services.notify.handlers.seals import opened
from services.notify.store import devices, ledger, people, plans
from services.notify.store import subscriptions as store
from services.notify.web.access import denied, may, tabs
from services.notify.web.ledger import entry
from services.notify.web.offered import NATIONAL, offered
from services.notify.web.rule_words import about
from services.notify.wording.alerts import describe
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import LANGUAGE, Language, text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.sealing import Sealer
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/utskick"
SHOWN = 30
_NOTICES = {
    "slutat": "deliveries.stopped_short",
    "valt": "deliveries.chosen",
    "enhet": "deliveries.devices_on",
    "kod": "deliveries.phone_code_sent",
    "nummer": "deliveries.phone_proven",
}
_FAULTS = {
    "telefon": "deliveries.bad_phone",
    "tid": "deliveries.bad_time",
    "snart": "deliveries.phone_soon",
    "kod": "deliveries.phone_wrong",
}


@router.get(PATH)
async def mine(request: Request, principal: Visitor, klart: str = "", fel: str = "", vad: str = "") -> Response:
    """The page."""
    if not may(principal, *ROLES):
        return denied(principal)
    return await _page(request, principal, done=klart, fault=fel, what=vad)


async def _page(
    request: Request,
    principal: Principal,
    *,
    done: str = "",
    fault: str = "",
    what: str = "",
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """``typed``: what stands in the form of how to be told, instead of what is kept."""
    choices = await offered(request, principal)
    names = choices.names
    database: Database = request.app.state.database
    person = UUID(principal.subject)
    async with database.transaction(principal.kommuner) as connection:
        own = await store.own(connection, principal.kommun, person)
        sent = await ledger.own(connection, principal.kommun, person, SHOWN)
        await store.know(connection, principal.kommuner)
        having = await devices.own(connection, principal.kommun, person)
        waits = await devices.waits(connection, principal.kommun, person)
        _, plan = await plans.plan(connection, principal.kommun)
        roster = await people.roster(connection, principal.kommun, datetime.now(UTC))
    wanted = await preferences_of(database, principal)
    follow = [(s.subscription_id, describe(s, names.get(f"{s.layer}/{s.area}"), choices.type_names)) for s in own]
    context = frame(principal, PATH) | {
        "tabs": tabs(principal, PATH),
        "follow": follow,
        "by_rules": _by_rules(plan, roster, Receiver("person", person), wanted, names),
        "sent": [entry(r, choices.national) for r in sent],
        "areas": choices.areas,
        "groups": [
            *((g.code, g.label) for g in current().groups if g.kind not in {"calendar", "observation"}),
            *choices.own_types,
        ],
        "notice": _notice(done, what, follow),
        "fault": text(_FAULTS[fault]) if fault in _FAULTS else None,
        "at": fault,
        "devices": [
            (d.device_id, text("deliveries.devices_since", label=d.label, since=writing.moment(d.added_at)))
            for d in having
        ],
        "waits": waits.phone if waits is not None else None,
        "push_key": request.app.state.push_key,
        "wanted": wanted,
        "form": typed or _as_kept(wanted),
        "sms": request.app.state.sms,
    }
    return page("notify/mine.html", context, 422 if typed else 200)


def _notice(done: str, what: str, follow: Sequence[tuple[UUID, str]]) -> str | None:
    """What has just been done; ``what``: the subscription that it was done to."""
    if done == "sparat" and follow:
        return text("deliveries.saved", what=next((w for i, w in follow if str(i) == what), follow[-1][1]))
    return text(_NOTICES[done]) if done in _NOTICES else None


def _as_kept(wanted: Preferences) -> dict[str, Any]:
    """The form of how to be told, as it is kept."""
    quiet = wanted.quiet
    return {
        "urgent": wanted.urgent,
        "usual": wanted.usual,
        "begins": f"{quiet.begins:%H:%M}" if quiet else "",
        "ends": f"{quiet.ends:%H:%M}" if quiet else "",
        "agenda": wanted.agenda,
        "language": wanted.language,
        "off": wanted.off,
    }


def _by_rules(plan: Plan, roster: Roster, me: Receiver, wanted: Preferences, areas: Mapping[str, str]) -> list[str]:
    """What the municipality's rules tell me as I have chosen, in the order in which they are tried."""
    found = []
    for node, above in in_order(plan.root):
        policy = policy_of(node, above)
        wants = wanted.wants(agenda=node.match.kinds == ("agenda",), urgent=policy.urgent)
        if policy.how == "never" or not wants:
            continue
        where = ", ".join(areas.get(a, a) for a in node.match.areas)
        what = f"{node.label} ({where})" if where else node.label
        if me in resolved(policy.to, plan, roster):
            key = "deliveries.by_rule_night" if policy.urgent else "deliveries.by_rule"
            found.append(text(key, what=what, how=text(f"rules_page.how_{policy.how}")))
        elif policy.answer_minutes and about(node, above) & set(LASTING) and me in resolved(policy.then, plan, roster):
            found.append(text("deliveries.by_escalation", what=what, minutes=policy.answer_minutes))
    return found


@router.post(PATH)
async def follow(
    request: Request,
    principal: Visitor,
    area: Annotated[str, Form()] = "",
    type: Annotated[str, Form()] = "",  # noqa: A002 - the field's name in the form
    severity: Annotated[str, Form()] = "3",
) -> Response:
    """Follow something new."""
    if not may(principal, *ROLES):
        return denied(principal)
    layer, _, code = area.rpartition("/")
    try:
        body = SubscriptionIn(
            layer=layer or NATIONAL, area=code or None, types=[type] if type else [], min_severity=int(severity)
        )
    except (ValidationError, ValueError):
        return RedirectResponse(PATH, 303)
    new = await subscribe(request.app.state.database, principal, body)
    return RedirectResponse(f"{PATH}?klart=sparat&vad={new.subscription_id}#sagt", 303)


@router.post(f"{PATH}/sluta")
async def stop(request: Request, principal: Visitor, subscription_id: Annotated[UUID, Form()]) -> Response:
    """Stop following."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        await store.end(connection, principal.kommun, subscription_id, UUID(principal.subject))
    return RedirectResponse(f"{PATH}?klart=slutat#sagt", 303)


@router.get(f"{PATH}/hur")
async def bare() -> Response:
    """The form's address in the address bar: there is only the page."""
    return RedirectResponse(PATH, 303)


@router.post(f"{PATH}/hur")
async def choose(
    request: Request,
    principal: Visitor,
    *,
    urgent: Annotated[str, Form()] = "mail",
    usual: Annotated[str, Form()] = "mail",
    begins: Annotated[str, Form()] = "",
    ends: Annotated[str, Form()] = "",
    agenda: Annotated[str, Form()] = "",
    language: Annotated[str, Form()] = LANGUAGE,
    off: Annotated[str, Form()] = "",
) -> Response:
    """How I want to be told."""
    if not may(principal, *ROLES):
        return denied(principal)
    database: Database = request.app.state.database
    values: dict[str, Any] = {"urgent": urgent, "usual": usual, "agenda": agenda == "ja", "off": off == "ja"}
    values["language"] = language
    typed = values | {"begins": begins, "ends": ends}
    try:
        if begins or ends:  # one alone is no time of day: a fault
            values["quiet"] = Quiet(begins=time.fromisoformat(begins), ends=time.fromisoformat(ends))
        own = await preferences_of(database, principal)
        wanted = Preferences(**values, feedback=own.feedback, phone=own.phone)
    except (ValidationError, ValueError):
        return await _page(request, principal, fault="tid", typed=typed)
    async with database.transaction(principal.kommuner) as connection:
        await store.prefer(connection, principal.kommun, UUID(principal.subject), wanted)
    return RedirectResponse(f"{PATH}?klart=valt#sagt", 303)


@router.get(f"{PATH}/aterkoppling")
async def feedback(request: Request, principal: Visitor, klart: str = "") -> Response:
    """Whether I want word of what became of my reports: for everybody who reports."""
    if principal.kind != "person":
        return denied(principal)
    wanted = await preferences_of(request.app.state.database, principal)
    context = frame(principal, "/mina-rapporter", phone=True) | {"wanted": wanted, "saved": bool(klart)}
    return page("notify/feedback.html", context)


@router.post(f"{PATH}/aterkoppling")
async def choose_feedback(
    request: Request,
    principal: Visitor,
    feedback: Annotated[Literal["digest", "each", "none"], Form()],
    language: Annotated[Language, Form()] = LANGUAGE,
) -> Response:
    """Keep the choice; everything else that I have chosen stays."""
    if principal.kind != "person":
        return denied(principal)
    database: Database = request.app.state.database
    changed: dict[str, Any] = {"feedback": feedback, "language": language}
    if feedback != "none" and not may(principal, *ROLES):
        changed["off"] = False  # who only reports has no other page on which to turn messages on again
    wanted = (await preferences_of(database, principal)).model_copy(update=changed)
    async with database.transaction(principal.kommuner) as connection:
        await store.prefer(connection, principal.kommun, UUID(principal.subject), wanted)
    return RedirectResponse(f"{PATH}/aterkoppling?klart=ja#sagt", 303)


@router.get(f"{PATH}/av")
async def ask_off(t: str = "") -> Response:
    """What the way out in a mail leads to: a page that asks. Mail scanners look at it, and nothing happens."""
    return page("notify/off.html", frame(None, PATH) | {"token": t, "done": False})


@router.post(f"{PATH}/av")
async def turn_off(request: Request, t: str = "") -> Response:
    """No more messages but urgent ones: by the page's button, or by a mail program's own (RFC 8058)."""
    sealer: Sealer = request.app.state.sealer
    named = opened(sealer, "stop", t, datetime.now(UTC))
    if named is None:
        anybody = frame(None, PATH)
        return page("message.html", anybody | {"heading": text("off.old"), "detail": text("off.old_more")}, 410)
    kommun, person = named
    database: Database = request.app.state.database
    async with database.transaction((kommun,)) as connection:
        now = (await store.preferences(connection, kommun, [person])).get(person)
        if now is not None or await people.is_member(connection, kommun, person):  # of an erased person nothing is kept
            wanted = (now or Preferences()).model_copy(update={"off": True})
            await store.prefer(connection, kommun, person, wanted)
    return page("notify/off.html", frame(None, PATH) | {"token": "", "done": True})
