"""Logging in at one's own organisation: out to its identity provider, and back with an answer for this browser only.

What the answer must agree with travels in a sealed cookie, so an answer that somebody else began is none. GET begins
nothing but the journey. A SAML answer comes by a form of another site, which brings no cookie of ours: it is checked,
sealed, and taken up in a second step that does.
"""

import json
import time
from dataclasses import asdict
from secrets import token_urlsafe
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from services.ingest.federation import PATH, Identity, Provider, back_path
from services.ingest.gateways.openid import OpenIdProviders, ProviderTrouble
from services.ingest.gateways.saml import SamlProviders
from services.ingest.handlers.federating import Federating
from services.ingest.settings import IngestSettings
from services.ingest.web.login import DEVICE, give_token, local_path, set_cookie, too_often
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.logs import logger
from services.runtime.sealing import Sealer, Unsealable

router = APIRouter(include_in_schema=False)
JOURNEY, ANSWER = "lb_journey", "lb_answer"
ANSWERS = rf"{PATH}/[0-9a-f-]+/svar"
"""Where a SAML provider's page sends its form: what comes is only kept, and taken up in a step of our own."""
JOURNEY_SECONDS = 900
"""How long somebody may take at their provider: a password, a second factor, a look for the phone."""
_log = logger(__name__)


def back_address(settings: IngestSettings, provider: UUID) -> str:
    """The whole address that a provider sends the browser back to."""
    return settings.public_url.rstrip("/") + back_path(provider)


async def _provider(request: Request, ident: UUID) -> Provider | None:
    federating: Federating = request.app.state.federating
    try:
        return await federating.provider(ident)
    except Unsealable:
        _log.error("a provider's secret cannot be opened: the instance's seal secret is another", provider=str(ident))
        return None


def _trouble(key: str, status: int = 502, **values: Any) -> HTMLResponse:
    context = {"heading": text("login.provider_trouble"), "detail": text(f"login.{key}", **values)}
    return page("message.html", frame(None, "/logga-in") | context, status)


def _sealed(request: Request, purpose: str, value: dict[str, Any]) -> str:
    sealer: Sealer = request.app.state.sealer
    return sealer.seal(purpose, json.dumps(value | {"until": time.time() + JOURNEY_SECONDS}))


def _opened(request: Request, purpose: str, sealed: str | None) -> dict[str, Any] | None:
    sealer: Sealer = request.app.state.sealer
    try:
        opened: dict[str, Any] = json.loads(sealer.open(purpose, sealed or ""))
    except Unsealable:
        return None
    return opened if opened["until"] > time.time() else None


@router.get(PATH + "/{ident}")
async def leave(request: Request, ident: UUID, till: Annotated[str, Query()] = "/") -> Response:
    """Off to the provider."""
    if (refused := await too_often(request)) is not None:
        return refused
    provider = await _provider(request, ident)
    if provider is None:
        return _trouble("provider_gone", 404)
    settings: IngestSettings = request.app.state.settings
    back = back_address(settings, ident)
    journey = {"provider": str(ident), "till": local_path(till), "state": token_urlsafe(24)}
    try:
        if provider.kind == "saml":
            saml: SamlProviders = request.app.state.saml
            address, journey["request"] = saml.address(provider, back=back, relay=journey["state"])
        else:
            journey |= {"nonce": token_urlsafe(24), "verifier": token_urlsafe(48)}
            openid: OpenIdProviders = request.app.state.openid
            address = await openid.address(
                provider, back=back, state=journey["state"], nonce=journey["nonce"], verifier=journey["verifier"]
            )
    except ProviderTrouble as trouble:
        _log.error("identity provider", provider=str(ident), trouble=str(trouble))
        return _trouble("provider_away", name=provider.name)
    response = RedirectResponse(address, 303)
    set_cookie(response, settings, JOURNEY, _sealed(request, "journey", journey), seconds=JOURNEY_SECONDS, path=PATH)
    return response


