"""Areas of many classified tables, those that cross their borders as well: python areas_of_tiles.py OUT TABLE...

The plane is cut into square cells. Each is a task that needs no other, so pools, Slurm, Spark and Ray may run them in
any order. A cell reads the points around it, too, until all areas that reach into it are whole, and keeps those whose
centre lies in it. So each area is found once.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import shapely

import insar_runtime

X, Y = "easting", "northing"  # in metres, of one system in all tables (EGMS L3: EPSG:3035)
CELL = 50_000.0
DISTANCE = 100.0  # of neighbours, the same in all cells; by default each file has its own
MARGIN = 2_000.0  # around a cell, at first


def list_cells(files: list[str], cell: float = CELL) -> list[tuple[int, int]]:
    """Return column and row of the cells that have points."""
    found = set[tuple[int, int]]()
    for batch in ds.dataset(files).to_batches(columns=[X, Y]):
        places = np.stack([batch[X].to_numpy(zero_copy_only=False), batch[Y].to_numpy(zero_copy_only=False)], axis=1)
        places = places[np.isfinite(places).all(axis=1)]
        found.update(map(tuple, np.unique(np.floor(places / cell).astype(int), axis=0).tolist()))
    return sorted(found)


def areas_within(
    files: list[str], west: float, south: float, east: float, north: float, distance: float
) -> tuple[pa.Table, Any, int]:
    """Return the areas of the points in a rectangle, with their outlines, and the number of these points."""
    inside = (pc.field(X) >= west) & (pc.field(X) < east) & (pc.field(Y) >= south) & (pc.field(Y) < north)
    # Row groups out of the rectangle are not read. The metadata of the first table say how its columns are to be read.
    points = ds.dataset(files).to_table(filter=inside)
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(points, Path(folder) / "points.parquet")
        insar_runtime.find_areas(
            Path(folder) / "points.parquet", Path(folder) / "areas.parquet", distance=distance, series=True
        )
        areas = pq.read_table(Path(folder) / "areas.parquet")
    return areas, shapely.from_wkb(areas["geometry"].to_pylist()), len(points)


def areas_of_cell(
    files: list[str], column: int, row: int, cell: float = CELL, distance: float = DISTANCE, margin: float = MARGIN
) -> pa.Table:
    """Return the areas whose centre lies in a cell, as a table."""
    own = shapely.box(column * cell, row * cell, (column + 1) * cell, (row + 1) * cell)
    before = 0
    while True:
        west, south, east, north = own.buffer(margin, join_style="mitre").bounds
        areas, outlines, count = areas_within(files, west, south, east, north, distance)
        whole = shapely.box(west, south, east, north).buffer(-2 * distance)
        cut = [outline for outline in outlines if outline.intersects(own) and not whole.contains(outline)]
        if not cut or count == before:
            break
        before, margin = count, 2 * margin
    centres = shapely.centroid(outlines)
    kept = [np.floor(c.x / cell) == column and np.floor(c.y / cell) == row for c in centres]
    return areas.filter(pa.array(kept, pa.bool_()))


def main() -> None:
    """Work on one cell after another, and write the areas of all of them."""
    output, *files = sys.argv[1:]
    parts = [areas_of_cell(files, *cell) for cell in list_cells(files)]
    areas = pa.concat_tables(parts)
    # Numbers of areas are those of a cell.
    numbers = pa.array(np.arange(1, len(areas) + 1), pa.int32())
    pq.write_table(areas.set_column(0, "area_id", numbers), output)


if __name__ == "__main__":
    main()
