"""Who is asking: short signed tokens that ingest issues and every room verifies by ingest's published keys.

Tokens are Ed25519-signed JWTs. They name a municipality, roles and scopes; the display name is there for the top bar
only and never logged. A room that is asked for a page without a token sends the browser to the login.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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

    @property
    def kommuner(self) -> tuple[str, ...]:
        """Exactly the token's municipality."""
        return (self.kommun,)

    def may(self, *wanted: str) -> bool:
        """Whether any of these roles or scopes is held."""
        return not (self.roles | self.scopes).isdisjoint(wanted)


def issue(key: OKPKey, principal: Principal, *, now: float | None = None, seconds: int = TOKEN_SECONDS) -> str:
    """A signed token for the principal, valid for ``seconds``."""
    issued = int(now if now is not None else time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "iat": issued,
        "exp": issued + seconds,
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


def verify(token: str, keys: KeySet, *, now: float | None = None) -> Principal:
    """The principal in a token; NotAuthenticated when signature, issuer or time is wrong."""
    try:
        decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as wrong:
        raise NotAuthenticated(f"the token cannot be verified ({type(wrong).__name__})") from None
    claims = decoded.claims
    moment = now if now is not None else time.time()
    if claims.get("iss") != ISSUER or not isinstance(claims.get("exp"), int) or claims["exp"] < moment:
        raise NotAuthenticated("the token is too old")
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
    """Verifies tokens with ingest's published keys, fetched when first needed and again for an unknown key."""

    REFETCH_SECONDS = 10.0

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._fetched = 0.0

    async def principal(self, token: str) -> Principal:
        """The principal in the token; NotAuthenticated when it is not good."""
        if self._keys is None:
            await self._refresh()
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
        return verify(token, self._keys)

    async def _refresh(self) -> None:
        self._keys = KeySet.import_key_set(await self._fetch())  # type: ignore[arg-type]  # a dict as JWKS gives it
        self._fetched = time.monotonic()
