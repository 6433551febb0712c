"""Place: areas, enrichment, nearest address and misspelt names, each beside alternatives that answer the same."""

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import h3
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from benchmarks.flow import HERE, OTHER_PYTHON
from benchmarks.registers import misspelt
from benchmarks.servers import Ground
from services.geo.accuracy.invented import distractors
from services.geo.domain.crs import WGS84, to_sweref, to_wgs84
from services.geo.domain.geocoding.geocoder import Geocoder
from services.geo.domain.geocoding.register import AddressRows, Register
from services.geo.layers.shipped import Layers

ROUNDS = 5
POINTS = 100_000
SCALAR = 3_000
Floats = NDArray[np.float64]


def rate(count: int, work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median over rounds of things per second."""
    found = []
    for _ in range(rounds):
        gc.collect()
        started = time.perf_counter()
        work()
        found.append(count / (time.perf_counter() - started))
    return median(found)


def points(layers: Layers, count: int, seed: int = 1) -> Floats:
    """Points inside areas, as many in each: towns get most, as reports do."""
    chance = np.random.default_rng(seed)
    shapes = layers.polygons
    found: list[tuple[float, float]] = []
    while len(found) < count:
        area = shapes[int(chance.integers(len(shapes)))]
        west, south, east, north = area.bounds
        e, n = chance.uniform(west, east, 60), chance.uniform(south, north, 60)
        inside = shapely.contains_xy(area, e, n)
        found += list(zip(e[inside][:30].tolist(), n[inside][:30].tolist(), strict=True))
    return chance.permutation(np.array(found))[:count]


async def areas(layers: Layers) -> dict[str, Any]:
    """Exact RegSO: ours, a plain STRtree over whole polygons, geopandas and DuckDB spatial, with equal answers."""
    given = points(layers, POINTS)
    e, n = given[:, 0].copy(), given[:, 1].copy()
    whole = shapely.STRtree(layers.polygons)

    def plain(x: Floats, y: Floats) -> NDArray[np.intp]:
        lowest = np.full(len(x), len(layers.regso), dtype=np.intp)
        which, area = whole.query(shapely.points(x, y), predicate="intersects")
        np.minimum.at(lowest, which, area)
        return lowest

    def plain_one(x: float, y: float) -> int:
        hit = whole.query(shapely.Point(x, y), predicate="intersects")
        return int(hit.min()) if len(hit) else -1

    pairs = list(zip(e[:SCALAR].tolist(), n[:SCALAR].tolist(), strict=True))
    ours = layers.index.find(e, n)
    equal = {"STRtree": float((plain(e, n) == ours).mean())}
    found = {
        "ours": rate(POINTS, lambda: layers.index.find(e, n)),
        "STRtree": rate(POINTS, lambda: plain(e, n), rounds=3),
        "ours, one at a time": rate(SCALAR, lambda: [layers.index.find_one(*p) for p in pairs]),
        "STRtree, one at a time": rate(SCALAR, lambda: [plain_one(*p) for p in pairs]),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "points.npy"
        np.save(file, given)
        source = str(resources.files("services.geo") / "data" / "regso_2025_full_3006.parquet")
        process = await asyncio.create_subprocess_exec(
            str(OTHER_PYTHON), str(HERE / "contenders" / "spatial.py"), source, str(file), folder,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(errors.decode()[-2000:])
        found |= json.loads(output.decode().splitlines()[-1])
        codes = np.array([layers.regso[i].code for i in ours])
        for name in ("geopandas", "duckdb"):
            equal[name] = float((np.load(Path(folder) / f"{name}.npy") == codes).mean())
    return {"rates": {k: round(v) for k, v in found.items()}, "equal": equal}


def town(addresses: int = 48_000) -> AddressRows:
    """An invented register of a large town around Malmö's middle."""
    corners = np.array([370_000.0, 378_000.0]), np.array([6_158_000.0, 6_166_000.0])
    return distractors(AddressRows([], [], [], [], [], [], [], [], *corners), addresses // 22)


def enrichment(layers: Layers, register: Register) -> dict[str, Any]:
    """Batches of 500: degrees → SWEREF, area, H3 cell, nearest address; beside the area test of the same points."""
    given = points(layers, 50_000, seed=2)
    lon, lat = to_wgs84(given[:, 0], given[:, 1])

    def whole() -> None:
        for i in range(0, len(lon), 500):
            part = slice(i, i + 500)
            e, n = to_sweref(lon[part], lat[part], WGS84)
            layers.index.find(e, n)
            for x, y in zip(lon[part].tolist(), lat[part].tolist(), strict=True):
                h3.latlng_to_cell(y, x, 9)
            register.nearest_all(e, n)

    alone = rate(len(lon), lambda: layers.index.find(given[:, 0], given[:, 1]), rounds=3)
    together = rate(len(lon), whole, rounds=3)
    return {
        "area test alone": round(alone),
        "whole enrichment, 500 a batch": round(together),
        "cost": round(alone / together, 2),
    }


def nearest(register: Register) -> dict[str, Any]:
    """The nearest address to one point at a time, beside the bare k-d tree."""
    chance = np.random.default_rng(3)
    e, n = chance.uniform(370_000, 378_000, 5_000), chance.uniform(6_158_000, 6_166_000, 5_000)
    tree = KDTree(np.column_stack([register.e, register.n]))
    pairs = list(zip(e.tolist(), n.tolist(), strict=True))
    ours = rate(len(pairs), lambda: [register.nearest(x, y, 500.0) for x, y in pairs])
    bare = rate(len(pairs), lambda: [tree.query((x, y)) for x, y in pairs])
    return {"ours": round(ours), "bare k-d tree": round(bare), "ratio": round(ours / bare, 2)}


async def names(ground: Ground, rows: AddressRows, geocoder: Geocoder) -> dict[str, Any]:
    """Misspelt street names: ours, and the nearest by trigrams in PostgreSQL (GiST), for one slip and for two."""
    connection = await asyncpg.connect(ground.layout.dsn("postgres", "lagesbild"))
    try:
        await connection.execute("create extension if not exists pg_trgm")
        await connection.execute("create temp table streets (name text)")
        await connection.executemany("insert into streets values ($1)", [(s,) for s in sorted(set(rows.street))])
        await connection.execute("create index on streets using gist (name gist_trgm_ops)")
        found: dict[str, Any] = {}
        for slips in (1, 2):
            queries = misspelt(rows, slips=slips)
            started = time.perf_counter()
            answers = [geocoder.find(q).best for q, _ in queries]
            ours = len(queries) / (time.perf_counter() - started)
            right = sum(
                a is not None and a.label.rsplit(" ", 1)[0] == s for a, (_, s) in zip(answers, queries, strict=True)
            )
            wrong = sum(
                a is not None and a.label.rsplit(" ", 1)[0] != s for a, (_, s) in zip(answers, queries, strict=True)
            )
            started = time.perf_counter()
            nearest_by = "select name from streets order by name <-> $1 limit 1"
            theirs = [await connection.fetchval(nearest_by, q.rsplit(" ", 1)[0]) for q, _ in queries]
            trigrams = len(queries) / (time.perf_counter() - started)
            hit = sum(t == s for t, (_, s) in zip(theirs, queries, strict=True))
            found[f"{slips}"] = {
                "ours": {"rate": round(ours), "right": right / len(queries), "wrong": wrong / len(queries)},
                "pg_trgm": {"rate": round(trigrams), "right": hit / len(queries), "wrong": 1 - hit / len(queries)},
            }
        return found
    finally:
        await connection.close()


async def measure(ground: Ground) -> dict[str, Any]:
    """Everything of place that needs no rooms."""
    layers = Layers(ground.layout.data / "cache")
    rows = town()
    started = time.perf_counter()
    register = Register(rows, source="bench", vintage="")
    geocoder = Geocoder(register)
    built = time.perf_counter() - started
    geocoder.find("värmeupp 1")
    return {
        "areas": await areas(layers),
        "enrichment": enrichment(layers, register),
        "nearest": nearest(register),
        "names": await names(ground, rows, geocoder),
        "register": {"addresses": len(register), "built_seconds": round(built, 2)},
    }
