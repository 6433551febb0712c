"""A municipality's SAML 2.0 identity provider, for who has no OpenID Connect: strict, signed assertions only.

The package is the extra ``saml``; nothing of it is imported before a provider of this kind is used.
"""

from typing import Any
from urllib.parse import urlsplit

from services.ingest.federation import Identity, Provider
from services.ingest.gateways.openid import ProviderTrouble, safe_address

_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = ("email", "mail", "urn:oid:0.9.2342.19200300.100.1.3",
         "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress")  # fmt: skip
NAME = ("displayName", "name", "urn:oid:2.16.840.1.113730.3.1.241",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name")  # fmt: skip
"""The usual names of these attributes: plain, by their object identifiers (SWAMID), as Microsoft writes them."""


def read_metadata(xml: bytes) -> dict[str, Any]:
    """What a provider's published metadata says: entity, address, certificates. ProviderTrouble."""
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser

    try:
        read = Parser.parse(xml, required_sso_binding=_REDIRECT).get("idp", {})
    except Exception as wrong:  # noqa: BLE001 - whatever lxml and xmlsec make of somebody's file, it is not metadata
        raise ProviderTrouble(f"the metadata cannot be read ({type(wrong).__name__})") from None
    if not read.get("entityId") or not safe_address(str(read.get("singleSignOnService", {}).get("url", ""))):
        raise ProviderTrouble("the metadata has no entityID, or no https address for HTTP-Redirect")
    if not read.get("x509cert") and not read.get("x509certMulti"):
        raise ProviderTrouble("the metadata has no certificate for signing")
    return {"idp": read}


class SamlProviders:
    """Requests and answers. ``address`` is where the provider sends the browser back to, for each provider."""

    def _settings(self, provider: Provider, back: str) -> dict[str, Any]:
        return {
            "strict": True,
            "sp": {
                "entityId": back,
                "assertionConsumerService": {"url": back, "binding": _POST},
                "NameIDFormat": _PERSISTENT,
            },
            "idp": dict(provider.settings["idp"]),
            "security": {
                "wantAssertionsSigned": True,
                "requestedAuthnContext": False,
                "rejectDeprecatedAlgorithm": True,
                "allowRepeatAttributeName": True,  # Keycloak says each role in an attribute of its own
            },
        }

    def _auth(self, provider: Provider, back: str, post: dict[str, str]) -> Any:
        from onelogin.saml2.auth import OneLogin_Saml2_Auth

        parts = urlsplit(back)
        request = {
            "https": "on" if parts.scheme == "https" else "off",
            "http_host": parts.netloc,
            "script_name": parts.path,
            "get_data": {},
            "post_data": post,
        }
        return OneLogin_Saml2_Auth(request, old_settings=self._settings(provider, back))

    def address(self, provider: Provider, *, back: str, relay: str) -> tuple[str, str]:
        """Where to send the browser, and the request's id, which the answer must name. ProviderTrouble."""
        try:
            auth = self._auth(provider, back, {})
            return str(auth.login(return_to=relay)), str(auth.get_last_request_id())
        except ImportError as missing:
            raise ProviderTrouble("SAML needs the extra 'saml' of the package") from missing

    def identity(self, provider: Provider, *, back: str, answer: str) -> tuple[Identity, str]:
        """Who the signed answer names, and the request that it answers. ProviderTrouble."""
        try:
            asked = _request_of(answer)
            auth = self._auth(provider, back, {"SAMLResponse": answer})
            auth.process_response(request_id=asked)
        except Exception as wrong:  # noqa: BLE001 - hostile XML ends in errors of several libraries; none is ours
            raise ProviderTrouble(f"its answer cannot be read ({type(wrong).__name__})") from None
        if not asked:
            raise ProviderTrouble("its answer answers no request of ours")
        if auth.get_errors() or not auth.is_authenticated() or not auth.get_nameid():
            raise ProviderTrouble(f"its answer does not hold ({', '.join(auth.get_errors()) or 'nobody in it'})")
        said: dict[str, list[str]] = auth.get_attributes()
        groups = said.get(str(provider.settings.get("groups_claim") or "groups"), [])
        identity = Identity(
            subject=f"{auth.get_nameid_nq() or ''}|{auth.get_nameid()}",
            email=_first(said, EMAIL),
            # SAML has no word for it: who runs the municipality's provider answers for its addresses, if told so.
            verified=bool(provider.settings.get("trust_email")),
            name=_first(said, NAME)[:120],
            groups=frozenset(map(str, groups)),
            session=auth.get_session_index(),
        )
        return identity, asked


def _request_of(answer: str) -> str:
    """The request that an answer says it answers; empty for one that nobody asked for."""
    from onelogin.saml2.utils import OneLogin_Saml2_Utils
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    root = OneLogin_Saml2_XML.to_etree(OneLogin_Saml2_Utils.b64decode(answer))
    return str(root.get("InResponseTo") or "")


def _first(said: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((str(said[name][0]).strip() for name in names if said.get(name)), "")
