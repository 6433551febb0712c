"""``lagesbild login-provider``: by whose login a municipality's staff come in.

For who runs the machine: the addresses that the door asks are an operator's to choose. Which groups give which role is
the administrator's, on the page.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from services.ingest.cli.direct import local_address, local_seal, with_door
from services.ingest.federation import back_path
from services.ingest.gateways.openid import OpenIdProviders, ProviderTrouble
from services.ingest.gateways.saml import read_metadata
from services.ingest.handlers.appointing import UnknownMunicipality
from services.ingest.handlers.federating import Federating
from services.runtime.sealing import Sealer, Unsealable
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail

app = typer.Typer(no_args_is_help=True, help="By whose login a municipality's staff come in.")
Kommun = Annotated[str, typer.Argument(help="Municipality code, four digits.")]
Name = Annotated[str, typer.Argument(help="What the button of the login page says.")]
Seal = Annotated[str | None, typer.Option(envvar="LAGESBILD_SEAL_SECRET", hidden=True)]
TrustEmail = Annotated[bool, typer.Option("--trust-email", help="Its addresses are right, checked or not.")]
Required = Annotated[
    bool | None,
    typer.Option("--required/--voluntary", help="Staff come in this way only; left out: as it was."),
]
DatabaseUrl = Annotated[str | None, typer.Option(envvar="LAGESBILD_DATABASE_URL")]


def _sealer(given: str | None, data: Path, database_url: str | None) -> Sealer:
    return Sealer(given if given is not None else "" if database_url else local_seal(data))


def _provider(issuer: str | None, client_id: str, metadata: Path | None) -> dict[str, Any]:
    """What is stored of a provider, after asking it, or reading its file."""
    if (issuer is None) == (metadata is None):
        raise fail("Give either --issuer and --client-id (OpenID Connect) or --saml-metadata.", 2)
    try:
        if metadata is not None:
            return read_metadata(metadata.read_bytes())
        if not client_id:
            raise fail("OpenID Connect needs --client-id.", 2)
        asyncio.run(OpenIdProviders().about(str(issuer)))
    except ProviderTrouble as trouble:
        raise fail(f"The provider cannot be used: {trouble}") from None
    except OSError as error:
        raise fail(f"{metadata} cannot be read: {error.strerror}") from None
    except ImportError:
        raise fail("SAML needs the extra 'saml' of the package (python3-saml).") from None
    return {"issuer": issuer, "client_id": client_id}


@app.command()
def put(
    kommun: Kommun,
    name: Name,
    issuer: Annotated[str | None, typer.Option(help="OpenID Connect: the provider's issuer, https.")] = None,
    client_id: Annotated[str, typer.Option(help="OpenID Connect: our client id there.")] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="A file with the client's secret; none for a public client.")
    ] = None,
    saml_metadata: Annotated[Path | None, typer.Option(help="SAML 2.0: a file with the provider's metadata.")] = None,
    groups_claim: Annotated[
        str, typer.Option(help="Claim or attribute with the groups; realm_access.roles looks inside.")
    ] = "groups",
    organisation: Annotated[str, typer.Option(help="Organisation of new people; default: the municipality.")] = "",
    trust_email: Annotated[
        bool, typer.Option("--trust-email", help="Its addresses are right, checked or not.")
    ] = False,
    required: Required = None,
    public_url: Annotated[str | None, typer.Option(envvar="LAGESBILD_PUBLIC_URL")] = None,
    seal_secret: Seal = None,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Register a provider, or change the one with this name; shows the addresses to enter there."""
    settings = _provider(issuer, client_id, saml_metadata)
    settings |= {"groups_claim": groups_claim, "organisation": organisation, "trust_email": trust_email}
    kind = "saml" if issuer is None else "oidc"
    secret = secret_file.read_text("utf-8").strip() if secret_file is not None else None
    sealer = _sealer(seal_secret, data, database_url)
    try:
        ident = with_door(
            data,
            database_url,
            lambda database: Federating(database, sealer).put(
                kommun, kind=kind, name=name, settings=settings, secret=secret, required=required
            ),
        )
    except Unsealable as wrong:
        raise fail(str(wrong)) from None
    except UnknownMunicipality:
        raise fail(f"{kommun} is not registered. First: lagesbild municipality create {kommun}") from None
    back = (public_url or ("" if database_url else local_address(data))).rstrip("/") + back_path(ident)
    home = back.partition("/logga-in")[0]
    there = f"  redirect URI              {back}\n  back-channel logout URI   {back.removesuffix('svar')}utloggad"
    there += f"\n  post-logout redirect URI  {home}/logga-in"
    if kind == "saml":
        there = f"  entity ID, and assertion consumer service (HTTP-POST)  {back}"
    then = "Then choose at /administration/inloggning which groups give which role."
    said = f"{name} is registered. Enter there:\n{there}\n{then}"
    answer({"provider": str(ident), "back": back}, as_json=as_json, human=said)


@app.command()
def remove(
    kommun: Kommun,
    name: Name,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Forget a provider; who came in by it is signed out."""
    if not with_door(data, database_url, lambda database: Federating(database, Sealer("")).remove(kommun, name)):
        raise fail(f"{kommun} has no provider {name}.")
    answer({"removed": name}, as_json=as_json, human=f"{name} is removed.")
