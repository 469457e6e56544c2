"""Quality of an area, 1 to 4: noise in time and coherence in space, as the index of ADAfinder has it.

Barra et al., "A Methodology to Detect and Update Active Deformation Areas Based on Sentinel-1 SAR Images", Remote
Sensing 9(10), 2017, 1002; Navarro et al., "ADAtools: Automatic Detection and Classification of Active Deformation Areas
from PSI Displacement Maps", ISPRS International Journal of Geo-Information 9(10), 2020, 584. Their index takes the
noise in time from the autocorrelation of the series, and the noise in space from the correlation of the series with one
another, and has four classes: from an area with reliable series to one that may be none. The thresholds here are ours.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

GOOD_NOISE: Final = 0.3
FAIR_NOISE: Final = 0.6
"""Largest noise in time of a good and of a fair area: 0 without noise, 1 if successive values are not correlated."""
GOOD_COHERENCE: Final = 0.7
FAIR_COHERENCE: Final = 0.4
"""Smallest coherence in space of a good and of a fair area: 1 if all series are the same but for their scale."""
_LEAST_EPOCHS: Final = 5
_MOST_SERIES: Final = 500
"""Series of an area whose correlations are taken; the median of more is the same."""


def quality_of(noise_in_time: float, coherence_in_space: float) -> int | None:
    """Return the quality of an area.

    Parameters
    ----------
    noise_in_time : float
        1 less the median autocorrelation of its series; NaN = not known.
    coherence_in_space : float
        See ``coherence``; NaN = not known.

    Returns
    -------
    int or None
        1: both are good. 2: both are fair at least. 3: one of them is. 4: neither is. None if one is not known.
    """
    if not (np.isfinite(noise_in_time) and np.isfinite(coherence_in_space)):
        return None
    if noise_in_time <= GOOD_NOISE and coherence_in_space >= GOOD_COHERENCE:
        return 1
    return 4 - (noise_in_time <= FAIR_NOISE) - (coherence_in_space >= FAIR_COHERENCE)


def coherence(series: Floats) -> float:
    """Return the median correlation of the series of an area with the mean of the others.

    Parameters
    ----------
    series : ndarray of float32, shape [S, T]
        mm; NaN = missing.

    Returns
    -------
    float
        NaN where there are fewer than two series that can be compared.
    """
    series = series[:_MOST_SERIES].astype(np.float64)
    there = np.isfinite(series)
    level = np.where(there, series, 0).sum(axis=1, keepdims=True) / np.maximum(there.sum(axis=1, keepdims=True), 1)
    values = np.where(there, series - level, 0)
    others = there.sum(axis=0) - there
    mean = (values.sum(axis=0) - values) / np.maximum(others, 1)
    both = there & (others > 0)
    found = [
        float(np.corrcoef(one[kept], other[kept])[0, 1])
        for one, other, kept in zip(values, mean, both, strict=True)
        if kept.sum() >= _LEAST_EPOCHS and np.ptp(one[kept]) > 0 and np.ptp(other[kept]) > 0
    ]
    return float(np.median(found)) if len(found) > 1 else float("nan")
