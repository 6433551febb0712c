"""Larm: what goes on that people were told about; take it, want it quiet, say whether it was useful. All by POST."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from services.notify.api.alerts import FOR_ALL, ROLES
from services.notify.domain.alerts import LASTING, Alert
from services.notify.handlers.answering import Answering
from services.notify.store import alerts as store
from services.notify.store import ledger, people
from services.notify.store.people import NOBODY
from services.notify.web.access import area_names, denied, may, missing, people_names, tabs
from services.notify.wording.alerts import Known, said
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

Deed = Callable[[str, UUID, UUID], Awaitable[Alert | None]]
router = APIRouter(include_in_schema=False)
PATH = "/larm"
GOING, ENDED = 100, 20
"""How many of those that go on, and of those that are over, are shown together."""
_DONE = {
    "ja": "alerts.quiet_now",
    "alla": "alerts.quiet_now_all",
    "nej": "alerts.quiet_ended",
    "klart": "alerts.ended_now",
}
_MORE = {"case": ("/signaler", "alerts.to_signals"), "report": ("/rapporter/{}", "alerts.to_report")}


@router.get(PATH)
async def listed(request: Request, principal: Visitor, fler: UUID | None = None, over: UUID | None = None) -> Response:
    """What goes on, and what is over; ``fler``, ``over``: what follows this one in the one list or the other."""
    if not may(principal, *ROLES):
        return denied(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        kommun, page_of = principal.kommun, partial(store.listed, connection, principal.kommun)
        over = None if fler else over
        going = [] if over else await page_of(over=False, most=GOING + 1, before=fler)
        ended = [] if fler else await page_of(over=True, most=ENDED + 1, before=over)
        quiet = await store.silences(connection, kommun, [a.alert_id for a in going], datetime.now(writing.SWEDEN))
        organisations = dict(await people.organisations(connection, kommun))
    names = await area_names(request, principal)
    person = UUID(principal.subject)
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "going": [
            _shown(a, names, organisations, person) | {"quiet": _quiet(quiet, a.alert_id, person)}
            for a in going[:GOING]
        ],
        "over": [_shown(a, names, organisations, person) for a in ended[:ENDED]],
        "more_going": going[GOING - 1].alert_id if len(going) > GOING else None,
        "more_over": ended[ENDED - 1].alert_id if len(ended) > ENDED else None,
        "later": fler or over,
        "only_over": over is not None,
    }
    return page("notify/alerts.html", context)


def _quiet(silences: Mapping[tuple[UUID, UUID], datetime], alert: UUID, person: UUID) -> str | None:
    """Until when this person hears nothing of an alert, or nobody does."""
    until = [u for who in (person, NOBODY) if (u := silences.get((alert, who))) is not None]
    if not until:
        return None
    key = "alerts.quiet_until_all" if (alert, NOBODY) in silences else "alerts.quiet_until"
    return text(key, until=writing.moment(max(until)))


def _shown(alert: Alert, names: dict[str, str], organisations: dict[UUID, str], person: UUID) -> dict[str, Any]:
    organisation = alert.event.get("organisation")
    known = Known(
        area=names.get(alert.area, alert.area) if alert.area else None,
        organisation=organisations.get(UUID(organisation)) if organisation else None,
    )
    words = said(alert, known)
    shown = {text("mail.when"), text("mail.severity")} if alert.kind == "report" else set()
    beside = [f"{label}: {value}" for label, value in words.facts if label in shown]
    if alert.kind == "report" and not alert.notices:  # recorded, never sent
        beside.append(text("alerts.too_old", when=writing.moment(alert.opened_at)))
    else:
        beside.append(text("alerts.told_since", when=writing.moment(alert.opened_at)))
        if alert.closed_at is not None:
            beside.append(text("alerts.over_since", when=writing.moment(alert.closed_at)))
    return {"alert": alert, "said": words, "state": state_of(alert, person), "beside": beside, "quiet": None}


def state_of(alert: Alert, person: UUID) -> tuple[str, str]:
    """(chip, words): who has it, or that nobody does."""
    if alert.closed_at is not None:
        return "flat", text("alerts.over")
    if alert.kind not in LASTING:
        return "flat", text("alerts.to_read")
    if alert.owner == person:
        return "done", text("alerts.mine")
    if alert.owner is not None:
        return "done", text("alerts.taken")
    return "wait", text("alerts.open")


@router.get("/l/{start}")
async def short(request: Request, principal: Visitor, start: Annotated[str, Path(pattern="^[0-9a-f]{8}$")]) -> Response:
    """A short address out of an SMS."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.by_start(connection, principal.kommun, start)
    if found is None:
        return missing(principal)
    return RedirectResponse(said(found, Known()).path, 303)


