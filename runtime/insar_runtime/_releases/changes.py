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
from insar_runtime.classes import TrendClass
from insar_runtime.definitions import JUMP_HELD_EPOCHS

SURE_CLASS_CHANGE: Final = 0.8
"""Least ``class_change_prob`` of a sure change; smaller ones are the churn of releases: ``python -m evaluation releases
churn`` measures how often points without any change of motion exceed it."""
_SURE_RATE_CHANGE: Final = 0.95
_ONE_MOTION: Final = (TrendClass.STABLE, TrendClass.LINEAR)
"""Classes that differ in the rate alone."""
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
        See ``class_change_probability``.
    rates : RateChanges
    new_break : ndarray of bool, shape [P]
        Whether the new release has a break that the old one has not: their intervals have no day in common.
    jump_counts : ndarray of int64, shape [P]
        Number of new jumps of each point: within two epochs of none of the old release. If that was not searched for
        jumps, those after its end are new.
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
    class_change_prob = class_change_probability(before.probabilities[i], after.probabilities[j], rates.probability)
    new_break = _new_breaks(before, after, i, j)
    jump_counts, jumps = _new_jumps(before, after, i, j, old.dates, new.dates)
    with np.errstate(invalid="ignore"):
        by_rule: dict[AlertRule, NDArray[Any]] = {
            "break": new_break,
            "jump": _since(old.dates, after.jump_date[jumps], jump_counts),
            "rate": (np.abs(rates.change) >= rules.rate_change_mm_yr) & (rates.probability >= rules.probability),
            # What the old release has shown already is no news.
            "recent": _has_recent_change(after, j, rules) & ~_has_recent_change(before, i, rules),
            "class": class_changed & (class_change_prob >= SURE_CLASS_CHANGE),
        }
    reasons = np.stack([by_rule[rule] for rule in RULES], axis=1)
    return Changes(class_changed, class_change_prob, rates, new_break, jump_counts, jumps, reasons)


def class_change_probability(before: Floats, after: Floats, rate_change_prob: Floats) -> Floats:
    """Return the least probability with which the class of a point is another one in the new release.

    It is the total variation distance of the class probabilities, half of the sum of their absolute changes (Levin,
    Peres and Wilmer, Markov Chains and Mixing Times, 2009, proposition 4.7). Stable and Linear differ in the rate
    alone, and the many points near the limit between them change sides without any reason; so what passes between these
    two counts only if the rate has changed, with a probability of 0.95 or more.

    Parameters
    ----------
    before, after : ndarray of float32, shape [P, 6]
        Class probabilities; NaN in a whole row without any. A class that a model does not know counts as impossible.
    rate_change_prob : ndarray of float32, shape [P]
        NaN = not known, which counts as a change.

    Returns
    -------
    ndarray of float32, shape [P]
        NaN where a release has no probabilities.
    """
    unknown = np.isnan(before).all(axis=1) | np.isnan(after).all(axis=1)
    change = np.nan_to_num(after.astype(np.float64)) - np.nan_to_num(before.astype(np.float64))
    whole = np.abs(change).sum(axis=1) / 2
    pair = change[:, _ONE_MOTION]
    passed = (np.abs(pair).sum(axis=1) - np.abs(pair.sum(axis=1))) / 2
    found = np.where(rate_change_prob < _SURE_RATE_CHANGE, whole - passed, whole)
    return np.where(unknown, np.nan, np.clip(found, 0, 1)).astype(np.float32)


def _has_recent_change(states: PointStates, rows: NDArray[np.intp], rules: AlertRules) -> NDArray[np.bool_]:
    """Return which rows of a release [P] have a recent rate that crosses the thresholds."""
    apart = np.abs(states.recent_rate[rows] - states.rate[rows])
    return np.asarray((apart >= rules.recent_change_mm_yr) & (states.recent_change_prob[rows] >= rules.probability))


def _new_breaks(before: PointStates, after: PointStates, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.bool_]:
    has, had = ~np.isnat(after.break_date[j]), ~np.isnat(before.break_date[i])
    # Comparisons with NaT are false.
    same = had & (before.break_lo[i] <= after.break_hi[j]) & (after.break_lo[j] <= before.break_hi[i])
    return has & ~same


def _new_jumps(
    before: PointStates,
    after: PointStates,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    old_epochs: Dates | None,
    epochs: Dates | None,
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
    if old_epochs is not None:
        # What a search would have found in the old release is not known.
        searched = before.n_jumps[i][points] != NOT_SEARCHED
        known |= ~searched & (after.jump_date[of_new] <= old_epochs[-1])
    return np.bincount(points[~known], minlength=len(j)), of_new[~known]


def _since(old_epochs: Dates | None, dates: Dates, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which points [P] have a new jump that the old release could not show: after its last epochs.

    A jump must hold for some epochs. Earlier ones that are found only now were too uncertain before.
    """
    if old_epochs is None:
        return counts > 0
    late = dates > old_epochs[-min(JUMP_HELD_EPOCHS + 1, len(old_epochs))]
    return np.bincount(np.repeat(np.arange(len(counts)), counts)[late], minlength=len(counts)) > 0


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
