"""Two-sided probabilities of Student's distribution."""

from __future__ import annotations

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array


def two_sided(student: Float32Array, freedom: Float32Array) -> Float32Array:
    """Return the probability between -t and t of Student's distribution, with the sign of t.

    Parameters
    ----------
    student : ndarray of float32, shape [n, H]
        t.
    freedom : ndarray of float32, shape [n or 1, 1]
        Degrees of freedom, at least 8.

    Notes
    -----
    By the normal distribution of a transformed t (Wallace, Annals of Mathematical Statistics 30, 1959): the normal
    quantile is ``(8 f + 1) / (8 f + 3) sqrt(f ln(1 + t^2 / f))``. The error function is that of Abramowitz and Stegun,
    Handbook of Mathematical Functions, 7.1.26, within 1.5e-7.
    """
    normal = np.sqrt(freedom * np.log1p(student**2 / freedom)) * ((8 * freedom + 1) / (8 * freedom + 3) / 2**0.5)
    step = 1 / (1 + 0.3275911 * normal)
    series = step * (
        0.254829592 + step * (-0.284496736 + step * (1.421413741 + step * (-1.453152027 + step * 1.061405429)))
    )
    return np.asarray(np.copysign(1 - series * np.exp(-(normal**2)), student))
