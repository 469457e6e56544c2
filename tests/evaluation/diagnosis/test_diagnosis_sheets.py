"""Every kind of diagnosed rows that occurs has a sheet, with a panel for each row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.diagnosis import sheets
from insar_runtime import Classifier
from tests.runtime.tables import wide, write
from training.real_files import RealFile, read_real, real_axis


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file: quiet rows, a broken one, one with a jump of a cycle and back, one with a damped jump."""
    rng = np.random.default_rng(3)
    dates = np.datetime64("2019-01-04") + np.cumsum(np.where(rng.random(180) < 0.8, 6, 12))
    values = rng.normal(0, 1.6, (300, 180))
    values[5] += np.maximum(np.arange(180) - 90, 0) * 0.5
    values[7, 60:120] += 27.73
    values[9, 60:100] += 18
    write(wide(np.round(values, 1), dates), tmp_path / "made.csv")
    monkeypatch.setattr(sheets, "REAL_FILES", (RealFile("made.csv"),))
    return tmp_path


def test_every_kind_has_a_sheet(real: Path) -> None:
    pytest.importorskip("matplotlib")
    said: list[str] = []
    drawn = sheets.draw_diagnosis_sheets(real, real / "sheets", announce=said.append)
    assert [path.name for path in drawn] == ["made-breaks.png", "made-jumps-repaired.png", "made-jumps-left.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    assert "repaired 1" in said[0]


def test_kinds_are_the_rows(real: Path) -> None:
    file = RealFile("made.csv")
    displacement, days = read_real(real, file)
    dates, half_wavelength_mm = real_axis(real, file)
    np.testing.assert_array_equal((dates - dates[0]).astype(np.float32), days)
    assert half_wavelength_mm == pytest.approx(27.73, abs=0.01)
    found = Classifier(device="cpu").diagnose(displacement, dates, half_wavelength_mm=half_wavelength_mm)
    kinds = {kind: rows.tolist() for kind, rows in sheets.kinds_of(found).items()}
    assert kinds == {"breaks": [5], "jumps-repaired": [7], "jumps-left": [9]}
