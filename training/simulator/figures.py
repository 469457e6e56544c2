"""Sheets of simulated series, one per class, for visual inspection."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from insar_runtime.classes import CLASS_NAMES
from insar_runtime.definitions import DAYS_PER_YEAR
from training.simulator.simulator import SimulatedSeries, simulate

_SIDE: Final = 5


def write_class_figures(folder: Path, seed: int) -> list[Path]:
    """Write a sheet of 5 x 5 series for each class.

    Parameters
    ----------
    folder : Path
        Folder for ``stable.png`` and the others; created if it does not exist.
    seed : int
        Seed of the series.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Enough blocks that every calendar occurs.
    count = 512 * 20
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype(np.int8)
    series = simulate(count, seed=seed, labels=labels)
    paths = []
    for class_id, name in enumerate(CLASS_NAMES):
        rows = rng.choice(np.flatnonzero(series.label == class_id), _SIDE**2, replace=False)
        paths.append(folder / f"{name.lower()}.png")
        _draw_sheet(series.take(rows), name, paths[-1])
    return paths


def _draw_sheet(series: SimulatedSeries, title: str, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only figures need it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(_SIDE, _SIDE, figsize=(17, 12), layout="constrained")
    for row, axis in enumerate(axes.flat):
        years = series.days[row] / DAYS_PER_YEAR
        valid = np.isfinite(series.displacement[row])
        wrong = valid & (series.error[row] != 0)
        axis.plot(years[valid], series.displacement[row][valid], ".-", ms=2.5, lw=0.4, color="tab:blue")
        axis.plot(years[wrong], series.displacement[row][wrong], ".", ms=3.5, color="tab:red")
        motion = series.motion[row]
        shift = np.median(series.displacement[row][valid] - motion[valid] - series.error[row][valid] / 10)
        axis.plot(years, motion + shift, lw=1, color="black")
        axis.set_title(
            f"{series.calendar[row]}, {valid.sum()} epochs, noise {series.noise_sigma[row]:.1f} mm, "
            f"departure {series.departure[row]:.1f}",
            fontsize=7,
        )
        axis.tick_params(labelsize=6)
    figure.suptitle(f"{title}: mm along the line of sight over years; black: motion, red: unwrapping error")
    figure.savefig(path, dpi=60, metadata={"Software": None})
    plt.close(figure)
