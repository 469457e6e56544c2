"""Banks of noise from the project's real files and from a user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from insar_runtime import InputNotFoundError
from tests.conftest import REAL
from training.real_files import REAL_FILES, bank_of, read_real, real_bank


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip("real files not present: shared/data/real")
    return REAL


def test_real_files_are_divided_once(real: Path) -> None:
    trained, tested = real_bank(real, trained=True), real_bank(real, trained=False)
    assert not {file.name for file in trained.files} & {file.name for file in tested.files}
    assert len(trained.files) + len(tested.files) == len(REAL_FILES)
    assert trained.vary
    assert not tested.vary
    transposed = next(file for file in REAL_FILES if file.transposed)
    displacement, days = read_real(real, transposed)
    assert displacement.shape == (1000, 363)
    assert days[-1] == 2520


def test_banks_of_a_users_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    dates = np.arange("2020-01-01", "2023-01-01", 12, dtype="datetime64[D]")
    rows = ["pid," + ",".join(str(day).replace("-", "") for day in dates) + ",mean_velocity"]
    days = (dates - dates[0]).astype(float)
    for i in range(30):
        values = np.round(rng.normal(0, 2, len(dates)) + 0.03 * days, 1)
        rows.append(f"p{i}," + ",".join(str(value) for value in values) + f",{0.03 * 365.25:.1f}")
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows) + "\n")
    bank = bank_of([path])
    assert bank.files[0].name == "mine"
    assert bank.files[0].residual.shape == (30, len(dates))
    with pytest.raises(InputNotFoundError):
        bank_of([tmp_path / "none.csv"])
