"""Layers of areas, of named places and of names: ``import layer``, ``layers list``."""

from datetime import date
from typing import Annotated, Any

import typer

from services.geo.cli.reaching import Crs, DatabaseUrl, Kommun, KommunArgument, LayerName, with_database
from services.geo.cli.registers import Credit, DryRun, Licence, Mapping, refusals, terms
from services.runtime.terminal import DEFAULT_DATA, AsJson, DataDir, answer, fail

Name = Annotated[str, typer.Option("--as", help="Short name of the layer: distrikt, ansvar, platser, deso …")]
Kind = Annotated[
    str,
    typer.Option(
        "--kind",
        help="areas tile, a report has one; places may overlap; names are points to be written.",
    ),
]
Title = Annotated[str | None, typer.Option("--title", help="What people read; the short name when left out.")]
ValidFrom = Annotated[str | None, typer.Option("--valid-from", help="First day it holds; today when left out.")]
ValidTo = Annotated[str | None, typer.Option("--valid-to", help="Last day it holds; no end when left out.")]
Source = Annotated[str, typer.Option("--source", help="Who made it: the municipality, SCB, a property company.")]
layers = typer.Typer(no_args_is_help=True, help="Layers of areas and named places.")
NATIONAL = "0000"


def import_layer(
    file: Annotated[
        str, typer.Argument(help="A file, GeoPackage, Shapefile …, zipped or not; or a WFS' or OGC API's address.")
    ],
    kommun: Kommun,
    name: Name,
    kind: Kind = "areas",
    title: Title = None,
    source: Source = "kommun",
    licence: Licence = None,
    credit: Credit = None,
    valid_from: ValidFrom = None,
    valid_to: ValidTo = None,
    mapping: Mapping = None,
    crs: Crs = None,
    layer: LayerName = None,
    dry_run: DryRun = False,
    data: DataDir = DEFAULT_DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a file or a service's layer one of ours, or its next version. Kommun 0000 makes it a national one, for all.

    Reports that were placed before follow in the background; nobody is told. After a national one ask each
    municipality's to: lagesbild place-again KOMMUN --all
    """
    from services.geo.handlers import replacing
    from services.geo.layers import keeping
    from services.geo.layers.shipped import Layers

    shipped = Layers(data / "cache" if data.exists() else None)
    _check(kommun, name, kind, shipped.kommuner)
    days = _days(valid_from, valid_to)
    described = keeping.Described(kommun, name, kind, title or name, *days, source, *terms(source, licence, credit))
    with refusals():
        ready = keeping.prepare(file, described, shipped, given=mapping or [], crs=crs, layer=layer)

    async def run(database: Any) -> dict[str, Any]:
        await _fits_before(database, kommun, name, kind)
        change = keeping.difference(await keeping.newest(database, kommun, name), ready.features)
        number = None if dry_run else await keeping.keep(database, ready)
        if number is not None and kommun != NATIONAL:
            for at in keeping.changes_at(described):
                await replacing.ask(database, kommun, "all", f"layer {name}, version {number}", at)
        found: dict[str, Any] = {"kommun": kommun, "layer": name, "columns": ready.mapping, "number": number}
        return found | {"report": ready.report.as_dict(), "difference": vars(change)}

    done = with_database(data, database_url, run)
    answer(done, as_json=as_json, human=_imported(done))


async def _fits_before(database: Any, kommun: str, name: str, kind: str) -> None:
    """A report has one area in each layer, told apart by name: a municipality's own is no national one's namesake.

    A layer stays what it is: what was counted by areas cannot go on as names.
    """
    from services.geo.store import layers as store

    async with database.transaction((kommun,)) as connection:
        known = [e for e in await store.versions(connection, kommun) if e.layer == name]
    if any(e.kommun == NATIONAL != kommun for e in known):
        raise fail(f"{name} is a national layer's name. Choose another one.", 2)
    if any(e.kind != kind for e in known):
        raise fail(f"{name} is a layer of kind {known[0].kind}. Choose another name, or --kind {known[0].kind}.", 2)


def _check(kommun: str, name: str, kind: str, known: dict[str, Any]) -> None:
    if kommun != NATIONAL and kommun not in known:
        raise fail(f"There is no municipality with code {kommun}. Codes have four digits, for example 0682.", 2)
    from services.geo.layers.own import KINDS

    if kind not in KINDS:
        raise fail(f"There is no kind {kind}. Kinds are {', '.join(KINDS)}.", 2)
    from services.geo.handlers.drawing import RESERVED

    plain = name.isascii() and name.replace("_", "").isalnum() and name == name.lower() and len(name) <= 32
    if not plain or name in RESERVED:
        ours = ", ".join(sorted(RESERVED))
        raise fail(f"{name} cannot be a layer's name: lower-case letters, digits and _, and none of {ours}.", 2)


def _days(valid_from: str | None, valid_to: str | None) -> tuple[date, date | None]:
    from services.geo.layers.own import today_in_sweden

    try:
        first = date.fromisoformat(valid_from) if valid_from else today_in_sweden()
        last = date.fromisoformat(valid_to) if valid_to else None
    except ValueError:
        raise fail("Days are written 2026-11-25.", 2) from None
    if last is not None and last < first:
        raise fail(f"The layer would end ({last}) before it begins ({first}).", 2)
    return first, last


def _imported(done: dict[str, Any]) -> str:
    """What an import did, or would do, for people."""
    report, change = done["report"], done["difference"]
    lines = ["Columns: " + ", ".join(f"{m} = {c}" for m, c in done["columns"].items())]
    lines.append(
        f"Read {report['read']}, taken {report['taken']}, repaired {report['repaired']}, joined {report['joined']}."
    )
    lines += [f"  left out, {why}: {n}" for why, n in report["left_out"].items()]
    lines += [f"  repaired: {what}" for what in report["repairs"]]
    sizes = [f"{report[f'{what}s']} {what}s ({report[f'{what}_m2']:.0f} m²)" for what in ("overlap", "gap")]
    lines.append(", ".join(sizes))
    lines += [f"  {what}" for what in report["overlap_examples"]]
    counts = ", ".join(f"{change[w]} {w}" for w in ("added", "removed", "redrawn", "renamed", "unchanged"))
    lines.append(f"Against the version before: {counts}.")
    lines += [f"  {what}: {', '.join(names)}" for what, names in change["examples"].items()]
    kept = f"Version {done['number']} of {done['layer']} is kept; reports follow in the background."
    lines.append("Nothing was changed." if done["number"] is None else kept)
    return "\n".join(lines)


@layers.command("list")
def list_layers(
    kommun: KommunArgument, data: DataDir = DEFAULT_DATA, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Every version of every layer that a municipality sees, newest first within a layer."""
    from services.geo.store import layers as store

    async def run(database: Any) -> list[dict[str, Any]]:
        async with database.transaction((kommun,)) as connection:
            return [entry._asdict() for entry in await store.versions(connection, kommun)]

    found = with_database(data, database_url, run)
    lines = [
        f"{r['kommun']} {r['layer']} {r['version']} ({r['kind']}): {r['title']}, {r['areas']} areas, "
        f"{r['valid_from']}–{r['valid_to'] or ''}, {r['credit']}"
        for r in found
    ]
    answer(found, as_json=as_json, human="\n".join(lines) or f"{kommun} has the shipped layers only.")
