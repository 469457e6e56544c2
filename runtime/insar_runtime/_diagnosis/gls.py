"""Generalised least squares on series that share a time axis, with values missing here and there.

The precision matrix of the noise, with nuisance columns (a line, say) projected out, answers every question about a
column h: it fits y with amplitude h'Py / h'Ph and lowers the sum of squares y'Py by (h'Py)^2 / h'Ph. A missing epoch
has no row and column in it, which is a Schur complement of the full matrix: exact, and much cheaper than inverting the
covariance of the epochs that are there. Zeros in their place keep all shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class PrecisionMatrix:
    """Precision of noise about nuisance columns.

    Attributes
    ----------
    matrix : ndarray of float64, shape [T, T]
        Symmetric; zero in the rows and columns of missing epochs.
    log_determinant : float
        Of the restricted likelihood: minus twice its logarithm is this plus y'Py, up to a constant.
    freedom : int
        Epochs with a value less nuisance columns.
    """

    matrix: FloatArray
    log_determinant: float
    freedom: int


def restricted_precision(covariance: FloatArray, nuisance: FloatArray) -> PrecisionMatrix:
    """Invert a covariance and project columns out of the inverse.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
    nuisance : ndarray of float64, shape [T, p]
        Columns whose amplitudes are unknown.

    Raises
    ------
    numpy.linalg.LinAlgError
        If there are too few epochs to tell the amplitudes, or the covariance is singular.

    Notes
    -----
    Restricted likelihood: Patterson and Thompson, Biometrika 58, 1971.
    """
    if len(covariance) <= nuisance.shape[1]:
        raise np.linalg.LinAlgError("no more epochs than unknowns")
    factor = np.linalg.cholesky(covariance)
    pivot = np.diag(factor)
    if not pivot.min() > 1e-7 * pivot.max():
        # Rounding can make a singular matrix pass.
        raise np.linalg.LinAlgError("covariance is singular")
    half = np.linalg.inv(factor)
    white = half @ nuisance
    orthogonal, triangle = np.linalg.qr(white)
    diagonal = np.abs(np.diag(triangle))
    if not diagonal.min(initial=1.0) > 1e-10 * diagonal.max(initial=1.0):
        raise np.linalg.LinAlgError("nuisance columns depend on each other")
    half -= orthogonal @ (orthogonal.T @ half)
    log_determinant = 2 * float(np.log(diagonal).sum()) + float(np.linalg.slogdet(covariance)[1])
    return PrecisionMatrix(half.T @ half, log_determinant, len(covariance) - nuisance.shape[1])


def without(precision: PrecisionMatrix, missing: BoolArray) -> PrecisionMatrix:
    """Give the precision where some epochs have no value.

    Parameters
    ----------
    precision : PrecisionMatrix
        Of all epochs.
    missing : ndarray of bool, shape [T]

    Raises
    ------
    numpy.linalg.LinAlgError
        If too few epochs are left to tell the nuisance columns.
    """
    lost = np.flatnonzero(missing)
    freedom = precision.freedom - len(lost)
    if freedom <= 0:
        raise np.linalg.LinAlgError("no more epochs than unknowns")
    factor = np.linalg.cholesky(precision.matrix[np.ix_(lost, lost)])
    across = np.linalg.solve(factor, precision.matrix[lost])
    matrix = precision.matrix - across.T @ across
    matrix[lost] = matrix[:, lost] = 0.0
    return PrecisionMatrix(matrix, precision.log_determinant + 2 * float(np.log(np.diag(factor)).sum()), freedom)


def line_estimator(covariance: FloatArray, nuisance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the generalised least-squares estimator of the nuisance columns alone.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
    nuisance : ndarray of float64, shape [T, p]

    Returns
    -------
    estimator : ndarray of float64, shape [p, T]
        Gives the amplitudes by multiplication with a series.
    spread : ndarray of float64, shape [p, p]
        Covariance of the amplitudes.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.
    """
    seen = np.linalg.solve(covariance, nuisance)
    spread = np.linalg.inv(nuisance.T @ seen)
    return spread @ seen.T, spread
