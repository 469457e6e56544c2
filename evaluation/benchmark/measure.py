"""Accuracy measures of the benchmark in addition to those of ``training.metrics``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.priors import reweight
from insar_runtime.classes import CLASS_NAMES, TrendClass
from training.dataset import LabelledSeries
from training.metrics import rounded, wilson_interval

ABSTAIN_BELOW: Final = 0.6
"""Confidence below which the default network gives no class."""
CONFIDENT: Final = 0.8
WANTED_RECALL: Final = 0.9
_JUMP_EDGES: Final = (3, 7, 21, 10_000)
_RELIABILITY_BINS: Final = 15

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Alarms:
    """Detection of moving points among mostly stable ones.

    Attributes
    ----------
    called, false : int
        Number of points that are classified as moving, and of those among them that are Stable.
    found, moving : int
        Number of moving points that are classified as moving, with any class, and of all moving points.
    """

    called: int
    false: int
    found: int
    moving: int

    @property
    def false_share(self) -> float:
        """Share of Stable among the points classified as moving; NaN if there are none."""
        return self.false / self.called if self.called else float("nan")

    @property
    def recall(self) -> float:
        """Share of the moving points that are classified as moving; NaN if there are none."""
        return self.found / self.moving if self.moving else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, for JSON."""
        low, high = wilson_interval(self.false, self.called)
        return {
            "called_moving": self.called,
            "stable_among_them": self.false,
            "false_share": rounded(self.false_share),
            "false_share_95": [round(low, 5), round(high, 5)],
            "recall": rounded(self.recall),
        }


def alarms(label: NDArray[np.int8], weighted: Probabilities) -> Alarms:
    """Return the detections by the most probable class; every class except Stable, Other included, counts as moving.

    Parameters
    ----------
    label : ndarray of int8, shape [N]
        True classes.
    weighted : ndarray of float32, shape [N, 5] or [N, 6]
        Probabilities for the class shares of the series, see ``weigh``.
    """
    return _alarms(label, weighted.argmax(axis=1) != TrendClass.STABLE)


def weigh(
    probabilities: Probabilities, priors: NDArray[np.float64], mix: NDArray[np.float64] | None = None
) -> Probabilities:
    """Return probabilities for other class shares.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [N, C]
        Probabilities of a contestant.
    priors : ndarray of float64, shape [C]
        Class shares of the series.
    mix : ndarray of float64, shape [C], optional
        Class shares for which the probabilities hold; by default equal.
    """
    classes = probabilities.shape[1]
    return reweight(probabilities, priors, np.full(classes, 1 / classes) if mix is None else mix)


def alarms_at_recall(label: NDArray[np.int8], weighted: Probabilities, recall: float = WANTED_RECALL) -> Alarms:
    """Return the detections at the threshold on P(Stable) that gives this recall of moving points.

    Points of equal probability are on the same side of the threshold. Parameters as in ``alarms``.
    """
    stable = weighted[:, TrendClass.STABLE]
    moving = np.sort(stable[label != TrendClass.STABLE])
    if not len(moving):
        return _alarms(label, np.zeros(len(label), dtype=bool))
    return _alarms(label, stable <= moving[int(np.ceil(recall * len(moving))) - 1])


def _alarms(label: NDArray[np.int8], called: NDArray[np.bool_]) -> Alarms:
    moving = label != TrendClass.STABLE
    return Alarms(int(called.sum()), int((called & ~moving).sum()), int((called & moving).sum()), int(moving.sum()))


def jump_recall(series: LabelledSeries, probabilities: Probabilities) -> dict[str, dict[str, float | int | None]]:
    """Return the recall of PUE by the length of the longest unwrapping error, in epochs."""
    wrong = series.label == TrendClass.PUE
    found = probabilities.argmax(axis=1) == TrendClass.PUE
    out: dict[str, dict[str, float | int | None]] = {}
    for low, high in pairwise(_JUMP_EDGES):
        rows = wrong & (series.facts["jump_epochs"] >= low) & (series.facts["jump_epochs"] < high)
        name = f"{low}-{high - 1} epochs" if high != _JUMP_EDGES[-1] else f"{low} epochs or more"
        out[name] = {"series": int(rows.sum()), "recall": rounded(np.mean(found[rows]) if rows.any() else np.nan)}
    return out


def other_shares(probabilities: Probabilities) -> dict[str, float]:
    """Return the shares of the assigned classes of series that have none of the five classes.

    Parameters
    ----------
    probabilities : ndarray of float32, shape [N, 5] or [N, 6]

    Returns
    -------
    dict of str to float
        ``given``: share with one of the five classes, at the threshold of the default network; ``confident``: with a
        confidence above 0.8; ``confident_moving``: the same and not Stable; then the share of each class, Other
        included. The remaining series have no class.
    """
    top, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    known = confidence >= ABSTAIN_BELOW
    one_of_five = top != TrendClass.OTHER
    confident = one_of_five & (confidence > CONFIDENT)
    shares = {
        "given": known & one_of_five,
        "confident": confident,
        "confident_moving": confident & (top != TrendClass.STABLE),
        **{name: known & (top == i) for i, name in enumerate(CLASS_NAMES)},
    }
    return {name: round(float(np.mean(rows)), 5) for name, rows in shares.items()}


def reliability(label: NDArray[np.int8], probabilities: Probabilities) -> list[dict[str, float | int]]:
    """Return mean confidence, accuracy and number of series of each non-empty bin of confidence."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    bin_of = np.minimum((confidence * _RELIABILITY_BINS).astype(int), _RELIABILITY_BINS - 1)
    found: list[dict[str, float | int]] = []
    for place in range(_RELIABILITY_BINS):
        rows = bin_of == place
        if rows.any():
            found.append(
                {
                    "confidence": round(float(confidence[rows].mean()), 5),
                    "accuracy": round(float(right[rows].mean()), 5),
                    "series": int(rows.sum()),
                }
            )
    return found


def cells_not_best(errors: Mapping[str, Mapping[str, int]], reference: str) -> dict[str, list[str]]:
    """Return the cells in which another contestant has at most as many errors as the reference model.

    Parameters
    ----------
    errors : mapping of str to mapping of str to int
        Number of errors by contestant and cell; a contestant may have no result for a cell.
    reference : str
        Name of the reference model, one of the contestants.

    Returns
    -------
    dict of str to list of str
        Names of these contestants by cell. If the reference model makes no error in a cell, a tie does not count.
    """
    found: dict[str, list[str]] = {}
    for cell, least in errors[reference].items():
        better = [
            name for name, cells in errors.items() if name != reference and cell in cells and cells[cell] <= least
        ]
        if better and least > 0:
            found[cell] = better
    return found
