"""Logging in by an e-mailed code, and the short token that every room verifies.

The main path is a code, not a link: scanners open links and press buttons. The attempt is bound to the browser that
asked, by a cookie; GET never logs anybody in.
"""

import re
from contextlib import suppress
from email.message import EmailMessage
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, BackgroundTasks, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.ingest.federation import Provider
from services.ingest.gateways.mail import Mailer, login_mail
from services.ingest.gateways.openid import OpenIdProviders, ProviderTrouble
from services.ingest.handlers.federating import Federating
from services.ingest.handlers.people import People
from services.ingest.settings import IngestSettings
from services.pages.frame import frame, start_of
from services.pages.render import page
from services.runtime.errors import Permanent
from services.runtime.logs import logger
from services.runtime.mail import ADDRESS, MailDelayed
from services.runtime.problems import Problem
from services.runtime.rates import Rate
from services.runtime.tokens import COOKIE, TOKEN_SECONDS, Principal

router = APIRouter(include_in_schema=False)
DEVICE, NONCE = "lb_device", "lb_login"
_ADDRESS = re.compile(ADDRESS)
_log = logger(__name__)


def local_path(target: str) -> str:
    """The target if it is a path of ours, else the start page: no redirect leaves the site."""
    parts = urlsplit(target)
    safe = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if safe else "/"


def set_cookie(
    response: Response, settings: IngestSettings, name: str, value: str, *, seconds: int, path: str = "/"
) -> None:
    """A cookie that no script reads and no other site sends along with a form."""
    response.set_cookie(
        name, value, max_age=seconds, path=path, httponly=True, samesite="lax", secure=settings.cookies_are_secure
    )


async def signed_in(request: Request) -> Principal | None:
    """The person behind this browser's device session."""
    session = request.cookies.get(DEVICE)
    people: People = request.app.state.people
    return await people.by_session(session) if session else None


async def give_token(request: Request, response: Response, person: Principal) -> None:
    """Put a fresh short token into the browser."""
    people: People = request.app.state.people
    set_cookie(response, request.app.state.settings, COOKIE, await people.token(person), seconds=TOKEN_SECONDS)


async def too_often(request: Request) -> HTMLResponse | None:
    """The page to show after too many attempts from one network address."""
    rate: Rate = request.app.state.logins_rate
    try:
        await rate.count(request.client.host if request.client is not None else "unknown")
    except Problem as problem:
        page = _login_page(request, problem.status, error="login.too_often")
        page.headers.update(problem.headers or {})
        return page
    return None


def _login_page(request: Request, status: int = 200, **extra: Any) -> HTMLResponse:
    settings: IngestSettings = request.app.state.settings
    context = frame(None, "/logga-in") | {
        "mailbox": settings.mailbox_path,
        "minutes": settings.code_minutes,
        "error": None,
        "email": "",
        "step": "address",
        "choices": (),
        "code": "",
        "target": "/",
        "ways": (),
        "passkeys": request.app.state.passkeys.ready,
    }
    return page("ingest/login.html", context | extra, status)


@router.get("/")
async def start(request: Request) -> RedirectResponse:
    """To the first page by role, or to the login."""
    person = await signed_in(request)
    response = RedirectResponse(start_of(person) if person is not None else "/logga-in", 303)
    if person is not None:
        await give_token(request, response, person)
    return response


@router.get("/logga-in")
async def ask_address(request: Request, till: Annotated[str, Query()] = "/") -> HTMLResponse:
    """The first step, or off to one's own organisation's login."""
    federating: Federating = request.app.state.federating
    target = local_path(till)
    ways = [(f"/logga-in/med/{p.ident}?{urlencode({'till': target})}", p) for p in await federating.providers()]
    return _login_page(request, target=target, ways=ways)


