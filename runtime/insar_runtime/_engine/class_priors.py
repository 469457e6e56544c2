"""Class priors: the mix of classes that probabilities hold for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime.classes import CLASS_NAMES

PriorsOrigin = Literal["training", "given", "estimated", "too_few_rows"]


@dataclass(frozen=True, slots=True)
class ClassPriors:
    """The mix of classes that probabilities hold for.

    Attributes
    ----------
    shares : mapping of str to float
        Share of each class by its name, in the order of ``CLASS_NAMES``; sum 1, none is 0. Those of a classifier have
        the classes of its model; given ones may leave out Other, see ``for_classes_of``.
    origin : {"training", "given", "estimated", "too_few_rows"}
        The mix of the training, for which the network gives its probabilities; given by the user; between that of the
        training and that estimated from the rows; the mix of the training again, because there were too few rows to
        estimate from.
    rows : int or None
        Rows that were there to estimate from; None if that was not asked for.
    estimate : mapping of str to float or None
        Where the origin is "estimated": the mix that is most likely for the rows, of which ``shares`` take a part.
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
        return self.origin in {"given", "estimated"}