@router.get(PATH + "/{alert_id}")
async def one(request: Request, principal: Visitor, alert_id: UUID, tyst: str = "") -> Response:
    """One alert: what, where, why; then what one can do."""
    if not may(principal, *ROLES):
        return denied(principal)
    database: Database = request.app.state.database
    person = UUID(principal.subject)
    async with database.transaction(principal.kommuner) as connection:
        alert = await store.readable(connection, principal.kommun, alert_id, person)
        if alert is None:
            return missing(principal)
        told = await ledger.told_of(connection, principal.kommun, alert_id)
        useful = await store.answered(connection, principal.kommun, alert_id, person)
        quiet = await store.silences(connection, principal.kommun, [alert_id], datetime.now(writing.SWEDEN))
        organisations = dict(await people.organisations(connection, principal.kommun))
    names = await area_names(request, principal)
    who = (await people_names(request)).get(alert.owner) if alert.owner else None
    path, label = _MORE.get(alert.kind, ("", ""))
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        **_shown(alert, names, organisations, person),
        "mine": alert.owner == person,
        "ends": alert.owner == person or principal.may(*FOR_ALL),
        "taken_by": text("alerts.taken_by", who=who) if who else text("alerts.taken_more"),
        "lasting": alert.kind in LASTING and alert.closed_at is None,
        "told": _told(*told),
        "heard": told[0] > 0,
        "taken_at": writing.moment(alert.taken_at) if alert.taken_at else None,
        "useful": useful,
        "quiet": _quiet(quiet, alert_id, person),
        "quiet_for_all": (alert_id, NOBODY) in quiet,
        "for_all": principal.may(*FOR_ALL),
        "more": (path.format(alert.subject_id), text(label)) if path and _reads(principal, alert) else None,
        "notice": text(_DONE[tyst]) if tyst in _DONE else None,
    }
    if alert.kind == "lagesbild":
        context["more"] = (context["said"].path, text("alerts.to_picture"))
    return page("notify/alert.html", context)


def _told(count: int, entries: int, late: int) -> str:
    """How many were told; why nobody was."""
    if not count and entries and late == entries:
        return text("alerts.told_late")
    if not count:
        return text("alerts.told_none")
    return text("alerts.told_one") if count == 1 else text("alerts.told_many", count=writing.whole(count))


def _reads(principal: Principal, alert: Alert) -> bool:
    return alert.kind != "report" or alert.notices == 1 or principal.may(*FOR_ALL)


@router.post(PATH + "/{alert_id}/ta")
async def take(request: Request, principal: Visitor, alert_id: UUID, over: Annotated[str, Form()] = "") -> Response:
    """``Jag tar den``, or take it over from somebody who cannot."""
    if over and not may(principal, *FOR_ALL):
        return denied(principal)
    answering: Answering = request.app.state.answering
    return await _done(principal, alert_id, partial(answering.take, over=bool(over)))


@router.post(PATH + "/{alert_id}/slapp")
async def let_go(request: Request, principal: Visitor, alert_id: UUID) -> Response:
    """Let it go."""
    answering: Answering = request.app.state.answering
    return await _done(principal, alert_id, answering.let_go)


@router.post(PATH + "/{alert_id}/klart")
async def resolve(request: Request, principal: Visitor, alert_id: UUID) -> Response:
    """It is dealt with."""
    answering: Answering = request.app.state.answering
    if not may(principal, *ROLES):
        return denied(principal)
    person, any_one = UUID(principal.subject), principal.may(*FOR_ALL)
    found = await answering.resolve(principal.kommun, alert_id, person, any_one=any_one)
    ended = found is not None and found.closed_at is not None
    done = "?tyst=klart#sagt" if ended else ""
    return missing(principal) if found is None else RedirectResponse(f"{PATH}/{alert_id}{done}", 303)


async def _done(principal: Principal, alert_id: UUID, do: Deed) -> Response:
    if not may(principal, *ROLES):
        return denied(principal)
    found = await do(principal.kommun, alert_id, UUID(principal.subject))
    return missing(principal) if found is None else RedirectResponse(f"{PATH}/{alert_id}", 303)


@router.post(PATH + "/{alert_id}/tyst")
async def silence(request: Request, principal: Visitor, alert_id: UUID, alla: Annotated[str, Form()] = "") -> Response:
    """Quiet until the meeting."""
    if not may(principal, *ROLES) or (alla and not principal.may(*FOR_ALL)):
        return denied(principal)
    answering: Answering = request.app.state.answering
    until = await answering.silence(principal.kommun, alert_id, UUID(principal.subject), everybody=bool(alla))
    said = "alla" if alla else "ja"
    return missing(principal) if until is None else RedirectResponse(f"{PATH}/{alert_id}?tyst={said}#sagt", 303)


@router.post(PATH + "/{alert_id}/hor")
async def hear(request: Request, principal: Visitor, alert_id: UUID, alla: Annotated[str, Form()] = "") -> Response:
    """An end to one's own silence, or to everybody's for who may silence it for all."""
    if not may(principal, *ROLES) or (alla and not principal.may(*FOR_ALL)):
        return denied(principal)
    answering: Answering = request.app.state.answering
    there = await answering.hear(principal.kommun, alert_id, UUID(principal.subject), everybody=bool(alla))
    return RedirectResponse(f"{PATH}/{alert_id}?tyst=nej#sagt", 303) if there else missing(principal)


@router.post(PATH + "/{alert_id}/nyttigt")
async def useful(
    request: Request, principal: Visitor, alert_id: UUID, svar: Annotated[str, Form(pattern="^(ja|nej)$")]
) -> Response:
    """Whether it was useful."""
    if not may(principal, *ROLES):
        return denied(principal)
    answering: Answering = request.app.state.answering
    there = await answering.answer(principal.kommun, alert_id, UUID(principal.subject), useful=svar == "ja")
    return RedirectResponse(f"{PATH}/{alert_id}#nyttigt", 303) if there else missing(principal)
