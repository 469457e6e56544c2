"""What all steps see of series: products with few fixed shapes, whatever values are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from insar_runtime._diagnosis.arrays import Float32Array, FloatArray, IndexArray, IntArray
from insar_runtime._diagnosis.jumps.step_basis import StepBasis, StepProjections
from insar_runtime._diagnosis.row_products import multiply_rows


@dataclass(frozen=True, slots=True, eq=False)
class MissingValues:
    """What n series lack.

    Attributes
    ----------
    there : ndarray of int64, shape [n, T]
        Epochs of their values.
    lost : ndarray of int64, shape [n, m]
        Those without.
    spread : ndarray of float64, shape [K, m, m]
        Covariance of the missing values where all others are known, for each of the kinds that series are seen under.
    """

    there: IntArray
    lost: IntArray
    spread: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class StepProjector:
    """How n series are looked at.

    Attributes
    ----------
    steps : StepBasis
        Of their own epochs.
    place : ndarray of int64, shape [n]
        Which of its kinds each series has.
    weigh : ndarray of float32, shape [K, E, E + 1]
        Of each kind of noise on all E epochs of the file; see ``steps.weigh_of``.
    kind : ndarray of int64, shape [n]
        Which of these each series has.
    filling : MissingValues or None
        None if no value is missing.
    """

    basis: StepBasis
    place: IntArray
    projection: Float32Array
    kind: IntArray
    missing_values: MissingValues | None

    def take(self, rows: IndexArray) -> StepProjector:
        """Give how some of the series are looked at."""
        missing_values = self.missing_values
        if missing_values is not None:
            missing_values = MissingValues(missing_values.there[rows], missing_values.lost[rows], missing_values.spread)
        return StepProjector(self.basis, self.place[rows], self.projection, self.kind[rows], missing_values)

    def project(self, values: Float32Array) -> StepProjections:
        """Give what all steps see of the series [n, T]."""
        if self.missing_values is None:
            return StepProjections(self.basis, self.place, project_rows(values, self.projection, self.kind))
        row = np.arange(len(values))[:, None]
        full = np.zeros((len(values), self.projection.shape[1]), dtype=np.float32)
        full[row, self.missing_values.there] = values
        push = epoch_products(project_rows(full, self.projection, self.kind), self.missing_values.lost)
        # With what the others foretell in its place, a missing value says nothing.
        for one, rows in rows_by_kind(self.place):
            full[rows[:, None], self.missing_values.lost[rows]] = -multiply_rows(
                push[rows], self.missing_values.spread[one]
            )
        projections = np.zeros((len(values), self.basis.epochs + 1), dtype=np.float32)
        projections[:, :-1] = project_rows(full, self.projection, self.kind)[row, self.missing_values.there]
        return StepProjections(self.basis, self.place, projections)


def epoch_products(projections: Float32Array, epochs: IntArray) -> FloatArray:
    """Give the products [n, m] of series with single epochs, from those [n, T + 1] with all steps."""
    rows = np.arange(len(projections))[:, None]
    return (projections[rows, epochs] - projections[rows, epochs + 1]).astype(np.float64)


def project_rows(values: Float32Array, projection: Float32Array, kind: IntArray) -> Float32Array:
    """Give the products [n, T + 1] of series [n, T] with all steps.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
    weigh : ndarray of float32, shape [K, T, T + 1]
        Of each kind of noise; see ``steps.weigh_of``.
    kind : ndarray of int64, shape [n]
    """
    projections = np.empty((len(values), projection.shape[2]), dtype=np.float32)
    for one, rows in rows_by_kind(kind):
        projections[rows] = multiply_rows(values[rows], projection[one])
    return projections


def rows_by_kind(kind: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Give each kind that occurs, and its rows."""
    order = np.argsort(kind, kind="stable")
    if len(order):
        for rows in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
            yield int(kind[rows[0]]), rows


def epoch_differences(values: Float32Array) -> Float32Array:
    """Give what series [n, T] change by at each epoch: the sizes of steps that they are made of."""
    return np.diff(values, axis=1, prepend=np.float32(0))


def weighted_squares(change: Float32Array, projections: Float32Array) -> FloatArray:
    """Give the weighted sum of squares [n] of series from their changes [n, T] and products [n, T + 1] with steps."""
    return np.asarray(np.einsum("nt,nt->n", projections[:, :-1], change), dtype=np.float64)
