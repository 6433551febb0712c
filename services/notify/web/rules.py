"""Regler: how messages are routed, changed rule by rule, and who would get an example before anything is saved."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from services.notify.api.plan import READERS
from services.notify.domain.plan import Plan, in_order
from services.notify.handlers.planning import Planning
from services.notify.store import people, plans, rotas
from services.notify.web import groups, rule_forms, times, trying
from services.notify.web.access import denied, may, people_names, tabs, writes
from services.notify.web.offered import offered
from services.notify.web.rule_words import Words, shown
from services.notify.web.usefulness import useful
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/utskick/regler"
_DONE = ("rule", "removed", "order", "times", "group", "group_removed", "invitation")


@router.get(PATH)
async def listed(request: Request, principal: Visitor, klart: str = "") -> Response:
    """The rules in the order in which they are looked at, and an example to try them with."""
    if not may(principal, *READERS):
        return denied(principal)
    notice = text(f"rules_page.done_{klart}") if klart in _DONE else None
    return await _page(request, principal, notice=notice)


@router.post(PATH + "/prova")
async def tried(request: Request, principal: Visitor) -> Response:
    """Who would get the example: by the rules in force, or by a draft that stands in the form. Nothing is stored."""
    if not may(principal, *READERS):
        return denied(principal)
    form = await request.form()
    revision, plan, _ = await _plan(request, principal)
    draft, fault = None, None
    if "name" in form:
        try:
            draft = rule_forms.changed(plan, form)
        except ValueError as bad:
            fault = rule_forms.why(bad)
    return await _page(request, principal, form=form, draft=draft, fault=fault, revision=revision)


@router.post(PATH)
async def saved(request: Request, principal: Visitor) -> Response:
    """Keep a changed, new or removed rule."""
    return await _changed(request, principal, rule_forms.changed, "rule")


@router.post(PATH + "/ordning")
async def ordered(request: Request, principal: Visitor) -> Response:
    """Look at a rule earlier or later than the one beside it."""
    return await _changed(request, principal, rule_forms.moved, "order")


@router.post(PATH + "/tider")
async def timed(request: Request, principal: Visitor) -> Response:
    """Quiet hours, the meeting, the cap, and whether an open signal holds back single reports."""
    return await _changed(request, principal, times.with_times, "times")


@router.post(PATH + "/grupp")
async def grouped(request: Request, principal: Visitor) -> Response:
    """Keep a new, changed or removed group of people."""
    return await _changed(request, principal, groups.with_group, "group")


@router.post(PATH + "/kallelse")
async def invited(request: Request, principal: Visitor) -> Response:
    """A calendar's invitation to everybody who gets the agenda."""
    if not writes(principal):
        return denied(principal)
    planning: Planning = request.app.state.planning
    if not await planning.invite(principal.kommun):
        return await _page(request, principal, fault=text("rules_page.invited_nobody"), status=409)
    return RedirectResponse(f"{PATH}?klart=invitation#sagt", 303)


@router.get(PATH + "/prova")
@router.get(PATH + "/ordning")
@router.get(PATH + "/tider")
@router.get(PATH + "/grupp")
@router.get(PATH + "/kallelse")
async def bare() -> Response:
    """A form's address in the address bar: there is only the page."""
    return RedirectResponse(PATH, 303)


async def _changed(
    request: Request, principal: Principal, make: Callable[[Plan, FormData], Plan], what: str
) -> Response:
    """Save what the form makes of the plan; a fault, or somebody else's change, shows it as it was filled in."""
    if not writes(principal):
        return denied(principal)
    form = await request.form()
    revision, plan, _ = await _plan(request, principal)
    try:
        new = make(plan, form)
    except ValueError as bad:
        return await _page(request, principal, form=form, fault=rule_forms.why(bad), status=422)
    planning: Planning = request.app.state.planning
    seen = str(form.get("revision", ""))
    if seen != str(revision) or not await planning.save(principal.kommun, revision, new):
        if what == "order":  # nothing was written in this form
            return await _page(request, principal, fault=text("rules_page.overtaken_more"), status=409)
        return await _page(request, principal, form=form, fault=text("rules_page.overtaken_kept"), status=409)
    removed = {"rule": "removed", "group": "group_removed"}.get(what, what)
    return RedirectResponse(f"{PATH}?klart={removed if form.get('do') == 'bort' else what}#sagt", 303)


async def _plan(request: Request, principal: Principal) -> tuple[int, Plan, dict[str, Any]]:
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        revision, plan = await plans.plan(connection, principal.kommun)
        more = {
            "organisations": await people.organisations(connection, principal.kommun),
            "places": [
                (p.destination_id, p.label) for p in await plans.places(connection, principal.kommun) if p.active
            ],
            "rotas": [r.name for r in await rotas.listed(connection, principal.kommun)],
        }
    return revision, plan, more


async def _page(
    request: Request,
    principal: Principal,
    *,
    form: FormData | None = None,
    draft: Plan | None = None,
    fault: str | None = None,
    notice: str | None = None,
    revision: int | None = None,
    status: int = 200,
) -> Response:
    current_revision, plan, more = await _plan(request, principal)
    choices, who = await offered(request, principal), await people_names(request)
    words = Words(choices.names, who, dict(more["places"]), dict(more["organisations"]), choices.type_names)
    filled = rule_forms.filled(form, plan, str(request.query_params.get("regel", "")))
    asked = trying.of_rule(filled, choices) if form is None else trying.of_form(form, choices)
    planning: Planning = request.app.state.planning
    answer = None
    if form is not None and fault is None and "example_kind" in form:
        answer = await trying.tried(planning, principal.kommun, asked, words, plan=plan, draft=draft)
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "rules": [shown(*one, words) for one in in_order(plan.root)],
        "holds": [text("rules_page.hold", by=text(f"voice.kind_{h.by}"), kind=text(f"voice.kind_{h.kind}"),
                       severity=text(f"report.severity_{h.up_to_severity}")) for h in plan.holds],
        "quiet": text("rules_page.quiet", begins=plan.quiet.begins.strftime("%H.%M"),
                      ends=plan.quiet.ends.strftime("%H.%M")),
        "plan": plan,
        "meets": times.meets(plan.meeting),
        "cap": text("rules_page.cap", count=plan.messages_per_hour or request.app.state.per_hour),
        "cap_hint": text("rules_page.field_cap_hint", count=request.app.state.per_hour),
        "writes": writes(principal),
        "revision": current_revision if revision is None else revision,
        "form": filled,
        "people": sorted(((str(i), n) for i, n in who.items()), key=lambda pair: pair[1]),
        "group": groups.group(plan, str(request.query_params.get("grupp", "")), form),
        "times": times.filled(plan, form),
        "choices": rule_forms.choices(choices, more, plan, words, filled),
        "asked": asked.asked,
        "clock": asked.clock,
        "severity": asked.severity,
        "answer": answer,
        "drafted": draft is not None,
        "useful": await useful(request, plan),
        "fault": fault,
        "notice": notice,
    }  # fmt: skip
    return page("notify/rules.html", context, status)
