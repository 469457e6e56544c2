"""Tables of points with known areas, classified by the released model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime import Classifier, classify_file
from tests.runtime.tables import wide, write

EPOCHS = 80
DATES = np.datetime64("2020-01-05") + 12 * np.arange(EPOCHS)
YEARS = 12 * np.arange(EPOCHS) / 365.25
EAST, NORTH = 500_000.0, 4_500_000.0


@dataclass(frozen=True)
class Made:
    """A table of points, and what is true of them."""

    points_m: np.ndarray
    area: np.ndarray
    raw: Path
    classified: Path


def draw(count: int = 1500, seed: int = 0, *, areas: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [N, 2] in a square of 1 km, their areas [N], their series [N, T]: a linear area and one with a break."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1000, (count, 2))
    area = np.zeros(count, dtype=int)
    displacement = rng.normal(0, 1.2, (count, EPOCHS))
    if areas:
        # A ring around points that do not move, and a band.
        centre = np.hypot(*(points - (300, 300)).T)
        area[(centre < 200) & (centre > 90)] = 1
        area[(np.abs(points[:, 1] - 800) < 60) & (points[:, 0] > 300) & (points[:, 0] < 800)] = 2
        displacement[area == 1] += -12 * YEARS
        displacement[area == 2] += 25 * np.maximum(YEARS - YEARS[40], 0)
    lone = rng.choice(np.flatnonzero(area == 0), count // 60, replace=False)
    displacement[lone] += rng.choice((-9, 9), len(lone))[:, None] * YEARS
    return points + np.array([EAST, NORTH]), area, np.round(displacement - displacement[:, :1], 1)


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory, classifier: Classifier) -> Callable[..., Made]:
    def made(
        *, crs: str | None = "EPSG:32633", keep_series: bool = True, diagnose: bool = True, **options: Any
    ) -> Made:
        points, area, displacement = draw(**options)
        table = wide(displacement, DATES).drop_columns(["latitude", "longitude"])
        names = ("easting", "northing")
        for place, name in enumerate(names):
            table = table.add_column(1 + place, name, pa.array(points[:, place]))
        folder = tmp_path_factory.mktemp("areas")
        raw, classified = write(table, folder / "raw.parquet"), folder / "classified.parquet"
        classify_file(
            raw, classified, classifier=classifier, units="mm", crs=crs, keep_series=keep_series, diagnose=diagnose
        )
        return Made(points, area, raw, classified)

    return made


@pytest.fixture(scope="session")
def made(make: Callable[..., Made]) -> Made:
    return make()
