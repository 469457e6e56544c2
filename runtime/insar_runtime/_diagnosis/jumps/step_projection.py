"""Projection of series, with or without missing values, onto all step functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IndexArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import StepBasis, StepProjections
from insar_runtime._diagnosis.row_products import multiply_rows


@dataclass(frozen=True, slots=True, eq=False)
class MissingValues:
    """Missing epochs of n series that have the same number of them.

    Attributes
    ----------
    there : ndarray of int64, shape [n, T]
        Epochs with a value.
    lost : ndarray of int64, shape [n, m]
        Epochs without a value.
    spread : ndarray of float64, shape [K, m, m]
        Covariance of the missing values given all others, for each of the K noise models of the basis.
    """

    there: IntArray
    lost: IntArray
    spread: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class StepProjector:
    """Projects n series onto all step functions at their own epochs.

    Attributes
    ----------
    basis : StepBasis
        Step functions at the epochs with a value.
    place : ndarray of int64, shape [n]
        Noise model of each series, as an index of the models of the basis.
    projection : ndarray of float32, shape [K, E, E + 1]
        Projection matrix of each noise model on all E epochs of the file; see ``step_basis.projection_matrix``.
    kind : ndarray of int64, shape [n]
        Noise model of each series, as an index of these matrices.
    missing_values : MissingValues or None
        None if no value is missing.
    """

    basis: StepBasis
    place: IntArray
    projection: Float32Array
    kind: IntArray
    missing_values: MissingValues | None

    def take(self, rows: IndexArray) -> StepProjector:
        """Return the projector of some of the series."""
        missing_values = self.missing_values
        if missing_values is not None:
            missing_values = MissingValues(missing_values.there[rows], missing_values.lost[rows], missing_values.spread)
        return StepProjector(self.basis, self.place[rows], self.projection, self.kind[rows], missing_values)

    def project(self, values: Float32Array) -> StepProjections:
        """Project the series [n, T] onto all step functions."""
        if self.missing_values is None:
            return StepProjections(self.basis, self.place, project_rows(values, self.projection, self.kind))
        row = np.arange(len(values))[:, None]
        full = np.zeros((len(values), self.projection.shape[1]), dtype=np.float32)
        full[row, self.missing_values.there] = values
        push = epoch_products(project_rows(full, self.projection, self.kind), self.missing_values.lost)
        # A missing value that is replaced by its prediction from all others does not contribute.
        for one, rows in rows_by_kind(self.place):
            full[rows[:, None], self.missing_values.lost[rows]] = -multiply_rows(
                push[rows], self.missing_values.spread[one]
            )
        projections = np.zeros((len(values), self.basis.epochs + 1), dtype=np.float32)
        projections[:, :-1] = project_rows(full, self.projection, self.kind)[row, self.missing_values.there]
        return StepProjections(self.basis, self.place, projections)


def epoch_products(projections: Float32Array, epochs: IntArray) -> FloatArray:
    """Return the products [n, m] of series with single epochs, from their projections [n, T + 1] onto all steps."""
    rows = np.arange(len(projections))[:, None]
    return (projections[rows, epochs] - projections[rows, epochs + 1]).astype(np.float64)


def project_rows(values: Float32Array, projection: Float32Array, kind: IntArray) -> Float32Array:
    """Return the projections [n, T + 1] of complete series [n, T] onto all steps.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
    projection : ndarray of float32, shape [K, T, T + 1]
        Projection matrix of each noise model; see ``step_basis.projection_matrix``.
    kind : ndarray of int64, shape [n]
        Noise model of each series.
    """
    projections = np.empty((len(values), projection.shape[2]), dtype=np.float32)
    for one, rows in rows_by_kind(kind):
        projections[rows] = multiply_rows(values[rows], projection[one])
    return projections


def rows_by_kind(kind: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Yield each noise model that occurs, and its rows."""
    order = np.argsort(kind, kind="stable")
    if len(order):
        for rows in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
            yield int(kind[rows[0]]), rows


def epoch_differences(values: Float32Array) -> Float32Array:
    """Return the change of series [n, T] at each epoch: the sizes of the steps that add up to the series."""
    return np.diff(values, axis=1, prepend=np.float32(0))


def weighted_squares(change: Float32Array, projections: Float32Array) -> FloatArray:
    """Return the weighted sum of squares [n] of series, from their changes [n, T] and projections [n, T + 1]."""
    return np.asarray(np.einsum("nt,nt->n", projections[:, :-1], change), dtype=np.float64)
