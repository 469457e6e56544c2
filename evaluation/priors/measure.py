"""False alarms and missed movers of probabilities under an assumed mix of classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.priors import reweight
from insar_runtime.classes import NO_CLASS, TrendClass
from insar_runtime.result import sureness

NO_CLASS_COST: Final = 0.5
"""Cost of a row without a class; that of a false alarm or of a missed mover is 1."""


@dataclass(frozen=True)
class Rows:
    """Rows with probabilities and true or read classes.

    Attributes
    ----------
    probabilities : ndarray of float32, shape [N, C]
        For the mix of the training.
    label : ndarray of int8, shape [N]
        Classes.
    weight : ndarray of float64, shape [N]
        Weight of each row.
    either : ndarray of bool, shape [N]
        Whether both Stable and Linear are right for a row labelled as one of them.
    scored : ndarray of bool, shape [N]
        Rows whose label is certain; the others are in the table all the same.
    """

    probabilities: NDArray[np.float32]
    label: NDArray[np.int8]
    weight: NDArray[np.float64]
    either: NDArray[np.bool_]
    scored: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Return some of the rows."""
        return Rows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Errors:
    """Errors among still and among moving rows.

    Attributes
    ----------
    false_alarms, still_without_class : float
        Shares of the rows labelled Stable that get a moving class, and no class.
    called_stable, moving_without_class : float
        Shares of the rows of all other classes that are called Stable, and get no class.
    wrong : float
        Share of all rows with another class than their label, or none.
    """

    false_alarms: float
    still_without_class: float
    called_stable: float
    moving_without_class: float
    wrong: float

    @property
    def cost(self) -> float:
        """Mean cost of still and of moving rows, which count alike."""
        still = self.false_alarms + NO_CLASS_COST * self.still_without_class
        moving = self.called_stable + NO_CLASS_COST * self.moving_without_class
        return (still + moving) / 2

    def to_dict(self) -> dict[str, float]:
        """Return plain numbers, for JSON."""
        return {name: round(value, 5) for name, value in (asdict(self) | {"cost": self.cost}).items()}


def classes_under(
    probabilities: NDArray[np.float32],
    mix: NDArray[np.float64],
    training: NDArray[np.float64],
    *,
    abstain_below: float,
    unsure_below: float,
) -> NDArray[np.int64]:
    """Return the classes [N] that the run time gives for a mix of classes, -1 = none; without its test of rates."""
    weighted = reweight(probabilities, mix, training)
    none = (sureness(weighted, limit_is_stated=True) < abstain_below) | (probabilities.max(axis=1) < unsure_below)
    return np.asarray(np.where(none, NO_CLASS, weighted.argmax(axis=1)))


def errors_of(rows: Rows, said: NDArray[np.int64]) -> Errors:
    """Return the errors of classes ``said`` [N] on the rows that are scored."""
    still = rows.scored & (rows.label == TrendClass.STABLE)
    moving = rows.scored & (rows.label > TrendClass.STABLE)
    steady = rows.either & np.isin(said, (TrendClass.STABLE, TrendClass.LINEAR)) & (rows.label <= TrendClass.LINEAR)
    none = said == NO_CLASS

    def share(found: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
        total = rows.weight[among].sum()
        return float(rows.weight[among & found].sum() / total) if total else float("nan")

    return Errors(
        share((said > TrendClass.STABLE) & ~steady, still),
        share(none, still),
        share((said == TrendClass.STABLE) & ~steady, moving),
        share(none, moving),
        share((said != rows.label) & ~steady, still | moving),
    )
