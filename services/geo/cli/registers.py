"""Address registers: ``import addresses``, ``registers list`` and ``registers activate``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.geo.cli.reaching import Crs, DatabaseUrl, Kommun, KommunArgument, LayerName, with_database
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail

Source = Annotated[str, typer.Option("--source", help="lantmateriet, kommun or osm; never mixed in one register.")]
Licence = Annotated[str | None, typer.Option("--licence", help="Under which licence the file may be used.")]
Credit = Annotated[str | None, typer.Option("--credit", help="Who is named wherever the addresses are shown.")]
Vintage = Annotated[str | None, typer.Option("--vintage", help="Date of the addresses; today when left out.")]
Mapping = Annotated[list[str] | None, typer.Option("--map", help="meaning=COLUMN, to correct what was recognised.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
registers = typer.Typer(no_args_is_help=True, help="Address registers.")
KNOWN_TERMS = {"lantmateriet": ("CC BY 4.0", "© Lantmäteriet"), "osm": ("ODbL 1.0", "© OpenStreetMap contributors")}
"""What two publishers ask for; of any other source a person must say."""


def terms(source: str, licence: str | None, credit: str | None) -> tuple[str, str]:
    """Licence and credit: given, known of the source, or asked for. Open access alone is no licence."""
    known = KNOWN_TERMS.get(source, (None, None))
    chosen = [licence or known[0], credit or known[1]]
    for i, (question, option) in enumerate((("Licence", "--licence"), ("Credit", "--credit"))):
        if not chosen[i] and not sys.stdin.isatty():
            raise fail(f"{question} is needed and is stored with the addresses: {option} TEXT", 2)
        chosen[i] = chosen[i] or typer.prompt(question)
    return str(chosen[0]), str(chosen[1])


@contextmanager
def refusals() -> Iterator[None]:
    """A file or a mapping that cannot be used ends the command with its sentence."""
    from services.geo.importing.reading import BadFile

    try:
        yield
    except BadFile as wrong:
        raise fail(str(wrong), 2) from None
    except ValueError as wrong:
        raise fail(f"--map names something that does not exist. {wrong}", 2) from None


def import_addresses(
    file: Annotated[Path, typer.Argument(help="GeoPackage, CSV, Shapefile, GeoJSON, zipped or not.")],
    kommun: Kommun,
    source: Source,
    licence: Licence = None,
    credit: Credit = None,
    vintage: Vintage = None,
    mapping: Mapping = None,
    crs: Crs = None,
    layer: LayerName = None,
    dry_run: DryRun = False,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a file of addresses the register of a municipality, after a look at what would change."""
    from services.geo.layers.shipped import Layers
    from services.geo.registers import keeping

    if source not in keeping.SOURCES:
        raise fail(f"There is no source {source}. Sources are {', '.join(keeping.SOURCES)}.", 2)
    layers = Layers(data / "cache" if data.exists() else None)
    if kommun not in layers.kommuner:
        raise fail(f"There is no municipality with code {kommun}. Codes have four digits, for example 0682.", 2)
    agreed = terms(source, licence, credit)
    described = keeping.Described(kommun, source, vintage or datetime.now(UTC).date().isoformat(), *agreed)
    with refusals():
        ready = keeping.prepare(file, described, layers, given=mapping or [], crs=crs, layer=layer)

    async def run(database: Any) -> dict[str, Any]:
        found = ready.as_dict(await keeping.compare(database, ready))
        return found | {"number": None if dry_run else await keeping.keep(database, ready)}

    done = with_database(data, database_url, run)
    answer(done, as_json=as_json, human=_imported(done))


def _imported(done: dict[str, Any]) -> str:
    """What an import did, or would do, for people."""
    change = done["difference"]
    lines = ["Columns: " + ", ".join(f"{m} = {c}" for m, c in done["columns"].items())]
    lines += ["  " + ", ".join(f"{m} {v}" for m, v in row.items() if v) for row in done["preview"]]
    lines.append(f"Read {done['read']}, taken {done['taken']}, streets {done['streets']}.")
    lines += [
        f"  left out, {why}: {n} ({', '.join(done['examples_left_out'][why])})" for why, n in done["left_out"].items()
    ]
    lines.append(
        f"Against the register before: {change['added']} new, {change['removed']} gone, {change['moved']} moved, "
        f"{change['unchanged']} the same; {change['new_streets']} new streets, {change['gone_streets']} gone."
    )
    lines += [f"  {what}: {', '.join(labels)}" for what, labels in change["examples"].items()]
    number = done["number"]
    lines.append("Nothing was changed." if number is None else f"Register {number} of {done['kommun']} is active.")
    return "\n".join(lines)


@registers.command("list")
def list_registers(
    kommun: KommunArgument, data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Every register that was imported for a municipality, newest first."""
    from services.geo.store import registers as store

    async def run(database: Any) -> list[dict[str, Any]]:
        async with database.transaction((kommun,)) as connection:
            return [entry._asdict() for entry in await store.versions(connection, kommun)]

    found = with_database(data, database_url, run)
    lines = [
        f"{r['number']:>3} {'active' if r['active'] else '':6} {r['source']} {r['vintage']}: "
        f"{r['addresses']} addresses, {r['streets']} streets, {r['file_name']}, {r['licence']}, {r['credit']}"
        for r in found
    ]
    answer(found, as_json=as_json, human="\n".join(lines) or f"No register of {kommun} was imported.")


@registers.command("activate")
def activate_register(
    kommun: KommunArgument,
    number: Annotated[int, typer.Argument(help="Number of a register of the list.")],
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier register the active one again. Reports that are placed already stay where they are."""
    from services.geo.store import registers as store

    async def run(database: Any) -> bool:
        async with database.transaction((kommun,)) as connection:
            if await store.activate(connection, kommun, number):
                return True
            await connection.rollback()
            return False

    if not with_database(data, database_url, run):
        raise fail(f"{kommun} has no register {number}. See: lagesbild registers list {kommun}", 2)
    answer({"kommun": kommun, "number": number}, as_json=as_json, human=f"Register {number} of {kommun} is active.")
