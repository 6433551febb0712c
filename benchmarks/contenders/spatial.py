"""The same question by geopandas and DuckDB spatial: which RegSO does each point lie in. Prints rates; writes answers.

``python spatial.py POLYGONS.parquet POINTS.npy ANSWERS_FOLDER``; the codes end in ``geopandas.npy`` and ``duckdb.npy``.
"""

import json
import sys
import time
from pathlib import Path

import duckdb
import geopandas
import numpy as np
import pandas as pd
from duckdb_extensions import import_extension

polygons, points_file, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
points = np.load(points_file)

areas = geopandas.read_parquet(polygons)[["regsokod", "geometry"]]
frame = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(points[:, 0], points[:, 1]), crs=areas.crs)
_ = areas.sindex
started = time.perf_counter()
found = geopandas.sjoin(frame, areas, how="left", predicate="intersects")
codes = found.groupby(level=0)["regsokod"].min().reindex(range(len(points))).fillna("")
seconds = {"geopandas": time.perf_counter() - started}
np.save(folder / "geopandas.npy", codes.to_numpy(dtype="U12"))

import_extension("spatial")
database = duckdb.connect()
database.execute("load spatial")
database.execute("set threads to 2")
database.execute("create table areas (code varchar, shape geometry)")
wkb = areas.geometry.to_wkb()
database.executemany("insert into areas values (?, st_geomfromwkb(?))", list(zip(areas.regsokod, wkb, strict=True)))
given = pd.DataFrame({"i": np.arange(len(points)), "x": points[:, 0], "y": points[:, 1]})
database.register("given", given)
database.execute("create table points as select i, st_point(x, y) as p from given")
started = time.perf_counter()
answer = database.execute(
    "select p.i, min(a.code) from points p join areas a on st_intersects(a.shape, p.p) group by p.i order by p.i"
).fetchall()
seconds["duckdb"] = time.perf_counter() - started
filled = np.full(len(points), "", dtype="U12")
filled[[i for i, _ in answer]] = [code for _, code in answer]
np.save(folder / "duckdb.npy", filled)
print(json.dumps({name: len(points) / s for name, s in seconds.items()}))
