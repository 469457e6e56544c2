"""Files of EGMS, cut into two releases that overlap: ids and positions find the points, and few classes change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, compare_files

L2 = "egms_l2b_ustica/EGMS_L2b_022_0845_IW2_VV_2020_2024_1.csv"
L3 = "egms_l3_ustica/EGMS_L3_E45N17_100km_U_2020_2024_1.csv"
ROWS, LACKING = 400, 20
"""Rows of a file, and how many of them each release lacks."""
NEW_EPOCHS = 20


def cut(path: Path, folder: Path, axes: tuple[str, str], jitter: float, *, keep_ids: float) -> tuple[Path, Path]:
    """Write two releases: another reference, rounded once more, positions moved a little, and some ids other ones."""
    rng = np.random.default_rng(0)
    table = pacsv.read_csv(path).slice(0, ROWS)
    dates = [name for name in table.schema.names if name.isdigit()]
    old = table.drop_columns(dates[-NEW_EPOCHS:]).slice(0, ROWS - LACKING)
    new = table.drop_columns(dates[:NEW_EPOCHS]).slice(LACKING)
    count = len(new)
    for name in dates[NEW_EPOCHS:]:
        moved = np.round(new[name].to_numpy() + 4.0 + 0.04 * rng.random(count), 1)
        new = new.set_column(new.schema.names.index(name), name, pa.array(moved))
    for name in axes:
        moved = new[name].to_numpy() + rng.normal(0, jitter, count)
        new = new.set_column(new.schema.names.index(name), name, pa.array(moved))
    ids = [name if rng.random() < keep_ids else f"other {name}" for name in new["pid"].to_pylist()]
    new = new.set_column(new.schema.names.index("pid"), "pid", pa.array(ids))
    paths = folder / f"old_{path.name}", folder / f"new_{path.name}"
    for target, release in zip(paths, (old, new), strict=True):
        pacsv.write_csv(release, target)
    return paths


@pytest.mark.parametrize("keep_ids", [1.0, 0.95])
def test_most_points_of_a_download_stay_as_they_are(
    real: Callable[[str], Path], tmp_path: Path, classifier: Classifier, keep_ids: float
) -> None:
    if keep_ids < 1:
        pytest.importorskip("scipy", reason="extra spatial is not installed")
    old, new = cut(real(L2), tmp_path, ("longitude", "latitude"), 2e-6, keep_ids=keep_ids)
    done = compare_files(old, new, tmp_path / "changes.parquet", classifier=classifier)
    rows = pq.read_table(tmp_path / "changes.parquet").to_pylist()
    assert done.points == {"both": ROWS - 2 * LACKING, "gone": LACKING, "new": LACKING}
    assert (done.matched_by["position"] > 0) == (keep_ids < 1)
    # The same scatterer, whichever way it was found.
    assert all(row["id"].endswith(row["id_before"]) for row in rows if row["match"] == "both")
    assert done.farthest_m is not None
    assert done.farthest_m < 2
    assert done.class_changes["sure"] <= 0.05 * done.points["both"]
    unlike = np.mean([row["rate_change_prob"] > 0.95 for row in rows if row["match"] == "both"])
    assert unlike < 0.15
    geo = json.loads(pq.read_metadata(tmp_path / "changes.parquet").metadata[b"geo"])
    assert "crs" not in geo["columns"]["geometry"]


def test_a_grid_in_metres_is_matched_by_its_cells(
    real: Callable[[str], Path], tmp_path: Path, classifier: Classifier
) -> None:
    pytest.importorskip("scipy", reason="extra spatial is not installed")
    old, new = cut(real(L3), tmp_path, ("easting", "northing"), 0.0, keep_ids=0.0)
    options: dict[str, Any] = {"classifier": classifier, "match": "position"}
    done = compare_files(old, new, tmp_path / "changes.parquet", **options)
    assert done.matched_by == {"id": 0, "position": ROWS - 2 * LACKING}
    assert done.distance_m == 50
    assert done.farthest_m == 0
    table = pq.read_table(tmp_path / "changes.parquet")
    assert {"easting", "northing"} <= set(table.schema.names)
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 3035}
