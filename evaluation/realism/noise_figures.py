"""Figures that compare simulated with real noise: one sheet per statistic, one panel per real file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.realism.noise import MAX_STEP_DAYS, StillSeries, amplitudes, spectrum, statistics, structure
from insar_runtime.errors import UsageError
from training.simulator.lines import running_median

_COLUMNS: Final = 3
_LEAST_ROWS_OF_FILE: Final = 30
_REAL, _SIMULATED = "tab:red", "tab:blue"

Curve = Callable[[StillSeries], dict[str, float]]
Values = Callable[[StillSeries], NDArray[Any]]


def _steps(still: StillSeries) -> NDArray[Any]:
    near = np.diff(still.days) <= MAX_STEP_DAYS
    return np.abs(np.diff(still.residual, axis=1)[:, near]).ravel()


def _wander(still: StillSeries) -> NDArray[Any]:
    return np.ptp(running_median(still.residual, 9), axis=1)


_CURVES: Final[Mapping[str, tuple[Curve, str, str]]] = {
    "spectrum": (spectrum, "period, days", "power over that of white noise"),
    "structure": (structure, "lag, days", "half the mean squared difference, over the variance"),
}
_VALUES: Final[Mapping[str, tuple[Values, float, str]]] = {
    "steps": (_steps, 40.0, "step between epochs at most 12 days apart, mm"),
    "wander": (_wander, 40.0, "range of the running median over 9 epochs, mm"),
    "annual": (amplitudes, 12.0, "amplitude of the annual cycle, mm"),
}
_BINS: Final = 40


def write_realism_figures(
    real: Sequence[StillSeries], simulated: Sequence[StillSeries], folder: Path
) -> dict[str, dict[str, Any]]:
    """Draw simulated and real noise, and return the statistics.

    Parameters
    ----------
    real : sequence of StillSeries
        One per file; see ``evaluation.realism.noise.still_series``.
    simulated : sequence of StillSeries
        One for each real file, at its dates; see ``evaluation.realism.noise.simulated_still``.
    folder : Path
        Folder of ``spectrum.png`` and the others; created if it does not exist.

    Returns
    -------
    dict
        ``{"rows": int, "real": statistics, "simulated": statistics}`` by file name, with the result of
        ``evaluation.realism.noise.statistics``.

    Raises
    ------
    UsageError
        If there is no file, or the numbers of real and simulated sets differ.
    """
    if not real or len(real) != len(simulated):
        raise UsageError(
            f"{len(real)} real and {len(simulated)} simulated sets; give one simulated set for each real file"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, (measure, along, up) in _CURVES.items():
        _sheet(folder / f"{name}.png", real, simulated, (along, up), partial(_draw_curves, measure=measure))
    for name, (values, most, along) in _VALUES.items():
        draw = partial(_draw_values, values=values, most=most)
        _sheet(folder / f"{name}.png", real, simulated, (along, "density"), draw)
    return {
        there.name: {"rows": len(there), "real": statistics(there), "simulated": statistics(made)}
        for there, made in zip(real, simulated, strict=True)
    }


def _draw_curves(axis: Any, real: StillSeries, simulated: StillSeries, *, measure: Curve) -> None:
    """Draw the real curve, the mean simulated curve, and the range of 90 % of the simulated files."""
    curves = []
    for file in np.unique(simulated.file):
        rows = simulated.file == file
        if rows.sum() >= _LEAST_ROWS_OF_FILE:
            curves.append(measure(replace(simulated, residual=simulated.residual[rows], file=simulated.file[rows])))
    mean, found = measure(simulated), measure(real)
    x = [float(key) for key in mean]
    if curves:
        low, high = np.quantile([list(curve.values()) for curve in curves], [0.05, 0.95], axis=0)
        axis.fill_between(x, low, high, color=_SIMULATED, alpha=0.2, lw=0, label="9 in 10 simulated files")
    axis.plot(x, list(mean.values()), color=_SIMULATED, label="simulated, mean")
    axis.plot([float(key) for key in found], list(found.values()), ".-", color=_REAL, label="real")
    axis.set_xscale("log")


def _draw_values(axis: Any, real: StillSeries, simulated: StillSeries, *, values: Values, most: float) -> None:
    """Draw histograms; the last bin contains all larger values."""
    bins = np.linspace(0, most, _BINS + 1)
    for still, colour, label in ((simulated, _SIMULATED, "simulated"), (real, _REAL, "real")):
        found = np.minimum(values(still), most)
        axis.hist(found, bins, density=True, histtype="step", lw=1.5, color=colour, label=label)
    axis.set_yscale("log")


def _sheet(
    path: Path,
    real: Sequence[StillSeries],
    simulated: Sequence[StillSeries],
    labels: tuple[str, str],
    draw: Callable[[Any, StillSeries, StillSeries], None],
) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    lines = -(-len(real) // _COLUMNS)
    figure, axes = plt.subplots(lines, _COLUMNS, figsize=(14, 3.6 * lines), layout="constrained", squeeze=False)
    for axis, there, made in zip(axes.flat, real, simulated, strict=False):
        draw(axis, there, made)
        axis.set_title(f"{there.name}, {len(there)} rows", fontsize=8)
        axis.set_xlabel(labels[0], fontsize=8)
        axis.set_ylabel(labels[1], fontsize=8)
        axis.tick_params(labelsize=7)
    for axis in axes.flat[len(real) :]:
        axis.set_visible(False)
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=70, metadata={"Software": None})
    plt.close(figure)
