"""``/v1/routing``: a municipality's plan, what it would do with an example, and the places outside."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import Severity
from services.notify.domain.notices import Notice, Ruled
from services.notify.domain.plan import AreaName, Label, Plan, Slug, State, TypePrefix, unruled
from services.notify.domain.routing import Receiver
from services.notify.handlers.planning import BadAddress, Explained, Planning
from services.notify.store import plans as store
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import Problem, not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["routing"])
READERS = ("analytiker", "administrator")
WRITER = "administrator"


class PlanOut(BaseModel):
    """The plan in force; ``revision`` 0 is the default. Save with the revision that you have seen."""

    revision: int
    plan: Plan


class ExampleIn(BaseModel):
    """A made-up message: nothing is stored and nobody is told. ``plan`` null: the one in force."""

    model_config = ConfigDict(extra="forbid")
    kind: Ruled = "report"
    state: State = "opened"
    area: AreaName | None = None
    event_type: TypePrefix | None = None
    severity: Severity | None = None
    source: Slug | None = None
    plan: Plan | None = None


class ToldOut(BaseModel):
    """One receiver: by which rules, how and when. ``rules`` are labels, outermost first."""

    receiver: Literal["person", "destination"]
    receiver_id: UUID
    rule: str
    path: list[str]
    how: str
    urgent: bool
    at: datetime
    ways: list[str]


PlaceKind = Literal["mail", "teams", "webhook", "ntfy", "apprise"]


class PlaceIn(BaseModel):
    """A place outside: a department's mailbox, a Teams flow, a signed webhook, an ntfy topic, a service of Apprise.

    ``url`` of a mailbox is its e-mail address; nobody's own. ``secret`` signs, or lets in.
    """

    model_config = ConfigDict(extra="forbid")
    kind: PlaceKind
    label: Label
    url: Annotated[str, StringConstraints(min_length=6, max_length=2000)]
    secret: Annotated[str, StringConstraints(max_length=200)] = ""


class PlaceOut(BaseModel):
    """A place outside without its address."""

    destination_id: UUID
    kind: str
    label: str
    active: bool
    proven_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None


class RotaIn(BaseModel):
    """A duty rota's calendar address (iCalendar over https)."""

    model_config = ConfigDict(extra="forbid")
    name: Slug
    url: Annotated[str, StringConstraints(min_length=8, max_length=2000)] = Field(repr=False)


def reader(principal: Principal) -> None:
    """403 unless the caller may see how messages are routed."""
    if principal.kind != "person" or not principal.may(*READERS):
        raise not_allowed(" or ".join(READERS))


def writer(principal: Principal) -> None:
    """403 unless the caller may change it."""
    if principal.kind != "person" or not principal.may(WRITER):
        raise not_allowed(WRITER)


@router.get("/routing")
async def get_plan(request: Request, principal: Caller) -> PlanOut:
    """The plan in force."""
    reader(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        revision, plan = await store.plan(connection, principal.kommun)
    return PlanOut(revision=revision, plan=plan)


@router.put("/routing")
async def put_plan(request: Request, body: PlanOut, principal: Caller) -> PlanOut:
    """Save a plan after ``revision``; 409 when somebody else has saved one meanwhile."""
    writer(principal)
    if idle := unruled(body.plan):
        kinds = ", ".join(text(f"voice.kind_{kind}") for kind in sorted(idle))
        raise Problem(422, "no-such-rule", text("rules_page.unruled", kinds=kinds))
    planning: Planning = request.app.state.planning
    if not await planning.save(principal.kommun, body.revision, body.plan):
        raise overtaken()
    return PlanOut(revision=body.revision + 1, plan=body.plan)


@router.post("/routing/invitation", status_code=202)
async def invite(request: Request, principal: Caller) -> dict[str, int]:
    """Invite everybody who gets the agenda to the standing meeting, by calendar; a later one takes its place."""
    writer(principal)
    planning: Planning = request.app.state.planning
    return {"invited": await planning.invite(principal.kommun)}


def overtaken() -> Problem:
    """Somebody else saved meanwhile."""
    return Problem(409, "overtaken", "Någon annan har ändrat reglerna. Läs in sidan igen och gör om din ändring.")


@router.post("/routing/explain")
async def explain(request: Request, body: ExampleIn, principal: Caller) -> list[ToldOut]:
    """Who would be told of an example, how and why."""
    reader(principal)
    planning: Planning = request.app.state.planning
    found = await planning.explain(principal.kommun, example(principal.kommun, body), body.plan)
    return [told_out(e) for e in found]


def example(kommun: str, body: ExampleIn) -> Notice:
    """The notice that an example stands for.

    Only reports have a severity, a source and the municipality's own areas: all else lies in the national ones.
    """
    now = datetime.now(UTC)
    ident, reported = uuid4(), body.kind == "report"
    area = body.area if reported or (body.area or "").startswith("regso/") else None
    areas = frozenset() if area is None else frozenset({tuple(area.split("/", 1))})
    return Notice(
        kommun=kommun, notice_id=ident, kind=body.kind, state=body.state, subject_id=ident,
        areas=areas,  # type: ignore[arg-type]  # the pattern has exactly one slash
        event_type=body.event_type, severity=body.severity if reported else None,
        source=body.source if reported else None, at=now, ended=None, event={}, correlation_id=str(ident),
    )  # fmt: skip


def told_out(one: Explained) -> ToldOut:
    """As the API says it."""
    receiver: Receiver = one.told.receiver
    return ToldOut(
        receiver=receiver.kind, receiver_id=receiver.ident, rule=one.told.policy.rule,
        path=list(one.told.policy.path), how=one.told.policy.how, urgent=one.told.policy.urgent, at=one.at,
        ways=list(one.ways),
    )  # fmt: skip


@router.get("/destinations")
async def places(
    request: Request, principal: Caller, ended: Annotated[bool, Query(description="also ended ones")] = False
) -> list[PlaceOut]:
    """The places outside, without their addresses."""
    reader(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.places(connection, principal.kommun)
    return [PlaceOut.model_validate(r, from_attributes=True) for r in found if r.active or ended]


@router.post("/destinations", status_code=201)
async def add_place(request: Request, body: PlaceIn, principal: Caller) -> PlaceOut:
    """Add a place outside. The address is looked at, sealed, and never shown again."""
    writer(principal)
    planning: Planning = request.app.state.planning
    try:
        ident = await planning.add_place(
            principal.kommun, kind=body.kind, label=body.label, url=body.url, secret=body.secret
        )
    except BadAddress as bad:
        raise Problem(422, "bad-address", str(bad)) from None
    return PlaceOut(destination_id=ident, kind=body.kind, label=body.label, active=True)


@router.delete("/destinations/{destination_id}", status_code=204)
async def end_place(request: Request, destination_id: UUID, principal: Caller) -> None:
    """Nothing goes there any more; its address is forgotten."""
    writer(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        if not await store.end_place(connection, principal.kommun, destination_id):
            raise not_found("destination")


@router.put("/rotas", status_code=204)
async def put_rota(request: Request, body: RotaIn, principal: Caller) -> None:
    """Add or replace a duty rota's address; its shifts are read within a quarter of an hour."""
    writer(principal)
    planning: Planning = request.app.state.planning
    try:
        await planning.put_rota(principal.kommun, body.name, body.url)
    except BadAddress as bad:
        raise Problem(422, "bad-address", str(bad)) from None