@router.post("/logga-in")
async def send_code(
    request: Request,
    background: BackgroundTasks,
    email: Annotated[str, Form()] = "",
    till: Annotated[str, Form()] = "/",
) -> HTMLResponse:
    """Send a code if the address is known; the page says the same either way."""
    settings: IngestSettings = request.app.state.settings
    people: People = request.app.state.people
    if (refused := await too_often(request)) is not None:
        return refused
    address = email.strip()
    if not _ADDRESS.match(address) or len(address) > 200:
        return _login_page(request, 422, error="login.wrong_email", email=address, target=local_path(till))
    started = await people.start_login(address, settings.code_minutes)
    if started.send_to is not None:  # after the answer: its time must not tell who is registered
        mail = login_mail(settings.mail_from, started.send_to, started.code, settings.code_minutes)
        background.add_task(_send, request.app.state.mailer, mail)
    response = _login_page(request, step="code", target=local_path(till))
    set_cookie(response, settings, NONCE, started.nonce, seconds=settings.code_minutes * 60, path="/logga-in")
    return response


async def _send(mailer: Mailer, mail: EmailMessage) -> None:
    try:
        await mailer.send(mail)
    except (MailDelayed, Permanent) as error:
        _log.error("login mail failed", error=type(error).__name__)


@router.post("/logga-in/kod")
async def enter_code(
    request: Request,
    code: Annotated[str, Form()] = "",
    till: Annotated[str, Form()] = "/",
    kommun: Annotated[str, Form()] = "",
) -> Response:
    """The second step: the right code in the right browser starts a device session, after a choice if there is one."""
    settings: IngestSettings = request.app.state.settings
    people: People = request.app.state.people
    if (refused := await too_often(request)) is not None:
        return refused
    digits = re.sub(r"\D", "", code)
    nonce = request.cookies.get(NONCE)
    entered = None
    if nonce and len(digits) == 6:
        entered = await people.finish_login(nonce, digits, settings.device_days, kommun or None)
    if entered is None:
        return _login_page(request, 422, step="code", error="login.wrong", target=local_path(till))
    if entered.session is None:
        return _login_page(request, step="choose", target=local_path(till), choices=entered.choices, code=digits)
    session = entered.session
    response = RedirectResponse(local_path(till), 303)
    set_cookie(response, settings, DEVICE, session, seconds=settings.device_days * 86_400)
    response.delete_cookie(NONCE, path="/logga-in")
    person = await people.by_session(session)
    if person is not None:
        await give_token(request, response, person)
    return response


@router.api_route("/logga-in/fornya", methods=["GET", "POST"])
async def renew(request: Request, till: Annotated[str, Query()] = "/") -> RedirectResponse:
    """A fresh token from the device session, then back, with what was sent; to the login when there is none."""
    person = await signed_in(request)
    if person is None:
        response = RedirectResponse("/logga-in", 303)
        response.delete_cookie(COOKIE)
        return response
    response = RedirectResponse(local_path(till), 303 if request.method == "GET" else 307)
    await give_token(request, response, person)
    return response


@router.post("/logga-ut")
async def sign_out(request: Request) -> Response:
    """End this device's session; who came by another login is shown the way to sign out there too."""
    session = request.cookies.get(DEVICE)
    onward = None
    if session:
        people: People = request.app.state.people
        federating: Federating = request.app.state.federating
        onward = await federating.provider_of(session)
        await people.end_session(session)
    response: Response = RedirectResponse("/logga-in", 303)
    if onward is not None:
        response = await _signed_out_page(request, onward)
    response.delete_cookie(DEVICE)
    response.delete_cookie(COOKIE)
    return response


async def _signed_out_page(request: Request, provider: Provider) -> HTMLResponse:
    """Signed out here, and perhaps not there: on a shared computer the next one would come in by one click."""
    openid: OpenIdProviders = request.app.state.openid
    settings: IngestSettings = request.app.state.settings
    address = None
    if provider.kind == "oidc":
        with suppress(ProviderTrouble):
            address = await openid.sign_out_address(provider, back=f"{settings.public_url.rstrip('/')}/logga-in")
    context = {"name": provider.name, "address": address}
    return page("ingest/signed_out.html", frame(None, "/logga-in") | context)
