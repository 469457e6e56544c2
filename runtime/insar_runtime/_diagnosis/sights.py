"""What all steps see of series: products with few fixed shapes, whatever values are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insar_runtime._diagnosis.blocks import in_blocks
from insar_runtime._diagnosis.noise import Floats
from insar_runtime._diagnosis.steps import Places, Seen, Single, Steps


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
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

    there: Places
    lost: Places
    spread: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """How n series are looked at.

    Attributes
    ----------
    steps : Steps
        Of their own epochs.
    place : ndarray of int64, shape [n]
        Which of its kinds each series has.
    weigh : ndarray of float32, shape [K, E, E + 1]
        Of each kind of noise on all E epochs of the file; see ``steps.weigh_of``.
    kind : ndarray of int64, shape [n]
        Which of these each series has.
    filling : Filling or None
        None if no value is missing.
    """

    steps: Steps
    place: Places
    weigh: Single
    kind: Places
    filling: Filling | None

    def take(self, rows: NDArray[np.intp]) -> Sight:
        """Give how some of the series are looked at."""
        filling = self.filling
        if filling is not None:
            filling = Filling(filling.there[rows], filling.lost[rows], filling.spread)
        return Sight(self.steps, self.place[rows], self.weigh, self.kind[rows], filling)

    def see(self, values: Single) -> Seen:
        """Give what all steps see of the series [n, T]."""
        if self.filling is None:
            return Seen(self.steps, self.place, products(values, self.weigh, self.kind))
        row = np.arange(len(values))[:, None]
        full = np.zeros((len(values), self.weigh.shape[1]), dtype=np.float32)
        full[row, self.filling.there] = values
        push = pushes(products(full, self.weigh, self.kind), self.filling.lost)
        # With what the others foretell in its place, a missing value says nothing.
        for one, rows in by_kind(self.place):
            full[rows[:, None], self.filling.lost[rows]] = -in_blocks(push[rows], self.filling.spread[one])
        seen = np.zeros((len(values), self.steps.epochs + 1), dtype=np.float32)
        seen[:, :-1] = products(full, self.weigh, self.kind)[row, self.filling.there]
        return Seen(self.steps, self.place, seen)


def pushes(seen: Single, epochs: Places) -> Floats:
    """Give the products [n, m] of series with single epochs, from those [n, T + 1] with all steps."""
    rows = np.arange(len(seen))[:, None]
    return (seen[rows, epochs] - seen[rows, epochs + 1]).astype(np.float64)


def products(values: Single, weigh: Single, kind: Places) -> Single:
    """Give the products [n, T + 1] of series [n, T] with all steps.

    Parameters
    ----------
    values : ndarray of float32, shape [n, T]
    weigh : ndarray of float32, shape [K, T, T + 1]
        Of each kind of noise; see ``steps.weigh_of``.
    kind : ndarray of int64, shape [n]
    """
    seen = np.empty((len(values), weigh.shape[2]), dtype=np.float32)
    for one, rows in by_kind(kind):
        seen[rows] = in_blocks(values[rows], weigh[one])
    return seen


def by_kind(kind: Places) -> Iterator[tuple[int, Places]]:
    """Give each kind that occurs, and its rows."""
    order = np.argsort(kind, kind="stable")
    if len(order):
        for rows in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
            yield int(kind[rows[0]]), rows


def change_of_epochs(values: Single) -> Single:
    """Give what series [n, T] change by at each epoch: the sizes of steps that they are made of."""
    return np.diff(values, axis=1, prepend=np.float32(0))


def weighted_sum(change: Single, seen: Single) -> Floats:
    """Give the weighted sum of squares [n] of series from their changes [n, T] and products [n, T + 1] with steps."""
    return np.asarray(np.einsum("nt,nt->n", seen[:, :-1], change), dtype=np.float64)
