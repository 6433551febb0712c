"""Commands of the door: ``municipality create``, ``key create``, ``import polisen``, ``republish``, ``take-back``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from services.ingest.cli import guarding, importing, providers
from services.ingest.cli.direct import local_address, local_kafka, with_door, with_people
from services.ingest.handlers.appointing import UnknownMunicipality
from services.ingest.handlers.inviting import PATH, Inviting
from services.ingest.handlers.keys import SCOPES, Keys, OtherSystem, TooManyKeys
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail, stderr

Kommun = Annotated[str, typer.Argument(help="Municipality code, four digits.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database-url", envvar="LAGESBILD_DATABASE_URL", help="URL of the door's serving role.")
]
PublicUrl = Annotated[
    str | None,
    typer.Option("--public-url", envvar="LAGESBILD_PUBLIC_URL", help="Where people reach Lägesbild, for the address."),
]
municipality = typer.Typer(no_args_is_help=True, help="Municipalities.")
key = typer.Typer(no_args_is_help=True, help="API keys of systems.")


_official_names: Callable[[], dict[str, str]] = dict


def attach(
    app: typer.Typer, imports: typer.Typer, checks: typer.Typer, official_names: Callable[[], dict[str, str]]
) -> None:
    """Add the commands. ``official_names`` gives code → name of every municipality, which is not the door's to know."""
    global _official_names  # noqa: PLW0603 - typer's commands are plain functions; this is their one collaborator
    _official_names = official_names
    checks.command("guard")(guarding.check_guard)
    imports.command("polisen")(importing.polisen)
    app.command()(republish)
    app.command("take-back")(take_back)
    app.add_typer(municipality, name="municipality")
    app.add_typer(providers.app, name="login-provider")
    app.add_typer(key, name="key")


def _checked(kommun: str) -> str:
    """The code, if it is a municipality's; the name comes from the shipped register."""
    names = _official_names()
    if kommun not in names:
        raise fail(f"There is no municipality with code {kommun}. Codes have four digits, for example 0682.", 2)
    return names[kommun]


@municipality.command("create")
def create_municipality(
    kommun: Kommun,
    name: Annotated[str | None, typer.Option(help="Name to show; default: the official one.")] = None,
    invented: Annotated[bool, typer.Option(help="Mark everything as invented demonstration data.")] = False,
    public_url: PublicUrl = None,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Register a municipality, or rename it; shows the one-time address for its first administrator."""
    chosen = name or _checked(kommun)
    with_people(data, database_url, lambda people: people.create_municipality(kommun, chosen, invented=invented))
    link = _invitation(kommun, data, database_url, public_url)
    said = f"{kommun} {chosen} is registered."
    if link is not None:
        said += f"\nWho opens this address within a week becomes its first administrator, once:\n{link}"
    answer({"kommun": kommun, "name": chosen, "invented": invented, "invitation": link}, as_json=as_json, human=said)


@municipality.command("invite")
def invite(
    kommun: Kommun,
    replace: Annotated[bool, typer.Option("--replace", help="Although there is an administrator.")] = False,
    public_url: PublicUrl = None,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Another one-time address for the first administrator; --replace: also when there is one who cannot come in."""
    try:
        link = _invitation(kommun, data, database_url, public_url, replacing=replace)
    except UnknownMunicipality:
        raise fail(f"{kommun} is not registered. First: lagesbild municipality create {kommun}") from None
    if link is None:
        raise fail(f"{kommun} has an administrator, who adds people at /administration. Cannot come in: --replace")
    answer({"kommun": kommun, "invitation": link}, as_json=as_json, human=link)


def _invitation(
    kommun: str, data: Path, database_url: str | None, public_url: str | None, *, replacing: bool = False
) -> str | None:
    key = with_door(data, database_url, lambda database: Inviting(database).invite(kommun, replacing=replacing))
    if key is None:
        return None
    # Without an instance on this machine nobody here knows the public address: the path is said, to put after it.
    known = public_url or ("" if database_url else local_address(data))
    return f"{known.rstrip('/')}{PATH}?nyckel={key}"


@key.command("create")
def create_key(
    kommun: Kommun,
    system: Annotated[str, typer.Option(help="Name of the system; the same name gets another key for it.")],
    organisation: Annotated[str, typer.Option(help="Organisation that owns the system.")],
    source: Annotated[
        str, typer.Option(help="rapportor, fastighetsbolag, felanmalan, tips or polis.")
    ] = "fastighetsbolag",
    scope: Annotated[list[str] | None, typer.Option(help=f"One or more of: {', '.join(SCOPES)}.")] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Checks everything that is sent, stores nothing.")] = False,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown once and stored only as a digest; two may live at a time."""
    scopes = scope or ["reports:write"]
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise fail(f"Unknown scope {', '.join(unknown)}. Scopes: {', '.join(SCOPES)}.", 2)
    if source not in {"rapportor", "fastighetsbolag", "felanmalan", "tips", "polis"}:
        raise fail(f"Unknown source {source}.", 2)
    try:
        client, made = with_door(
            data,
            database_url,
            lambda database: Keys(database).create(
                kommun, system=system, organisation=organisation, source=source, scopes=scopes, sandbox=sandbox
            ),
        )
    except OtherSystem as other:
        raise fail(f"{system} is known already, as {other}. Choose the same, or another name.") from None
    except TooManyKeys:
        raise fail(f"{system} has two live keys already. End one first: /administration/nycklar") from None
    except UnknownMunicipality:
        raise fail(f"{kommun} is not registered. First: lagesbild municipality create {kommun}") from None
    answer({"client_id": str(client), "key": made, "scopes": scopes}, as_json=as_json, human=made)


def republish(
    kommun: Annotated[str | None, typer.Argument(help="Municipality code; all when left out.")] = None,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Send every stored revision again, after a broker was lost. What readers know already changes nothing."""
    from services.ingest.handlers.republishing import republish as send_again

    def progress(owner: str, count: int) -> None:
        if stderr.is_terminal:
            stderr.print(f"{owner}: {count}", end="\r", highlight=False)

    sent = with_door(data, database_url, lambda database: send_again(database, kommun, progress))
    answer(sent, as_json=as_json, human=f"Written to the outbox: {sum(sent.values())} revisions.")


def take_back(
    kafka: Annotated[
        str | None, typer.Option("--kafka", envvar="LAGESBILD_KAFKA", help="An operator's address.")
    ] = None,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """After a restored database: store what the topics hold beyond it, before the rooms start. Safe to repeat."""
    from services.ingest.handlers.taking_back import take_back as read_topics

    servers = kafka or local_kafka(data)
    done = with_door(data, database_url, lambda database: read_topics(database, servers))
    answer(
        dict(done),
        as_json=as_json,
        human=f"Read {done['read']} records. Taken back: {done['revisions']} versions of reports, {done['context']}"
        " published items; their texts were not there.",
    )
