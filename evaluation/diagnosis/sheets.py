"""Sheets of plots of real rows with their diagnosis, for visual inspection: the true breaks and jumps are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime import Classifier, Result
from insar_runtime._diagnosis.diagnosis import Diagnosis
from insar_runtime._show.png_layers import (
    PngLayer,
    draw_break,
    draw_epochs,
    draw_jump_texts,
    draw_jumps,
    draw_original,
    draw_trend,
)
from insar_runtime._show.point_plot import PointPlot
from insar_runtime._show.point_result import PointResult
from insar_runtime._show.read_point_diagnosis import read_point_diagnosis
from insar_runtime._show.series import Series
from insar_runtime.classes import CLASS_NAMES, STATUS_NAMES
from training.announce import Announce
from training.real_files import EGMS_ATTRIBUTION, REAL_FILES, RealFile, read_real, real_axis
from training.simulator.draws import Floats

_COLUMNS: Final = 4
_ROWS: Final = 6
_PANEL_INCHES: Final = (5.2, 3.4)
_DPI: Final = 80
_LAYERS: Final[tuple[PngLayer, ...]] = (
    draw_break,
    draw_jumps,
    draw_original,
    draw_epochs,
    draw_trend,
    draw_jump_texts,
)


def draw_diagnosis_sheets(
    real: Path, folder: Path, *, classifier: Classifier | None = None, seed: int = 0, announce: Announce
) -> list[Path]:
    """Diagnose the real files, and draw sheets of 24 rows: with a break, with repaired jumps, with other jumps only.

    Parameters
    ----------
    real : Path
        Folder of the real files.
    folder : Path
        Folder of the sheets; created if it does not exist.
    classifier : Classifier, optional
        Classifier; by default the default model with equal class shares.
    seed : int
        Seed of the choice among more than 24 rows.
    announce : callable
        Function that receives progress messages.

    Returns
    -------
    list of Path
        Paths of the sheets; there is no sheet for a kind that does not occur in a file.

    Raises
    ------
    InputNotFoundError
        If a real file is not below ``real``.
    """
    classifier = classifier or Classifier(device="cpu")
    folder.mkdir(parents=True, exist_ok=True)
    sheets = []
    for file in REAL_FILES:
        displacement, _ = read_real(real, file)
        dates, half_wavelength_mm = real_axis(real, file)
        result = classifier.classify(displacement, dates)
        found = classifier.diagnose(displacement, dates, result=result, half_wavelength_mm=half_wavelength_mm)
        announce(f"{file.name}: {', '.join(f'{name} {count}' for name, count in found.counts().items())}")
        for kind, rows in kinds_of(found).items():
            if len(rows):
                chosen = np.sort(np.random.default_rng(seed).permutation(rows)[: _COLUMNS * _ROWS])
                path = folder / f"{file.name}-{kind}.png"
                _draw_sheet(path, f"{_title(file, kind)}: {len(chosen)} of {len(rows)} rows", found, result, chosen)
                sheets.append(path)
    return sheets


def kinds_of(found: Diagnosis) -> Mapping[str, NDArray[np.intp]]:
    """Return the rows that have a break, repaired jumps, and jumps of which none is repaired."""
    jumping = found.jump_rows[found.jumps.counts > 0]
    return {
        "breaks": found.break_rows,
        "jumps-repaired": found.repaired_rows,
        "jumps-left": np.setdiff1d(jumping, found.repaired_rows),
    }


def _title(file: RealFile, kind: str) -> str:
    return f"{file.name}, {kind.replace('-', ' ')}"


def _draw_sheet(path: Path, title: str, found: Diagnosis, result: Result, rows: NDArray[np.intp]) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, and only figures need it

    lines = -(-len(rows) // _COLUMNS)
    size = (_COLUMNS * _PANEL_INCHES[0], lines * _PANEL_INCHES[1] + 0.6)
    figure: Any = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(lines, _COLUMNS, squeeze=False).flat
    for panel, row in zip(axes, rows.tolist(), strict=False):
        _draw_row(panel, _plot(found, result, row), f"row {row}: {_said(found, result, row)}")
    for panel in list(figure.axes)[len(rows) :]:
        panel.set_axis_off()
    figure.suptitle(f"{title}; mm\n{EGMS_ATTRIBUTION}", fontsize=8)
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})


def _draw_row(panel: Any, plot: PointPlot, title: str) -> None:
    for layer in _LAYERS:
        layer(panel, plot)
    panel.set_title(title, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.grid(color="#e6e6e6", linewidth=0.5)


def _said(found: Diagnosis, result: Result, row: int) -> str:
    name = result.class_name[row] or f"no class ({CLASS_NAMES[result.class_top[row]]}?)"
    told = f"{name} {result.confidence[row]:.2f}"
    place = np.flatnonzero(found.repaired_rows == row)
    if len(place):
        after = int(found.class_after_repair[place[0]])
        told += f", then {CLASS_NAMES[after] if after >= 0 else 'no class'}"
    return told


def _plot(found: Diagnosis, result: Result, row: int) -> PointPlot:
    record = found.to_arrow().slice(row, 1)
    top = int(result.class_top[row])
    answer = PointResult(
        class_name=result.class_name[row],
        class_top=CLASS_NAMES[top] if top >= 0 else None,
        confidence=float(result.confidence[row]),
        probabilities=None,
        status=STATUS_NAMES[result.status[row]],
        model=None,
        from_file=False,
    )
    series: Floats = found.displacement[row]
    return PointPlot.of(
        Series(found.dates, series.astype(np.float32)),
        answer,
        read_point_diagnosis(record, found.half_wavelength_mm, None, ""),
    )
