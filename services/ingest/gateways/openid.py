"""A municipality's OpenID Connect provider: where to send the browser, and who came back (OpenID Connect Core 1.0).

Authorization code with PKCE and a nonce. Every answer is checked: issuer, audience, signature by the published keys,
time, nonce, hash of the access token. Signing out there reaches us by OpenID Connect Back-Channel Logout 1.0.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.ingest.federation import Identity, Provider

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures by a published key only: never ``none``, never our own secret."""
LEEWAY_SECONDS = 60
METADATA_SECONDS = 3600.0
ASK_AGAIN_SECONDS = 60.0
"""A token that no known key fits makes us ask for the keys again, not more often than this: anybody can send one."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class LogoutToken(CodeIDToken):  # type: ignore[misc]  # authlib ships no types
    """A logout token (Back-Channel Logout §2.4) names a subject, a session, or both."""

    ESSENTIAL_CLAIMS = ("iss", "aud", "iat", "exp")


class ProviderTrouble(Exception):
    """The provider does not answer, or not as the standard says; the text names what, without what was sent."""


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    metadata: dict[str, Any]
    keys: KeySet


def safe_address(url: str) -> bool:
    """Whether an address may be asked: https, or this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"})


class OpenIdProviders:
    """Talks with any of them; their published metadata and keys are kept for an hour."""

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._known: dict[str, _Known] = {}

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=10, transport=self._transport)

    async def about(self, issuer: str, *, again: bool = False) -> _Known:
        """The provider's metadata and keys. ProviderTrouble."""
        known = self._known.get(issuer)
        if known is not None and not again and time.monotonic() - known.at < METADATA_SECONDS:
            return known
        if not safe_address(issuer):
            raise ProviderTrouble("the issuer must be an https address")
        async with self._client() as http:
            metadata = await _json(http, issuer.rstrip("/") + "/.well-known/openid-configuration")
            if metadata.get("issuer") != issuer:
                raise ProviderTrouble(f"its configuration names another issuer: {metadata.get('issuer')}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not safe_address(str(metadata.get(name, ""))):
                    raise ProviderTrouble(f"its {name} is missing or not https")
            published = await _json(http, metadata["jwks_uri"])
        try:
            # Keys for encryption, or of kinds that we do not know, are none of ours.
            keys = KeySet.import_key_set({"keys": [k for k in published["keys"] if k.get("use", "sig") == "sig"]})
        except (JoseError, ValueError, KeyError, TypeError) as wrong:
            raise ProviderTrouble(f"its keys cannot be read ({type(wrong).__name__})") from wrong
        self._known[issuer] = _Known(time.monotonic(), metadata, keys)
        return self._known[issuer]

    async def address(self, provider: Provider, *, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser; it comes back to ``back`` with a code. ProviderTrouble."""
        known = await self.about(provider.settings["issuer"])
        return str(
            prepare_grant_uri(
                known.metadata["authorization_endpoint"],
                client_id=provider.settings["client_id"],
                response_type="code",
                redirect_uri=back,
                scope=provider.settings.get("scope") or SCOPE,
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def identity(self, provider: Provider, *, code: str, back: str, nonce: str, verifier: str) -> Identity:
        """Who came back with this code. ProviderTrouble."""
        known = await self.about(provider.settings["issuer"])
        client = str(provider.settings["client_id"])
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        async with self._client() as http:
            try:
                # RFC 6749 §2.3.1; a public client has no secret and names itself.
                basic = httpx.BasicAuth(_quoted(client), _quoted(provider.secret)) if provider.secret else None
                named = form if provider.secret else form | {"client_id": client}
                answer = await http.post(known.metadata["token_endpoint"], data=named, auth=basic or httpx.Auth())
            except httpx.HTTPError as error:
                raise ProviderTrouble(f"it does not answer ({type(error).__name__})") from error
        body = _object(answer)
        if answer.status_code != httpx.codes.OK or not isinstance(body.get("id_token"), str):
            raise ProviderTrouble(f"it refused the code (status {answer.status_code}, {str(body.get('error'))[:60]})")
        claims = await self._claims(provider, body["id_token"], nonce=nonce, access_token=body.get("access_token"))
        return Identity(
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            verified=claims.get("email_verified") is True or bool(provider.settings.get("trust_email")),
            name=str(claims.get("name") or "")[:120],
            groups=frozenset(_listed(claims, str(provider.settings.get("groups_claim") or "groups"))),
            session=str(claims["sid"]) if claims.get("sid") else None,
        )

    async def signed_out(self, provider: Provider, logout_token: str) -> tuple[str | None, str | None]:
        """(subject, session) that a logout token names (Back-Channel Logout §2.4–2.6). ProviderTrouble."""
        claims = await self._claims(provider, logout_token, kind=LogoutToken)
        events = claims.get("events")
        subject, session = claims.get("sub"), claims.get("sid")
        if "nonce" in claims or not isinstance(events, dict) or LOGOUT_EVENT not in events or not (subject or session):
            raise ProviderTrouble("it is no logout token")
        return (str(subject) if subject else None), (str(session) if session else None)

    async def sign_out_address(self, provider: Provider, *, back: str) -> str | None:
        """Where to sign out at the provider too; None when it has no such page."""
        known = await self.about(provider.settings["issuer"])
        endpoint = known.metadata.get("end_session_endpoint")
        if not endpoint or not safe_address(str(endpoint)):
            return None
        asked = {"client_id": provider.settings["client_id"], "post_logout_redirect_uri": back}
        return f"{endpoint}?{urlencode(asked)}"

    async def _claims(
        self,
        provider: Provider,
        token: str,
        *,
        nonce: str | None = None,
        access_token: Any = None,
        kind: type[CodeIDToken] = CodeIDToken,
    ) -> Mapping[str, Any]:
        """The claims of a signed token for us; the keys are asked for once more when none of them fits."""
        issuer, client = provider.settings["issuer"], provider.settings["client_id"]
        for again in (False, True):
            known = await self.about(issuer, again=again)
            try:
                decoded = jwt.decode(token, known.keys, algorithms=ALGORITHMS)
                break
            except (JoseError, ValueError) as wrong:
                if again or time.monotonic() - known.at < ASK_AGAIN_SECONDS:
                    raise ProviderTrouble(f"its token cannot be verified ({type(wrong).__name__})") from None
        options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client}}
        params = {"nonce": nonce, "client_id": client, "access_token": access_token}
        claims = kind(decoded.claims, decoded.header, options, params)
        try:
            claims.validate(leeway=LEEWAY_SECONDS)
        except JoseError as wrong:
            raise ProviderTrouble(f"its token does not hold ({wrong.error})") from None
        return dict(claims)


def _quoted(value: str) -> str:
    return urlencode({"": value})[1:]


def _listed(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts in a claim; ``realm_access.roles`` looks inside. A claim with a dot in its name comes first."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    return [str(one) for one in found] if isinstance(found, list) else [found] if isinstance(found, str) else []


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def _json(http: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        answer = await http.get(url)
    except httpx.HTTPError as error:
        raise ProviderTrouble(f"it does not answer ({type(error).__name__})") from error
    body = _object(answer)
    if answer.status_code != httpx.codes.OK or not body:
        raise ProviderTrouble(f"{urlsplit(url).path} answers {answer.status_code}, no JSON object")
    return body
