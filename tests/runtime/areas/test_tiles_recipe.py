"""The recipe of ``docs/tiles.md``: areas of many tiles are those of the whole, whatever borders cross them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from insar_runtime import find_areas
from tests.conftest import ROOT
from tests.runtime.areas.conftest import EAST, NORTH, Made

shapely = pytest.importorskip("shapely")
pytest.importorskip("scipy")
pytest.importorskip("pyproj")
RECIPE = ROOT / "docs" / "examples" / "areas_of_tiles.py"
DISTANCE = 60.0


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("areas_of_tiles", RECIPE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tiles(made: Made, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The classified table in four tiles, whose borders cross both areas."""
    folder = tmp_path_factory.mktemp("tiles")
    table = pq.read_table(made.classified)
    files = []
    for number in range(4):
        inside = pc.and_(
            pc.equal(pc.greater_equal(table["easting"], EAST + 450), bool(number % 2)),
            pc.equal(pc.greater_equal(table["northing"], NORTH + 330), bool(number // 2)),
        )
        files.append(str(folder / f"tile-{number}.parquet"))
        pq.write_table(table.filter(inside), files[-1])
    return files


@pytest.fixture(scope="module")
def whole(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Any:
    output = tmp_path_factory.mktemp("whole") / "areas.parquet"
    find_areas(made.classified, output, distance=DISTANCE, series=True)
    return pq.read_table(output)


def outlines(areas: Any) -> Any:
    found = shapely.from_wkb(areas["geometry"].to_pylist())
    return found[np.argsort(shapely.area(found))]


@pytest.mark.parametrize("margin", [50.0, 400.0])
def test_areas_of_cells_are_those_of_the_whole(recipe: Any, tiles: list[str], whole: Any, margin: float) -> None:
    cells = recipe.list_cells(tiles, 500.0)
    assert len(cells) == 4
    parts = [recipe.areas_of_cell(tiles, *cell, cell=500.0, distance=DISTANCE, margin=margin) for cell in cells]
    found = np.concatenate([outlines(part) for part in parts if len(part)])
    found = found[np.argsort(shapely.area(found))]
    wanted = outlines(whole)
    assert len(found) == len(wanted) >= 2
    for one, other in zip(found, wanted, strict=True):
        assert shapely.area(shapely.intersection(one, other)) >= 0.98 * shapely.area(shapely.union(one, other))
    # Tiles by themselves cut them.
    alone = [recipe.areas_of_cell([tile], *cell, cell=500.0, distance=DISTANCE) for tile in tiles for cell in cells]
    assert sum(map(len, alone)) > len(wanted)


def test_a_cell_of_one_lone_point_has_no_areas(recipe: Any, tiles: list[str], whole: Any, tmp_path: Path) -> None:
    table = pq.read_table(tiles[0])
    lone = table.slice(0, 1).set_column(table.schema.get_field_index("easting"), "easting", [[EAST + 100_000.0]])
    pq.write_table(lone.cast(table.schema), tmp_path / "lone.parquet")
    files = [*tiles, str(tmp_path / "lone.parquet")]
    cells = recipe.list_cells(files, 10_000.0)
    parts = [recipe.areas_of_cell(files, *cell, cell=10_000.0, distance=DISTANCE) for cell in cells]
    assert 0 in map(len, parts)
    assert sum(map(len, parts)) == len(whole)
    assert all(part.schema.equals(parts[0].schema) for part in parts)


def test_a_folder_of_tiles_is_one_table(tiles: list[str], whole: Any, tmp_path: Path) -> None:
    find_areas(Path(tiles[0]).parent, tmp_path / "areas.parquet", distance=DISTANCE, as_table=True)
    found = pq.read_table(tmp_path / "areas.parquet")
    assert sorted(found["moving_points"].to_pylist()) == sorted(whole["moving_points"].to_pylist())


def test_the_command_line_and_the_query_of_the_page(tiles: list[str], tmp_path: Path) -> None:
    output = tmp_path / "areas.parquet"
    done = subprocess.run(
        [sys.executable, str(RECIPE), str(output), *tiles], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    areas = pq.read_table(output)
    assert areas["area_id"].to_pylist() == list(range(1, len(areas) + 1))
    described = json.loads(areas.schema.metadata[b"geo"])["columns"]["geometry"]
    assert described["crs"]["id"]["code"] == 32633
    assert "bbox" not in described
    duckdb = pytest.importorskip("duckdb")
    page = (ROOT / "docs" / "tiles.md").read_text(encoding="utf-8")
    (query,) = page.split("```sql\n")[1:]
    rows = duckdb.sql(query.partition("```")[0].replace("areas.parquet", str(output))).fetchall()
    assert sum(row[1] for row in rows) == len(areas) >= 2
