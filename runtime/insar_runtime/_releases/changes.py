"""What has changed at the points of two releases: classes, rates, breaks and jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from insar_runtime._releases.alert_rules import RULES, AlertRule, AlertRules
from insar_runtime._releases.matching import Matches
from insar_runtime._releases.rate_changes import RateChanges, rate_changes, shared_correlation
from insar_runtime._releases.release import NOT_SEARCHED, Dates, Floats, PointStates, Release

SURE_CLASS_CHANGE: Final = 0.5
"""Least change of the probabilities from which on a point has another class; a smaller one is within the churn of
releases."""
_JUMP_EPOCHS: Final = 2
"""Epochs within which two jumps are the same: the date of each is right to one epoch."""
_JUMP_DAYS: Final = 24
"""The same in days, where the epochs are not known: two epochs of 12 days."""


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """Changes of the P points of both releases, in the order of ``Matches``.

    Attributes
    ----------
    class_changed : ndarray of bool, shape [P]
        Whether the class, or that there is none, is another one.
    class_change_prob : ndarray of float32, shape [P]
        Total variation distance of the class probabilities: the least probability with which the class is another one
        (Levin, Peres and Wilmer, Markov Chains and Mixing Times, 2009, proposition 4.7). NaN where a release has none.
    rates : RateChanges
    new_break : ndarray of bool, shape [P]
        Whether the new release has a break that the old one has not: their intervals have no day in common.
    jump_counts : ndarray of int64, shape [P]
        Number of new jumps of each point.
    jumps : ndarray of intp, shape [K]
        Indices of the new jumps among those of the new release, point by point.
    reasons : ndarray of bool, shape [P, 5]
        Which of ``RULES`` a point meets, whether they are asked for or not.
    """

    class_changed: NDArray[np.bool_]
    class_change_prob: Floats
    rates: RateChanges
    new_break: NDArray[np.bool_]
    jump_counts: NDArray[np.int64]
    jumps: NDArray[np.intp]
    reasons: NDArray[np.bool_]

    def alerts(self, rules: AlertRules) -> NDArray[np.bool_]:
        """Return which points [P] meet one of the rules that are asked for."""
        asked = [place for place, rule in enumerate(RULES) if rule in rules.rules]
        return np.asarray(self.reasons[:, asked].any(axis=1))


def find_changes(
    old: Release, new: Release, matches: Matches, rules: AlertRules, *, keep_offset: bool = False
) -> Changes:
    """Return what has changed at the points of both releases.

    Parameters
    ----------
    old, new : Release
    matches : Matches
        Of their points.
    rules : AlertRules
        Thresholds.
    keep_offset : bool
        Whether the median change of all rates is part of the changes.
    """
    before, after = old.states, new.states
    i, j = matches.old_rows, matches.new_rows
    correlation = None if old.dates is None or new.dates is None else shared_correlation(old.dates, new.dates)
    rates = rate_changes(
        before.rate[i],
        after.rate[j],
        before.rate_std[i],
        after.rate_std[j],
        correlation=correlation,
        keep_offset=keep_offset,
    )
    class_changed = before.class_id[i] != after.class_id[j]
    class_change_prob = total_variation(before.probabilities[i], after.probabilities[j])
    new_break = _new_breaks(before, after, i, j)
    jump_counts, jumps = _new_jumps(before, after, i, j, new.dates)
    with np.errstate(invalid="ignore"):
        recent = np.abs(after.recent_rate[j] - after.rate[j]) >= rules.recent_change_mm_yr
        by_rule: dict[AlertRule, NDArray[Any]] = {
            "break": new_break,
            "jump": jump_counts > 0,
            "rate": (np.abs(rates.change) >= rules.rate_change_mm_yr) & (rates.probability >= rules.probability),
            "recent": recent & (after.recent_change_prob[j] >= rules.probability),
            "class": class_changed & (class_change_prob >= SURE_CLASS_CHANGE),
        }
    reasons = np.stack([by_rule[rule] for rule in RULES], axis=1)
    return Changes(class_changed, class_change_prob, rates, new_break, jump_counts, jumps, reasons)


def total_variation(before: Floats, after: Floats) -> Floats:
    """Return half of the sum of the absolute changes of probabilities [P] from those of two releases [P, C].

    NaN where a release has no probabilities; a class that one of the models does not know counts as impossible.
    """
    unknown = np.isnan(before).all(axis=1) | np.isnan(after).all(axis=1)
    apart = np.abs(np.nan_to_num(before.astype(np.float64)) - np.nan_to_num(after.astype(np.float64))).sum(axis=1) / 2
    return np.where(unknown, np.nan, np.minimum(apart, 1)).astype(np.float32)


def _new_breaks(before: PointStates, after: PointStates, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.bool_]:
    has, had = ~np.isnat(after.break_date[j]), ~np.isnat(before.break_date[i])
    # Comparisons with NaT are false.
    same = had & (before.break_lo[i] <= after.break_hi[j]) & (after.break_lo[j] <= before.break_hi[i])
    return has & ~same


def _new_jumps(
    before: PointStates, after: PointStates, i: NDArray[np.intp], j: NDArray[np.intp], epochs: Dates | None
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the number of new jumps of each point [P], and their indices, point by point."""
    # Each jump of the new release beside each jump of the same point of the old one.
    of_new, of_old = _jumps_of(after, j), _jumps_of(before, i)
    counts_new, counts_old = _counts(after, j), _counts(before, i)
    points = np.repeat(np.arange(len(j)), counts_new)
    first_old = np.cumsum(counts_old) - counts_old
    pairs = counts_old[points]
    which = np.repeat(np.arange(len(of_new)), pairs)
    place = np.arange(len(which)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    partner = of_old[np.repeat(first_old[points], pairs) + place]
    same = _is_same_date(after.jump_date[of_new[which]], before.jump_date[partner], epochs)
    known = np.zeros(len(of_new), dtype=np.bool_)
    known[which[same]] = True
    return np.bincount(points[~known], minlength=len(j)), of_new[~known]


def _counts(states: PointStates, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    counts = states.n_jumps[rows].astype(np.int64)
    return np.where(counts == NOT_SEARCHED, 0, counts)


def _jumps_of(states: PointStates, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the indices of the jumps of some rows, row by row."""
    counts = np.where(states.n_jumps == NOT_SEARCHED, 0, states.n_jumps).astype(np.int64)
    begins = (np.cumsum(counts) - counts)[rows]
    wanted = counts[rows]
    within = np.arange(int(wanted.sum())) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    found: NDArray[np.intp] = np.repeat(begins, wanted) + within
    return found


def _is_same_date(first: Dates, second: Dates, epochs: Dates | None) -> NDArray[np.bool_]:
    if epochs is None:
        close: NDArray[np.bool_] = np.abs((first - second).astype(np.int64)) <= _JUMP_DAYS
        return close
    apart = np.searchsorted(epochs, first) - np.searchsorted(epochs, second)
    near: NDArray[np.bool_] = np.abs(apart) <= _JUMP_EPOCHS
    return near
