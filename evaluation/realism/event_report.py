"""Comparison of events in labelled real rows with simulated ones: numbers, a figure, and a sheet of plots per class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.realism.events import Events, measure_events
from insar_runtime.classes import CLASS_NAMES, TrendClass
from insar_runtime.definitions import DAYS_PER_YEAR
from training.dataset import balanced_labels
from training.labelled_rows.labels import LabelledFile
from training.real_files import EGMS_ATTRIBUTION, REAL_FILES, STAMPS_FILE, noise_bank
from training.simulator import SimulatorConfig, simulate

SIMULATED: Final = 3000
_BLOCK: Final = 60
"""Number of simulated series with the noise and dates of one file: few, so that all files are used."""
_ROWS, _COLUMNS = 6, 4
_QUARTILES: Final = (25, 50, 75)
_READ, _MADE = "tab:red", "tab:blue"

_WORDS: Final = {
    "rate": "rate, mm/yr",
    "scatter": "scatter from epoch to epoch, mm",
    "wander": "range of the running median over 9 epochs, mm",
    "bend": "departure of parabola or hinge from a line, over the scatter",
    "break_share": "position of the best hinge within the span",
    "jump": "largest change of level, mm",
    "jump_over_scatter": "largest change of level, over the scatter",
    "duration_epochs": "duration of a temporary change, epochs",
    "duration_days": "duration of a temporary change, days",
    "lasting": "share of rows whose largest change lasts",
    "between_epochs": "epochs between both levels at an edge",
    "jumps": "changes of 10 mm and three times the scatter or more",
}
_PANELS: Final = {
    TrendClass.STABLE: ("rate", "wander", "jump", "jump_over_scatter"),
    TrendClass.LINEAR: ("rate", "bend", "jump", "jump_over_scatter"),
    TrendClass.QUADRATIC: ("rate", "bend", "wander", "jump_over_scatter"),
    TrendClass.BILINEAR: ("rate", "bend", "break_share", "jump_over_scatter"),
    TrendClass.PUE: ("jump", "jump_over_scatter", "duration_epochs", "jumps"),
    TrendClass.OTHER: ("wander", "bend", "jump", "jump_over_scatter"),
}
"""Measures that are drawn for each class."""
_ON_A_LOG_SCALE: Final = frozenset(_WORDS) - {"break_share", "jumps", "between_epochs"}


@dataclass(frozen=True)
class _Rows:
    """Series of known class and their measured events."""

    displacement: NDArray[np.float32]
    days: NDArray[np.float32]
    label: NDArray[np.int8]
    events: Events


def compare_events(
    files: Sequence[LabelledFile], real: Path, folder: Path, *, simulated: int = SIMULATED, seed: int = 0
) -> dict[str, Any]:
    """Measure events in unanimous labelled rows and in simulated rows, and write numbers and figures.

    The files are ``events.json``, ``events.png``, and one sheet of plots per class.

    The simulated series have the dates of the same files and the noise of their quiet rows, so that only the events
    differ. Labelled rows were selected by their signals, so frequencies of events do not hold for a file.

    Parameters
    ----------
    files : sequence of LabelledFile
        Labelled rows with their series.
    real : Path
        Folder of the real files, for their noise.
    folder : Path
        Folder of the results; created if it does not exist.
    simulated : int
        Number of simulated series, equally many of each class.
    seed : int
        Seed of these series and of the choice of rows for the sheets.

    Returns
    -------
    dict
        Contents of ``events.json``.
    """
    read, made = _read_rows(files), _simulated_rows(files, real, simulated, seed)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {
        "read files": [file.name for file in files],
        "measured": _WORDS,
        "quartiles": list(_QUARTILES),
        "classes": {CLASS_NAMES[kind]: _numbers(read, made, kind) for kind in TrendClass},
    }
    (folder / "events.json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    _draw_events(read, made, folder / "events.png")
    for kind in TrendClass:
        name = CLASS_NAMES[kind]
        _draw_sheet(read, made, kind, np.random.default_rng(seed), folder / f"side-by-side-{name.lower()}.png")
    return numbers


def _read_rows(files: Sequence[LabelledFile]) -> _Rows:
    width = max(file.displacement.shape[1] for file in files)
    parts = []
    for file in files:
        rows = np.flatnonzero(file.readings.unanimous)
        padding = ((0, 0), (0, width - file.displacement.shape[1]))
        displacement = np.pad(file.displacement[rows], padding, constant_values=np.nan)
        days = np.pad(np.tile(file.days, (len(rows), 1)), padding, mode="edge")
        parts.append((displacement, days, file.label[rows]))
    displacement, days, label = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Rows(displacement, days, label, measure_events(displacement, days))


def _simulated_rows(files: Sequence[LabelledFile], real: Path, count: int, seed: int) -> _Rows:
    names = {Path(file.name).stem for file in files}
    others = [file.name for file in (*REAL_FILES, STAMPS_FILE) if file.name not in names]
    bank = replace(noise_bank(real, leave_out=others), vary=False)
    config = replace(SimulatorConfig(), block=_BLOCK)
    series = simulate(count, seed=seed, config=config, labels=balanced_labels(count, seed), bank=bank)
    days = np.asarray(series.days)
    return _Rows(series.displacement, days, series.label, measure_events(series.displacement, days))


def _numbers(read: _Rows, made: _Rows, kind: TrendClass) -> dict[str, Any]:
    parts = {"labelled": read.events.take(read.label == kind), "simulated": made.events.take(made.label == kind)}
    found: dict[str, Any] = {f"{name} rows": len(events.rate) for name, events in parts.items()}
    for key in _WORDS:
        found[key] = {name: _spread(key, getattr(events, key)) for name, events in parts.items()}
    return found


def _spread(key: str, values: NDArray[np.float64]) -> list[float] | float | None:
    """Return the quartiles of the finite values; the mean of a yes/no measure; None without values."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    if key == "lasting":
        return round(float(known.mean()), 3)
    return [round(float(value), 3) for value in np.percentile(known, _QUARTILES)]


