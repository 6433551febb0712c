"""HTTP for any room: problem details, security headers, who is asking, health and metrics."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime import metrics, openapi, problems, tracing
from services.runtime.errors import is_transient
from services.runtime.logs import logger
from services.runtime.room import Room
from services.runtime.tokens import COOKIE, NotAuthenticated, Principal, Verifier

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CORRELATION = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""It travels into logs and headers, so it must be an id and nothing else."""
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
DRAINED_BYTES, DRAIN_SECONDS = 64 * 2**20, 10.0
"""How much of a body that is too large is taken in, so that its sender hears why it was refused."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_log = logger(__name__)


class LoginNeeded(Exception):
    """A page was asked for without a token: go and get one, then come back."""


def bearer(request: Request) -> str | None:
    """The token or key in the Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def token_of(request: Request) -> str | None:
    """The token of a call: the Authorization header, else the browser's cookie."""
    return bearer(request) or request.cookies.get(COOKIE)


async def principal(request: Request) -> Principal:
    """Dependency of every API route: the principal, or 401."""
    token = token_of(request)
    if token is None:
        raise NotAuthenticated("no token")
    verifier: Verifier = request.app.state.verifier
    return await verifier.principal(token)


async def visitor(request: Request) -> Principal:
    """Dependency of every page: the principal, or off to the login and back."""
    try:
        return await principal(request)
    except NotAuthenticated:
        raise LoginNeeded from None


Caller = Annotated[Principal, Depends(principal)]
Visitor = Annotated[Principal, Depends(visitor)]


def renewal(request: Request) -> RedirectResponse:
    """To the door, which renews the token from the device's long session or asks for a login, and back.

    307 for what was sent: the browser sends it again, so that a form that was open for long is not lost.
    """
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/logga-in/fornya?{urlencode({'till': target})}", 303 if request.method in _SAFE else 307)


def same_origin(request: Request) -> bool:
    """Whether an unsafe browser request comes from our own pages; calls with a header token are not browsers'."""
    if request.method in _SAFE or bearer(request) is not None or not request.cookies:
        return True
    if re.fullmatch(request.app.state.answers_others, request.url.path):
        return True
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def create_app(room: Room) -> FastAPI:
    """The room's serving app. It needs the database and nothing else: Kafka may be down."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(asyncio.to_thread(room.warm)) if room.warm is not None else None
        yield
        if warming is not None:
            await warming
        await room.database.close()

    app = FastAPI(
        title=room.title or f"Lägesbild {room.name}",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"/openapi/{room.name}.json",
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
        max_body_size=room.max_body_bytes,
    )
    app.state.verifier = room.verifier
    app.state.stopping = lambda: False
    app.state.answers_others = room.answers_others
    for key, value in room.state.items():
        setattr(app.state, key, value)
    problems.install(app)

    @app.exception_handler(LoginNeeded)
    async def login(request: Request, _error: LoginNeeded) -> RedirectResponse:
        return renewal(request)

    app.middleware("http")(_around)
    for router in room.routers:
        app.include_router(router)
    _add_health(app, room)
    openapi.describe(app)
    return app


async def _around(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Correlation id, cross-site check, security headers, one log line and one observation per request."""
    given = request.headers.get("x-correlation-id", "")
    correlation = given if _CORRELATION.fullmatch(given) else str(uuid4())
    request.state.correlation_id = correlation
    started, since = time.perf_counter(), tracing.begun()
    with structlog.contextvars.bound_contextvars(correlation_id=correlation):
        response = await _answer(request, call_next)
        route = getattr(request.scope.get("route"), "path", "other")
        seconds = time.perf_counter() - started
        metrics.HTTP_REQUESTS.labels(request.method, route, response.status_code).observe(seconds)
        if route not in _PROBES:
            about = {
                "http.request.method": request.method,
                "http.route": route,
                "http.response.status_code": response.status_code,
            }
            failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            tracing.request(f"{request.method} {route}", correlation, since, failed=failed, attributes=about)
        _log.info("request", method=request.method, route=route, status=response.status_code, ms=round(seconds * 1000))
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Correlation-Id"] = correlation
    return response


async def _answer(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if not same_origin(request):
        return problems.not_allowed("a request from our own pages").response()
    try:
        return await call_next(request)
    except Exception as error:  # noqa: BLE001 - here, so that a failure is counted, logged and answered as any other
        return await problems.unexpected(request, error)


class TooLarge:
    """Outermost: FastAPI's body limit answers in plain text before any middleware of ours; say it as a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, replacing a plain 413."""
        replaced = False

        async def watching(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                kind = dict(message["headers"]).get(b"content-type", b"")
                if kind.startswith(b"text/plain"):
                    replaced = True
                    await _drain(receive)
                    answer = problems.Problem(413, "too-large", "Det är för mycket på en gång.").response()
                    await answer(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, watching)


async def _drain(receive: Receive) -> None:
    """Take in what is still being sent, within bounds: a connection closed on unread data loses the answer."""
    left = DRAINED_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return


def _add_health(app: FastAPI, room: Room) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def alive() -> PlainTextResponse:
        """Liveness: the process answers."""
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    async def ready() -> JSONResponse:
        """Readiness: the database answers too."""
        try:
            async with room.database.transaction() as connection:
                await connection.execute(text("select 1"))
        except Exception as error:
            if not is_transient(error):
                raise
            return JSONResponse({"room": room.name, "ready": False, "trouble": type(error).__name__}, 503)
        return JSONResponse({"room": room.name, "ready": True})

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
