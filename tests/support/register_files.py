"""Address files as publishers lay them out, with invented addresses inside Eksjö (0686)."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely

from services.geo.domain.geocoding.register import AddressRows
from services.geo.importing.addresses import Tally
from services.geo.registers import keeping
from services.geo.registers.keeping import Described, Prepared
from services.runtime.database import Database

STREETS = ("Storgatan", "Rådhusgatan", "Östra Ågatan", "Bruzaholm Hagby")
E0, N0 = 498_000.0, 6_391_400.0
"""In the middle of Eksjö (0686)."""


def addresses() -> list[tuple[str, int, str, float, float]]:
    """(street, number, letter, E, N): forty numbers a street, every tenth with a letter B besides."""
    found = []
    for s, street in enumerate(STREETS):
        for number in range(1, 41):
            e, n = E0 + 12.0 * number, N0 + 120.0 * s
            found.append((street, number, "", e, n))
            if number % 10 == 0:
                found.append((street, number, "B", e + 4, n))
    return found


def lantmateriet(path: Path, extra: Sequence[Mapping[str, Any]] = ()) -> Path:
    """A GeoPackage in the layout of Belägenhetsadress Nedladdning, vektor (geo reference §6)."""
    rows: list[dict[str, Any]] = []
    for street, number, letter, e, n in addresses():
        by = street == "Bruzaholm Hagby"
        rows.append(
            {
                "adressomrade_faststalltnamn": "Hagby" if by else street,
                "gardsadressomrade_faststalltnamn": "Norrgården" if by and number > 30 else None,
                "kommundel_faststalltnamn": "Bruzaholm" if by else "Eksjö",
                "adressplatsnummer": str(number),
                "bokstavstillagg": letter or None,
                "lagestillagg": "U" if number == 7 else None,
                "lagestillaggsnummer": 1 if number == 7 else None,
                "avvikerfranstandarden": False,
                "avvikandeadressplatsbeteckning": "",
                "postnummer": 57532 if not by else 0,
                "postort": "Eksjö",
                "popularnamn": "Resecentrum" if (street, number) == ("Storgatan", 1) else None,
                "kommunnamn": "Eksjö",
                "adressplatstyp": "Byadressplats" if by else "Gatuadressplats",
                "statusforbelagenhetsadress": "Reserverad" if number == 40 else "Gällande",
                "versiongiltigfran": "2026-01-01",
                "point": shapely.Point(e, n),
            }
        )
    rows += [dict(r) for r in extra]
    table = pa.table({c: [r.get(c) for r in rows] for c in rows[0] if c != "point"} | {
        "adressplatspunkt": shapely.to_wkb(np.array([r["point"] for r in rows], dtype=object))})  # fmt: skip
    pyogrio.write_arrow(
        table, path, layer="belagenhetsadress", driver="GPKG", geometry_name="adressplatspunkt", geometry_type="Point",
        crs="EPSG:3006",
    )  # fmt: skip
    return path


def comma_separated(
    path: Path, columns: Mapping[str, str], *, encoding: str = "utf-8", delimiter: str = ";", **more: str
) -> Path:
    """A CSV with these column names for street, number (with its letter), e and n; decimal commas."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([columns["street"], columns["number"], columns["e"], columns["n"]])
        for street, number, letter, e, n in addresses():
            writer.writerow(
                [
                    street,
                    f"{number}{letter}",
                    f"{e:.1f}".replace(".", ","),
                    f"{n:.1f}".replace(".", ","),
                    *more.values(),
                ]
            )
    return path


def shapefile(folder: Path, crs: str | None, shift: tuple[float, float] = (0.0, 0.0)) -> Path:
    """A Shapefile of the municipal family ADRESSOMR, ADRESSPLAT; without its .prj when ``crs`` is None."""
    rows = addresses()
    table = pa.table({
        "ADRESSOMR": [r[0] for r in rows], "ADRESSPLAT": [f"{r[1]}{r[2]}" for r in rows],
        "POSTNR": ["575 32"] * len(rows),
        "geometry": shapely.to_wkb(shapely.points([r[3] + shift[0] for r in rows], [r[4] + shift[1] for r in rows])),
    })  # fmt: skip
    path = folder / "adresser.shp"
    pyogrio.write_arrow(table, path, driver="ESRI Shapefile", geometry_name="geometry", geometry_type="Point",
                        crs=crs or "EPSG:3006", layer_options={"ENCODING": "ISO-8859-1"})  # fmt: skip
    if crs is None:
        path.with_suffix(".prj").unlink()
    return path


def break_file(path: Path) -> Path:
    """Cut a file in the middle."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


async def keep(url: str, kommun: str) -> int:
    """Make the invented addresses the register of any municipality, real or not."""
    columns = list(zip(*addresses(), strict=True))
    street, number, letter = ([*c] for c in columns[:3])
    blank = [""] * len(street)
    e, n = (np.array(c) for c in columns[3:])
    rows = AddressRows(street, number, letter, blank, blank, blank, blank, blank, e, n)
    described = Described(kommun, "kommun", "2026-11-01", "CC0", "Test")
    database = Database(url, pool_size=1)
    try:
        return await keeping.keep(database, Prepared(described, "test.csv", {}, [], Tally(), rows, len(STREETS)))
    finally:
        await database.close()
