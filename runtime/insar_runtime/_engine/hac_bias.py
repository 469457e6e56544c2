"""Bias of a HAC variance in series of some years, which ``hac`` corrects.

Residuals of a fit have lost the slowest part of the noise, and pairs of epochs that lie further apart than the lag do
not count: the expected variance of Newey and West is a fifth to a half of the true one here. This share depends on the
noise, the span and the number of epochs. The tables hold it for typical noise of PS series and evenly spread epochs:
with residual maker M = I - X X+, covariance R of the noise, weights a of the epochs in the slope and Bartlett's weights
W of pairs, it is sum(a_i W_ij a_j (M R M)_ij) / (a R a). The tests compute the tables anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TYPICAL_NOISE: Final = ((0.64, 0.0), (0.14, 18.0), (0.18, 155.0), (0.04, 490.0))
"""Shares of the variance, and the days over which they are correlated, 0 for white noise (Ornstein-Uhlenbeck): the mean
shares and the median times of ``training.simulator.config.NoiseConfig``, which follows series of EGMS."""

EPOCHS: Final = (12, 25, 50, 100, 200, 400)

OF_LINE: Final[Mapping[float, tuple[float, ...]]] = {
    0.25: (0.106, 0.087, 0.073, 0.063, 0.058, 0.055),
    0.5: (0.201, 0.169, 0.145, 0.130, 0.121, 0.116),
    0.75: (0.235, 0.196, 0.167, 0.148, 0.137, 0.131),
    1.0: (0.276, 0.227, 0.191, 0.167, 0.154, 0.147),
}
"""Of a line alone: shares for ``EPOCHS`` by span in years."""

OF_SEASONAL: Final[Mapping[float, tuple[float, ...]]] = {
    1.0: (0.188, 0.191, 0.173, 0.154, 0.140, 0.132),
    1.1: (0.160, 0.155, 0.134, 0.115, 0.102, 0.094),
    1.2: (0.154, 0.133, 0.108, 0.089, 0.078, 0.071),
    1.3: (0.167, 0.131, 0.101, 0.081, 0.070, 0.063),
    1.4: (0.192, 0.144, 0.109, 0.087, 0.074, 0.067),
    1.5: (0.220, 0.164, 0.125, 0.100, 0.086, 0.079),
    1.6: (0.244, 0.188, 0.145, 0.118, 0.103, 0.095),
    1.8: (0.292, 0.234, 0.186, 0.156, 0.139, 0.130),
    2.0: (0.326, 0.277, 0.226, 0.192, 0.173, 0.163),
    2.25: (0.318, 0.280, 0.237, 0.206, 0.188, 0.179),
    2.5: (0.340, 0.281, 0.228, 0.194, 0.174, 0.164),
    3.0: (0.408, 0.349, 0.281, 0.235, 0.208, 0.194),
    4.0: (0.470, 0.414, 0.335, 0.279, 0.246, 0.228),
    5.0: (0.504, 0.464, 0.377, 0.311, 0.272, 0.250),
    7.0: (0.529, 0.539, 0.439, 0.357, 0.306, 0.277),
    10.0: (0.445, 0.606, 0.508, 0.408, 0.341, 0.302),
    15.0: (0.583, 0.674, 0.595, 0.476, 0.386, 0.331),
    25.0: (0.603, 0.679, 0.698, 0.577, 0.457, 0.377),
}
"""The same of a line beside an annual sine."""


def shrinkage(years: Floats, epochs: Floats) -> Floats:
    """Return the share of the true variance that is to be expected from Newey and West.

    Parameters
    ----------
    years : ndarray of float64, shape [n]
        Span of the values. An annual sine is fitted from one year on.
    epochs : ndarray of float64, shape [n]
        Number of values.

    Returns
    -------
    ndarray of float64, shape [n]
        Between 0 and 1; what lies outside of the tables gets the share at their edge.
    """
    return np.where(years < 1.0, _interpolate(OF_LINE, years, epochs), _interpolate(OF_SEASONAL, years, epochs))


def _interpolate(table: Mapping[float, tuple[float, ...]], years: Floats, epochs: Floats) -> Floats:
    """Interpolate between spans and between logarithms of numbers of epochs."""
    values = np.array(list(table.values()))
    row, below = _place(np.array(list(table)), years)
    column, left = _place(np.log(EPOCHS), np.log(epochs))
    upper = values[row, column] * (1 - left) + values[row, column + 1] * left
    lower = values[row + 1, column] * (1 - left) + values[row + 1, column + 1] * left
    interpolated: Floats = upper * (1 - below) + lower * below
    return interpolated


def _place(nodes: Floats, at: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the node below each place, and the share of the way to the next one; at most the ends."""
    node = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, len(nodes) - 2)
    way: Floats = np.clip((at - nodes[node]) / (nodes[node + 1] - nodes[node]), 0.0, 1.0)
    return node, way
