"""Accuracy measures of breaks and jumps, from tables of rows, true changes of level and detected changes.

A share of an empty set is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.metrics import rounded

Table = Mapping[str, NDArray[Any]]
"""Columns of equal length."""
Ints = NDArray[np.integer]
Numbers = dict[str, Any]

WITHIN_EPOCHS: Final = 1
PROBABILITY_BINS: Final = (0.0, 0.5, 0.7, 0.9, 0.97, 0.99, 1.0)
_NORMAL_90: Final = 1.645


def joined(tables: Sequence[Table]) -> Table:
    """Return concatenated tables with the same columns."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def where(table: Table, rows: NDArray[np.bool_]) -> Table:
    """Return some rows of a table."""
    return {name: column[rows] for name, column in table.items()}


def match(found: tuple[Ints, Ints], true: tuple[Ints, Ints], *, within: int = WITHIN_EPOCHS) -> NDArray[np.int64]:
    """Match detected and true changes one to one, as many as possible.

    Parameters
    ----------
    found, true : tuple of two ndarrays of int
        Row (or any key that must be equal) and epoch, in any order.
    within : int
        Largest difference of the epochs.

    Returns
    -------
    ndarray of int64, one per detected change
        Index of the true change; -1 if there is none.
    """
    pair = np.full(len(found[0]), -1, dtype=np.int64)
    finds = np.lexsort((found[1], found[0]))
    truths = np.lexsort((true[1], true[0]))
    place = 0
    # Both are sorted by time, so that matching the first possible one is optimal.
    for find in finds:
        key = (found[0][find], found[1][find] - within)
        while place < len(truths) and (true[0][truths[place]], true[1][truths[place]]) < key:
            place += 1
        if place == len(truths):
            break
        truth = truths[place]
        if true[0][truth] == found[0][find] and true[1][truth] <= found[1][find] + within:
            pair[find] = truth
            place += 1
    return pair


def share(truth: NDArray[np.bool_]) -> float:
    """Return the share of true values."""
    return float(np.mean(truth)) if len(truth) else float("nan")


def break_numbers(table: Table) -> Numbers:
    """Return accuracy measures of breaks.

    Parameters
    ----------
    table : mapping of str to ndarray, each of shape [n]
        ``answered``, ``covered`` (whether the 90 % interval contains the true date), ``error_epochs``,
        ``width_epochs``, ``z_before`` and ``z_after`` (errors of the rates divided by their standard
        deviations), ``explains``.
    """
    answered = where(table, table["answered"])
    return {
        "series": len(table["answered"]),
        "answered": rounded(share(table["answered"])),
        "coverage": rounded(share(answered["covered"])),
        "median_error_epochs": rounded(_median(np.abs(answered["error_epochs"]))),
        "median_width_epochs": rounded(_median(answered["width_epochs"])),
        "variance_before": rounded(_power(answered["z_before"])),
        "variance_after": rounded(_power(answered["z_after"])),
        "rates_in_90": rounded(
            share(np.abs(np.concatenate([answered["z_before"], answered["z_after"]])) <= _NORMAL_90)
        ),
        "explains": rounded(share(answered["explains"])),
    }


def _median(values: NDArray[Any]) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _power(values: NDArray[Any]) -> float:
    return float(np.mean(values**2)) if len(values) else float("nan")


def jump_numbers(true: Table, found: Table) -> Numbers:
    """Return accuracy measures of jumps.

    Parameters
    ----------
    true : mapping of str to ndarray, one per true change of level
        ``found``, ``cycles``, ``cycles_found``, ``z_mm`` (errors of the sizes divided by their standard deviations).
    found : mapping of str to ndarray, one per detected change
        ``matched``, ``cycles_found``.
    """
    hit = where(true, true["found"])
    return {
        "changes": len(true["found"]),
        "finds": len(found["matched"]),
        "recall": rounded(share(true["found"])),
        "precision": rounded(share(found["matched"])),
        "precision_with_cycles": rounded(share(found["matched"][found["cycles_found"] != 0])),
        "cycles_right": rounded(share(hit["cycles"] == hit["cycles_found"])),
        "variance_mm": rounded(_power(hit["z_mm"])),
    }


def calibration(found: Table) -> list[Numbers]:
    """Return mean stated probability and share of correct jumps by bin of probability (``probability``, ``right``)."""
    probability, right = found["probability"], found["right"]
    bins = np.clip(np.digitize(probability, PROBABILITY_BINS) - 1, 0, len(PROBABILITY_BINS) - 2)
    return [
        {
            "from": low,
            "to": high,
            "finds": int(np.count_nonzero(bins == i)),
            "stated": rounded(float(np.mean(probability[bins == i])) if (bins == i).any() else float("nan")),
            "right": rounded(share(right[bins == i])),
        }
        for i, (low, high) in enumerate(pairwise(PROBABILITY_BINS))
    ]


def calibration_error(found: Table) -> float:
    """Return the expected calibration error of the probabilities of detected jumps."""
    bins = [one for one in calibration(found) if one["finds"]]
    total = sum(one["finds"] for one in bins)
    return sum(one["finds"] * abs(one["stated"] - one["right"]) for one in bins) / total if total else float("nan")


def repair_numbers(rows: Table) -> Numbers:
    """Return accuracy measures of repairs.

    Parameters
    ----------
    rows : mapping of str to ndarray, each of shape [n]
        ``before`` and ``after`` (mean squared differences from the series without jumps, mm^2), ``changed``.
    """
    before, after = (float(np.sqrt(np.mean(rows[name]))) if len(rows[name]) else float("nan") for name in _ERRORS)
    return {
        "series": len(rows["changed"]),
        "rms_before_mm": rounded(before),
        "rms_after_mm": rounded(after),
        # Differences by rounding are no error.
        "factor": rounded(before / max(after, 0.01)),
        "changed": rounded(share(rows["changed"])),
        "right": rounded(share(rows["after"] < _ROUNDING_MM**2)),
        "worse": rounded(share(rows["after"] > rows["before"] + _ROUNDING_MM**2)),
    }


_ERRORS: Final = ("before", "after")
_ROUNDING_MM: Final = 0.2
