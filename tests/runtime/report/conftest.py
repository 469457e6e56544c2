"""A browser and classified tables that the tests of the report share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from insar_runtime import classify_file
from tests.runtime import made_diagnoses
from tests.runtime.report.browsing import SOFTWARE_GL, Browser, browse
from tests.runtime.tables import series, wide, write


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browse(tmp_path_factory.mktemp("profile"), *SOFTWARE_GL) as driver:
        yield driver


@pytest.fixture(scope="session")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    displacement, dates = series(400)
    displacement[::9, ::4] = np.nan
    displacement[5] = np.nan
    displacement[:, 20:30] = np.nan
    table = wide(displacement, dates, height=np.arange(400) / 2)
    rng = np.random.default_rng(1)
    for name, middle in (("latitude", 45.0), ("longitude", 7.0)):
        place = table.schema.names.index(name)
        table = table.set_column(place, name, pa.array(middle + rng.random(400) / 50))
    classify_file(write(table, folder / "in.parquet"), folder / "c.parquet", keep_series=True)
    return folder / "c.parquet"


@pytest.fixture(scope="session")
def diagnosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_diagnoses.classified(tmp_path_factory.mktemp("diagnosed") / "made.parquet")
