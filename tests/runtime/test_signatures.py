"""Public functions that read the same tables take the same values for the same parameters, and say so."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from insar_runtime import Classifier, Role, classify_file, compare_files, find_areas, join_files, report
from tests.runtime.tables import wide, write

READERS: tuple[Callable[..., Any], ...] = (compare_files, find_areas, join_files, report)


@pytest.mark.parametrize("function", READERS, ids=lambda function: function.__name__)
@pytest.mark.parametrize(
    "name", ["classifier", "priors", "units", "columns", "date_format", "half_wavelength_mm", "crs", "as_table"]
)
def test_a_parameter_is_that_of_classify_file(function: Callable[..., Any], name: str) -> None:
    own = inspect.signature(function).parameters.get(name)
    if own is not None:
        expected = inspect.signature(classify_file).parameters[name]
        assert (own.annotation, own.default) == (expected.annotation, expected.default)


def test_the_roles_of_columns_are_all_named() -> None:
    text = inspect.getdoc(classify_file) or ""
    assert [role for role in get_args(Role) if f"``{role}``" not in text] == []


def test_areas_of_a_raw_table_are_found_with_a_mix_around_each_point(tmp_path: Path, classifier: Classifier) -> None:
    for module in ("scipy", "shapely", "pyproj"):
        pytest.importorskip(module, reason="extra spatial is not installed")
    rng = np.random.default_rng(0)
    dates = np.datetime64("2020-01-05") + 12 * np.arange(40)
    series = rng.normal(0, 1.2, (400, 40))
    series[:40] -= 30 * np.arange(40) / 30
    raw = write(wide(np.round(series, 1), dates), tmp_path / "raw.parquet")
    out = tmp_path / "areas.parquet"
    find_areas(raw, out, priors="local", classifier=classifier, units="mm")
    block = json.loads(pq.read_metadata(out).metadata[b"insar_runtime"])
    assert block["priors"]["origin"] == "local"
