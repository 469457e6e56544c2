"""Generalised least squares for series that share a time axis and may have missing values.

With the precision matrix P of the noise, from which nuisance columns (a line, say) have been projected out, a column h
is fitted to a series y with the amplitude h'Py / h'Ph, and lowers the sum of squares y'Py by (h'Py)^2 / h'Ph. If epochs
are missing, P is replaced by a Schur complement of it. That is exact and much cheaper than inverting the covariance of
the remaining epochs. The rows and columns of missing epochs are set to zero, so all arrays keep their shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insar_runtime._diagnosis.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class PrecisionMatrix:
    """Precision matrix of noise, with nuisance columns projected out.

    Attributes
    ----------
    matrix : ndarray of float64, shape [T, T]
        Symmetric; zero in the rows and columns of missing epochs.
    log_determinant : float
        Constant of the restricted likelihood of a series y: minus twice its logarithm is this number plus y'Py, up to
        a term that is the same for all precision matrices.
    freedom : int
        Degrees of freedom: epochs with a value less nuisance columns.
    """

    matrix: FloatArray
    log_determinant: float
    freedom: int


def restricted_precision(covariance: FloatArray, nuisance: FloatArray) -> PrecisionMatrix:
    """Return the inverse of a covariance matrix with nuisance columns projected out.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
    nuisance : ndarray of float64, shape [T, p]
        Columns with unknown amplitudes.

    Raises
    ------
    numpy.linalg.LinAlgError
        If there are too few epochs to determine the amplitudes, or if the covariance is singular.

    Notes
    -----
    Restricted likelihood: Patterson and Thompson, Biometrika 58, 1971.
    """
    if len(covariance) <= nuisance.shape[1]:
        raise np.linalg.LinAlgError("no more epochs than unknowns")
    factor = np.linalg.cholesky(covariance)
    pivot = np.diag(factor)
    if not pivot.min() > 1e-7 * pivot.max():
        # Because of rounding, a singular matrix may pass the Cholesky factorisation.
        raise np.linalg.LinAlgError("covariance is singular")
    half = np.linalg.inv(factor)
    white = half @ nuisance
    orthogonal, triangle = np.linalg.qr(white)
    diagonal = np.abs(np.diag(triangle))
    if not diagonal.min(initial=1.0) > 1e-10 * diagonal.max(initial=1.0):
        raise np.linalg.LinAlgError("nuisance columns depend on each other")
    half -= orthogonal @ (orthogonal.T @ half)
    log_determinant = 2 * float(np.log(diagonal).sum() + np.log(pivot).sum())
    return PrecisionMatrix(half.T @ half, log_determinant, len(covariance) - nuisance.shape[1])


def without(precision: PrecisionMatrix, missing: BoolArray) -> PrecisionMatrix:
    """Return the precision matrix of series in which some epochs are missing.

    Parameters
    ----------
    precision : PrecisionMatrix
        Precision matrix of complete series.
    missing : ndarray of bool, shape [T]

    Raises
    ------
    numpy.linalg.LinAlgError
        If the remaining epochs are too few to determine the nuisance columns.
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
    """Return the generalised least-squares estimator of the nuisance columns alone.

    Parameters
    ----------
    covariance : ndarray of float64, shape [T, T]
    nuisance : ndarray of float64, shape [T, p]

    Returns
    -------
    estimator : ndarray of float64, shape [p, T]
        Its product with a series gives the amplitudes.
    spread : ndarray of float64, shape [p, p]
        Covariance of the amplitudes.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.
    """
    weighted = np.linalg.solve(covariance, nuisance)
    spread = np.linalg.inv(nuisance.T @ weighted)
    return spread @ weighted.T, spread
