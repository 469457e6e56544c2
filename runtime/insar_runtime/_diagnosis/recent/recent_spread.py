"""Empirical null of the recent change: the spread of its test statistic over the rows of a file.

The last months of a file differ from the others in what all rows share: the weather of a season, fewer acquisitions,
the end of a filter. Most rows do not change, so the spread of the statistic over a sample of the rows says by how much
the standard deviations of the noise model are too small or too large there.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist
from typing import Final

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array
from insar_runtime._diagnosis.noise.noise_model import FileNoise
from insar_runtime._diagnosis.recent.recent_finder import RecentChangeFinder

_QUANTILE: Final = 0.8
"""Quantile of the absolute statistic that is compared with that of the normal distribution: near the tail that decides,
and hardly changed by some rows in a hundred that do change. Our choice."""
_LEAST_ROWS: Final = 100
"""With fewer rows, the error of the spread exceeds a tenth."""
_MOST_ROWS: Final = 2048
"""More rows do not change the spread by what matters."""
_BOUNDS: Final = (0.8, 2.0)
"""Bounds of the spread. Above, so many rows change that the sample says little of those that do not; below, the model
expects common steps that most rows do not have, and some have. Our choice."""


def with_recent_spread(noise: FileNoise, displacement: Float32Array, recent_days: int) -> FileNoise:
    """Return the noise of a file with the spread of the recent changes of its rows.

    Parameters
    ----------
    noise : FileNoise
        As it is estimated from these rows.
    displacement : ndarray of float32, shape [N, T]
        mm; NaN = missing. Rows from all parts of the file.
    recent_days : int
        Length of the window.

    Notes
    -----
    Efron, Large-scale simultaneous hypothesis testing: the choice of a null hypothesis, Journal of the American
    Statistical Association 99, 2004. The centre of the null is kept at no change, so that a change that all rows share
    widens it.
    """
    if not noise.rows or len(displacement) < _LEAST_ROWS:
        return noise
    some = np.linspace(0, len(displacement) - 1, min(len(displacement), _MOST_ROWS)).astype(np.intp)
    found = RecentChangeFinder(replace(noise, recent_spread=1.0), recent_days).find(displacement[some]).probability
    known = found[np.isfinite(found)].astype(np.float64)
    if len(known) < _LEAST_ROWS:
        return noise
    normal = NormalDist()
    at = min(float(np.quantile(known, _QUANTILE)), 1 - 1e-9)
    spread = normal.inv_cdf((1 + at) / 2) / normal.inv_cdf((1 + _QUANTILE) / 2)
    return replace(noise, recent_spread=float(np.clip(spread, *_BOUNDS)))
