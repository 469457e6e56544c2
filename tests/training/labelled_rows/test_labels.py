"""Labelled rows of real files: the table of readings, the series, their rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REAL

pytest.importorskip("scipy", reason="the train group is not installed")

from insar_runtime.errors import DataError, InputNotFoundError
from training.labelled_rows.codes import NO_READING, OTHER, SPLIT
from training.labelled_rows.labels import READINGS_CSV, all_readings, load_labelled_files, read_labels
from training.labelled_rows.rates import least_squares_rates

needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason="real files not present: shared/data/real")


def test_the_table_of_readings_has_its_known_counts() -> None:
    readings = read_labels()
    assert len(readings) == 2114
    assert set(readings.readers.tolist()) == {2, 3}
    np.testing.assert_allclose(readings.soft_labels.sum(axis=1), 1, rtol=1e-6)
    assert readings.unanimous.sum() == 1574
    assert (readings.unanimous & (readings.label == OTHER)).sum() == 121
    assert (readings.label == SPLIT).sum() == 119
    assert np.isin(readings.sure[readings.readings != NO_READING], (1, 2, 3)).all()
    assert (readings.sure[readings.readings == NO_READING] == 0).all()


def test_broken_tables_are_refused(tmp_path: Path) -> None:
    head, first, *_ = READINGS_CSV.read_text(encoding="utf-8").splitlines()
    table = tmp_path / "readings.csv"
    with pytest.raises(InputNotFoundError, match="is not there"):
        read_labels(table)
    table.write_text(f"{head}\n{first.replace('Stable', 'Steady')}\n", encoding="utf-8")
    with pytest.raises(DataError, match="Steady"):
        read_labels(table)
    table.write_text(f"{head}\n{first.replace('Stable', 'Linear', 1)}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_labels(table)


@needs_real_files
def test_series_of_the_read_rows() -> None:
    files = load_labelled_files(REAL)
    assert len(files) == 7
    readings = all_readings(files)
    assert len(readings) == 2114
    assert np.isfinite(readings.rate).all()
    for file in files:
        assert file.displacement.shape == (len(file.readings), len(file.days))
        assert (np.diff(file.days) > 0).all()
        assert np.isfinite(file.displacement).any(axis=1).all()
    assert any(np.isnan(file.displacement).any() for file in files)
    left = [file.name for file in load_labelled_files(REAL, leave_out=["Maoxian_PS", files[0].name])]
    assert left == [file.name for file in files[1:-1]]
    (one,) = load_labelled_files(REAL, files=["Maoxian_PS"])
    # Whoever counts the reference row of the StaMPS table reads other rows: its own velocity column shows it.
    line = (REAL / one.name).read_text(encoding="utf-8").splitlines()[2 + int(one.readings.row[5])].split(",")
    assert float(line[3]) == pytest.approx(one.displacement[5, 0])
    with pytest.raises(DataError, match="'nowhere' has no labelled rows"):
        load_labelled_files(REAL, files=["nowhere"])


@needs_real_files
def test_a_row_of_another_file_is_noticed() -> None:
    table = read_labels()
    rows = table.row.copy()
    rows[0] += 1
    with pytest.raises(DataError, match="row 1: id"):
        load_labelled_files(REAL, files=["102_100"], readings=replace(table, row=rows))


def test_rates_stand_beside_an_annual_cycle() -> None:
    days = np.arange(0, 900, 12).astype(np.float32)
    years = days / 365.25
    rows = np.array([[3.0], [-1.5]]) * years + 8 * np.sin(2 * np.pi * years + 1) + 40
    rows[1, 10:30] = np.nan
    np.testing.assert_allclose(least_squares_rates(rows.astype(np.float32), days), [3, -1.5], atol=1e-4)
