"""Class priors: the mix of classes that probabilities hold for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES

PriorsOrigin = Literal["training", "given", "estimated", "too_few_rows", "local"]


@dataclass(frozen=True, slots=True)
class ClassPriors:
    """The mix of classes that probabilities hold for.

    Attributes
    ----------
    shares : mapping of str to float
        Share of each class by its name, in the order of ``CLASS_NAMES``; sum 1, none is 0. Those of a classifier have
        the classes of its model; given ones may leave out Other, see ``for_classes_of``.
    origin : {"training", "given", "estimated", "too_few_rows", "local"}
        The mix of the training, for which the network gives its probabilities; given by the user; between that of the
        training and that estimated from the rows; the mix of the training again, because there were too few rows to
        estimate from; a mix for each point from those around it (``LocalPriors``).
    rows : int or None
        Rows that were there to estimate from; None if that was not asked for.
    estimate : mapping of str to float or None
        Where the mix is estimated: the mix that is most likely for the rows, of which ``shares`` take a part.
    """

    shares: Mapping[str, float]
    origin: PriorsOrigin
    rows: int | None = None
    estimate: Mapping[str, float] | None = None

    @property
    def array(self) -> NDArray[np.float64]:
        """The shares in the order of ``CLASS_NAMES``, float64, shape [5] or [6]."""
        return np.array([self.shares[name] for name in CLASS_NAMES if name in self.shares])

    @property
    def reweights(self) -> bool:
        """Whether probabilities become others than the network gives."""
        return self.origin in {"given", "estimated", "local"}


@dataclass(frozen=True, slots=True)
class LocalPriors(ClassPriors):
    """The mix of classes of a file, from which the mix around each point departs by what its neighbours show.

    Attributes
    ----------
    distance_m : float
        Points that are nearer than this are neighbours.
    median_neighbours : float
        Median number of neighbours that count.
    without_neighbours : int
        Points without any neighbour that counts, or without a position: they have the mix of the file.
    """

    distance_m: float = 0.0
    median_neighbours: float = 0.0
    without_neighbours: int = 0


def priors_of_block(stated: Mapping[str, Any]) -> ClassPriors:
    """Return the priors that the metadata of an output state."""
    known = set(ClassPriors.__dataclass_fields__)
    is_local = stated.get("origin") == "local" or not known >= set(stated)
    return (LocalPriors if is_local else ClassPriors)(**stated)