def _draw_events(read: _Rows, made: _Rows, path: Path) -> None:
    """Draw a row of panels for each class, with the distribution functions of the measures."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.ticker import NullFormatter, ScalarFormatter  # noqa: PLC0415

    columns = max(len(keys) for keys in _PANELS.values())
    figure, axes = plt.subplots(len(_PANELS), columns, figsize=(4 * columns, 2.6 * len(_PANELS)), layout="constrained")
    for row, (kind, keys) in zip(axes, _PANELS.items(), strict=True):
        for axis, key in zip(row, keys, strict=True):
            for rows, colour, name in ((read, _READ, "labelled"), (made, _MADE, "simulated")):
                values = getattr(rows.events, key)[rows.label == kind]
                values = np.sort(values[np.isfinite(values)])
                label = f"{name}, {len(values)} rows"
                axis.step(
                    values, np.arange(1, len(values) + 1) / max(len(values), 1), color=colour, lw=1.3, label=label
                )
            if key in _ON_A_LOG_SCALE:
                axis.set_xscale("log")
                axis.set_xlim(*_usual(key, read, made, kind))
                axis.xaxis.set_major_formatter(ScalarFormatter())
                axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_title(f"{CLASS_NAMES[kind]}: {_WORDS[key]}", fontsize=7)
            axis.tick_params(labelsize=6)
            axis.grid(lw=0.2)
            axis.legend(fontsize=6)
    figure.suptitle(
        "Share of rows below a value: unanimous labelled rows, and simulated rows with the same noise and dates"
    )
    figure.savefig(path, dpi=65, metadata={"Software": None})
    plt.close(figure)


def _usual(key: str, read: _Rows, made: _Rows, kind: TrendClass) -> tuple[float, float]:
    """Return bounds that contain nearly all values of both."""
    both = np.concatenate([getattr(rows.events, key)[rows.label == kind] for rows in (read, made)])
    low, high = np.nanpercentile(both, (1, 99.5))
    return max(float(low), 0.05), max(float(high), 0.1)


def _draw_sheet(read: _Rows, made: _Rows, kind: TrendClass, rng: np.random.Generator, path: Path) -> None:
    """Draw labelled rows on the left and simulated rows on the right."""
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(_ROWS, 2 * _COLUMNS, figsize=(19, 10.5), layout="constrained")
    for rows, side, colour in ((read, axes[:, :_COLUMNS], _READ), (made, axes[:, _COLUMNS:], _MADE)):
        candidates = np.flatnonzero(rows.label == kind)
        chosen = rng.choice(candidates, min(side.size, len(candidates)), replace=False)
        for axis in side.flat[len(chosen) :]:
            axis.set_axis_off()
        for axis, row in zip(side.flat, chosen, strict=False):
            there = np.isfinite(rows.displacement[row])
            years = rows.days[row, there] / DAYS_PER_YEAR
            axis.plot(years, rows.displacement[row, there], ".", ms=1.6, color=colour)
            # At least half a wavelength, so that noise does not fill the panel.
            middle, half = np.mean(axis.get_ylim()), max(np.ptp(axis.get_ylim()) / 2, 14.0)
            axis.set_ylim(middle - half, middle + half)
            axis.tick_params(labelsize=5, pad=1)
    figure.suptitle(
        f"{CLASS_NAMES[kind]}: left real rows with unanimous labels, right simulated with the noise of the same files; "
        f"mm over years\n{EGMS_ATTRIBUTION}",
        fontsize=7,
    )
    figure.savefig(path, dpi=55, metadata={"Software": None})
    plt.close(figure)