@router.get(PATH + "/{ident}/svar")
async def come_back(
    request: Request,
    ident: UUID,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Back from an OpenID Connect provider with a code."""
    journey = _opened(request, "journey", request.cookies.get(JOURNEY))
    provider = await _provider(request, ident)
    if journey is None or provider is None or (journey["provider"], journey["state"]) != (str(ident), state):
        return _trouble("provider_stale", 400)
    if not code:
        return _trouble("provider_cancelled", 400, name=provider.name)
    openid: OpenIdProviders = request.app.state.openid
    settings: IngestSettings = request.app.state.settings
    try:
        identity = await openid.identity(
            provider,
            code=code,
            back=back_address(settings, ident),
            nonce=journey["nonce"],
            verifier=journey["verifier"],
        )
    except ProviderTrouble as trouble:
        _log.error("identity provider", provider=str(ident), trouble=str(trouble))
        return _trouble("provider_away", name=provider.name)
    return await _enter(request, provider, identity, journey["till"])


@router.post(PATH + "/{ident}/svar")
async def take_answer(
    request: Request,
    ident: UUID,
    answer: Annotated[str, Form(alias="SAMLResponse", max_length=500_000)],
    relay: Annotated[str, Form(alias="RelayState", max_length=200)] = "",
) -> Response:
    """A SAML answer, by a form of the provider's page. It is only kept for the next step, which brings our cookie."""
    provider = await _provider(request, ident)
    if provider is None or provider.kind != "saml":
        return _trouble("provider_gone", 404)
    saml: SamlProviders = request.app.state.saml
    settings: IngestSettings = request.app.state.settings
    back = back_address(settings, ident)
    try:
        identity, asked = saml.identity(provider, back=back, answer=answer)
    except ProviderTrouble as trouble:
        _log.error("identity provider", provider=str(ident), trouble=str(trouble))
        return _trouble("provider_away", name=provider.name)
    # The groups that matter, no more: a cookie has no room for all that somebody is in.
    said = asdict(identity) | {"groups": sorted(identity.groups & provider.groups)}
    held = {"provider": str(ident), "state": relay, "request": asked, "identity": said}
    response = RedirectResponse(f"{PATH}/{ident}/klar", 303)
    set_cookie(response, settings, ANSWER, _sealed(request, "answer", held), seconds=60, path=PATH)
    return response


@router.get(PATH + "/{ident}/klar")
async def take_up(request: Request, ident: UUID) -> Response:
    """The second step of a SAML answer: taken up by the browser that began, and no other."""
    journey = _opened(request, "journey", request.cookies.get(JOURNEY))
    held = _opened(request, "answer", request.cookies.get(ANSWER))
    provider = await _provider(request, ident)
    same = ("provider", "state", "request")
    if journey is None or held is None or provider is None or any(journey.get(k) != held.get(k) for k in same):
        return _trouble("provider_stale", 400)
    if held["provider"] != str(ident):
        return _trouble("provider_stale", 400)
    said = held["identity"]
    return await _enter(request, provider, Identity(**said | {"groups": frozenset(said["groups"])}), journey["till"])


async def _enter(request: Request, provider: Provider, identity: Identity, till: str) -> Response:
    settings: IngestSettings = request.app.state.settings
    federating: Federating = request.app.state.federating
    entered = await federating.enter(provider, identity, settings.staff_hours)
    if entered.session is None:
        return _trouble(f"refused_{entered.refused}", 403, name=provider.name, kommun=provider.kommun_name)
    response = RedirectResponse(till, 303)
    for name in (JOURNEY, ANSWER):
        response.delete_cookie(name, path=PATH)
    set_cookie(response, settings, DEVICE, entered.session, seconds=round(settings.staff_hours * 3600))
    person = await request.app.state.people.by_session(entered.session)
    if person is not None:
        await give_token(request, response, person)
    return response


@router.post(PATH + "/{ident}/utloggad")
async def signed_out(
    request: Request, ident: UUID, logout_token: Annotated[str, Form(max_length=20_000)]
) -> PlainTextResponse:
    """The provider tells that somebody signed out there (Back-Channel Logout §2.5): it holds here at once."""
    provider = await _provider(request, ident)
    answered = {"Cache-Control": "no-store"}
    if provider is None or provider.kind != "oidc":
        return PlainTextResponse("unknown provider", 400, headers=answered)
    openid: OpenIdProviders = request.app.state.openid
    federating: Federating = request.app.state.federating
    try:
        subject, session = await openid.signed_out(provider, logout_token)
    except ProviderTrouble as trouble:
        _log.error("identity provider", provider=str(ident), trouble=str(trouble))
        return PlainTextResponse("invalid logout_token", 400, headers=answered)
    await federating.signed_out(provider, subject, session)
    return PlainTextResponse("", 200, headers=answered)
