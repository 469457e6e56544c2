"""How fast each container is read: rows a second of one core, of one table that every container holds.

``python -m benchmarks.containers`` prints one line for each. The table has the columns of MintPy's ``save_qgis`` and
200 dates; processor time, the best of three rounds. GeoJSON is read twice, for its columns and for its rows.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from insar_runtime._input.opening import open_source
from insar_runtime._input.point_geometry import wkb_points
from insar_runtime._input.readers.shp_siblings import parts_of
from insar_runtime._output.sinks import open_table

ROWS: Final = 20_000
EPOCHS: Final = 200
ROUNDS: Final = 3
_WIDTH: Final = 24
"""Of a number in a shapefile as GDAL writes it: N(24, 15)."""


def main() -> None:
    """Write the table into every container, and read each."""
    table, points = _table()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pq.write_table(table, folder / "points.parquet")
        pacsv.write_csv(table, folder / "points.csv")
        text = (folder / "points.csv").read_bytes()
        (folder / "points.csv.gz").write_bytes(gzip.compress(text))
        for extension, codec in (("zst", "zstd"), ("bz2", "bz2")):
            with pa.CompressedOutputStream(str(folder / f"points.csv.{extension}"), codec) as stream:
                stream.write(text)
        _write_shapefile(folder / "points.shp", table, points)
        _write_geopackage(folder / "points.gpkg", table, points)
        _write_geojson(folder / "points.geojson", table, points)
        for path in sorted(folder.iterdir()):
            if path.suffix not in {".dbf", ".prj"}:
                rate = ROWS / min(_seconds(path) for _ in range(ROUNDS))
                size = sum(part.stat().st_size for part in parts_of(path)) / 1e6
                print(f"{path.name}: {rate:,.0f} rows/s, {size:.0f} MB")  # noqa: T201 - a command


def _table() -> tuple[pa.Table, np.ndarray]:
    rng = np.random.default_rng(0)
    days = np.datetime64("2015-01-04") + 12 * np.arange(EPOCHS)
    columns = {
        "CODE": pa.array([f"A{i:07d}" for i in range(ROWS)]),
        **{name: np.round(rng.normal(size=ROWS), 2) for name in ("HEIGHT", "H_STDEV", "VEL", "V_STDEV", "COHERENCE")},
        "EFF_AREA": np.zeros(ROWS),
        **{f"D{str(day).replace('-', '')}": np.round(rng.normal(0, 3, ROWS), 2) for day in days},
    }
    return pa.table(columns), np.stack([10 + rng.random(ROWS), 45 + rng.random(ROWS)], axis=1)


def _write_shapefile(path: Path, table: pa.Table, points: np.ndarray) -> None:
    records = np.empty(ROWS, [("number", ">i4"), ("words", ">i4"), ("type", "<i4"), ("xy", "<f8", 2)])
    records["number"], records["words"], records["type"] = np.arange(1, ROWS + 1), 10, 1
    records["xy"] = points
    head = struct.pack(">i20xi", 9994, (100 + records.nbytes) // 2) + struct.pack("<ii", 1000, 1) + b"\0" * 64
    path.write_bytes(head + records.tobytes())
    fields = b"".join(
        struct.pack("<11s1s4xBB14x", name.encode(), *((b"C", 8, 0) if name == "CODE" else (b"N", _WIDTH, 15)))
        for name in table.schema.names
    )
    cells = [
        [value.encode() for value in column.to_pylist()]
        if pa.types.is_string(column.type)
        else [f"{value:{_WIDTH}.15f}".encode() for value in column.to_pylist()]
        for column in table.columns
    ]
    size = 1 + sum(len(column[0]) for column in cells)
    begin = struct.pack("<BBBBIHH20x", 3, 124, 1, 1, ROWS, 33 + len(fields), size)
    rows = b"".join(b" " + b"".join(row) for row in zip(*cells, strict=True))
    path.with_suffix(".dbf").write_bytes(begin + fields + b"\r" + rows)


def _write_geopackage(path: Path, table: pa.Table, points: np.ndarray) -> None:
    geo = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
    placed = table.append_column("geometry", wkb_points(points)).replace_schema_metadata({"geo": json.dumps(geo)})
    with open_table(path, placed.schema, dict, overwrite=False) as sink:
        for batch in placed.to_batches():
            sink.write(batch)
    with closing(sqlite3.connect(path)) as database:
        database.execute("VACUUM")


def _write_geojson(path: Path, table: pa.Table, points: np.ndarray) -> None:
    features = [
        {"type": "Feature", "properties": row, "geometry": {"type": "Point", "coordinates": place}}
        for row, place in zip(table.to_pylist(), points.tolist(), strict=True)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


def _seconds(path: Path) -> float:
    """Return the processor time that opening a file and reading all its rows takes."""
    begin = time.process_time()
    with open_source(path, exact=False, reads_json=True) as source:
        rows = sum(batch.num_rows for batch in source.batches())
    if rows != ROWS:
        raise RuntimeError(f"{path.name} gave {rows} rows of {ROWS}")
    return time.process_time() - begin


if __name__ == "__main__":
    main()
