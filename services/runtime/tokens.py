"""Who is asking: short signed tokens that ingest issues and every room verifies by ingest's published keys.

Tokens are Ed25519-signed JWTs. They name a municipality, roles and scopes; the display name is there for the top bar
only and never logged. A room that is asked for a page without a token sends the browser to the login.

Beside its keys ingest publishes whose older tokens no longer hold: after a sign-out, a change of roles, an erasure.
Every room knows within ``Verifier.FRESH_SECONDS``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ISSUER = "lagesbild"
ALGORITHM = "Ed25519"
COOKIE = "lb_token"
TOKEN_SECONDS = 300
Kind = Literal["person", "client", "service"]


class NotAuthenticated(Exception):
    """No usable token; the text says why, without repeating the token."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. ``kommuner`` is what their transactions may see; a service may name one per request."""

    subject: str
    kind: Kind
    kommun: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    name: str = ""
    kommun_name: str = ""
    invented: bool = False
    known_at: float | None = field(default=None, compare=False)
    """Unix time at which ingest had read this; a token is as old as what it says, not as its signature."""

    @property
    def kommuner(self) -> tuple[str, ...]:
        """Exactly the token's municipality."""
        return (self.kommun,)

    def may(self, *wanted: str) -> bool:
        """Whether any of these roles or scopes is held."""
        return not (self.roles | self.scopes).isdisjoint(wanted)


def issue(key: OKPKey, principal: Principal, *, now: float | None = None, seconds: int = TOKEN_SECONDS) -> str:
    """A signed token for the principal, valid for ``seconds`` from when the principal was read."""
    moment = now if now is not None else principal.known_at
    issued = round(moment if moment is not None else time.time(), 3)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "iat": issued,
        "exp": int(issued) + seconds,
        "sub": principal.subject,
        "kind": principal.kind,
        "kommun": principal.kommun,
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
        "name": principal.name,
        "kommun_name": principal.kommun_name,
        "invented": principal.invented,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid or ""}, claims, key, algorithms=[ALGORITHM])


def subject_digest(kommun: str, subject: str) -> str:
    """Whose something is, without saying who: 24 hexadecimal digits."""
    return blake2b(f"{kommun}/{subject}".encode(), digest_size=12).hexdigest()


def verify(
    token: str, keys: KeySet, *, now: float | None = None, revoked: Mapping[str, float] | None = None
) -> Principal:
    """The principal in a token; NotAuthenticated when signature, issuer or time is wrong, or it was revoked.

    ``revoked``: digest of the subject → Unix time up to which its tokens no longer hold.
    """
    try:
        decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as wrong:
        raise NotAuthenticated(f"the token cannot be verified ({type(wrong).__name__})") from None
    claims = decoded.claims
    moment = now if now is not None else time.time()
    if claims.get("iss") != ISSUER or not isinstance(claims.get("exp"), int) or claims["exp"] < moment:
        raise NotAuthenticated("the token is too old")
    if claims["iat"] <= (revoked or {}).get(subject_digest(claims["kommun"], claims["sub"]), 0):
        raise NotAuthenticated("the token was revoked")
    return Principal(
        subject=claims["sub"],
        kind=claims["kind"],
        kommun=claims["kommun"],
        roles=frozenset(claims["roles"]),
        scopes=frozenset(claims["scopes"]),
        name=claims["name"],
        kommun_name=claims["kommun_name"],
        invented=claims["invented"],
    )


class Verifier:
    """Verifies tokens with what ingest publishes: its keys, and whose older tokens no longer hold.

    That is fetched when first needed, again when it is older than ``FRESH_SECONDS``, and at once for an unknown key.
    While ingest does not answer what is known holds on: no token outlives ``TOKEN_SECONDS``.
    """

    FRESH_SECONDS = 20.0
    REFETCH_SECONDS = 10.0
    PATIENCE_SECONDS = 5.0
    """How long a failed attempt to fetch is not repeated."""

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]], *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fetch, self._fresh = fetch, fresh_seconds
        self._keys: KeySet | None = None
        self._revoked: Mapping[str, float] = {}
        self._fetched = self._failed = -1e9
        self._lock = asyncio.Lock()

    async def principal(self, token: str) -> Principal:
        """The principal in the token; NotAuthenticated when it is not good."""
        await self._freshen()
        try:
            return self._verify(token)
        except NotAuthenticated:
            if time.monotonic() - self._fetched < self.REFETCH_SECONDS:
                raise
            await self._refresh()
            return self._verify(token)

    def _verify(self, token: str) -> Principal:
        if self._keys is None:
            raise NotAuthenticated("the keys of the issuer are not known yet")
        return verify(token, self._keys, revoked=self._revoked)

    async def _freshen(self) -> None:
        if self._keys is None:
            await self._refresh()
            return
        async with self._lock:  # who comes meanwhile waits for the same answer
            now = time.monotonic()
            if now - self._fetched < self._fresh or now - self._failed < self.PATIENCE_SECONDS:
                return
            try:
                await self._refresh()
            except Exception:  # noqa: BLE001 - whatever keeps ingest from answering, the keys that we have still hold
                self._failed = time.monotonic()

    async def _refresh(self) -> None:
        published = await self._fetch()
        self._keys = KeySet.import_key_set({"keys": published["keys"]})
        self._revoked = published.get("revoked", {})
        self._fetched = time.monotonic()
