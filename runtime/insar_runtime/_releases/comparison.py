"""Facts of a comparison of two releases: counts, classes before and after, rates, alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from insar_runtime._releases.alert_rules import RULES, AlertRules
from insar_runtime._releases.changes import SURE_CLASS_CHANGE, Changes
from insar_runtime._releases.matching import Matches
from insar_runtime._releases.release import Release
from insar_runtime.classes import CLASS_NAMES, NO_CLASS

GONE: Final = "gone"
NEW: Final = "new"
WITHOUT_CLASS: Final = "none"
_SETTINGS: Final = ("model", "model_version", "model_sha256")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What has changed between two releases.

    Attributes
    ----------
    old, new : str
        The releases.
    output : str or None
        The table of changes; None if none was written.
    rows : int
        Rows of that table; without one, the number of points of either release, or of those that cross a threshold.
    points : dict of str to int
        Points of both releases, gone ones, new ones.
    matched_by : dict of str to int
        Points of both releases that were matched by id, and by position.
    distance_m : float or None
        Distance within which positions were matched; None if none were.
    farthest_m : float or None
        Largest distance of the two positions of one point.
    classes : dict of str to dict of str to int
        Points by class before and, within, by class after; ``none`` without a class, ``gone``, ``new``.
    class_changes : dict of str to int
        Points of another class, and those of them whose probabilities changed by ``SURE_CLASS_CHANGE`` or more.
    rate_offset_mm_yr : float or None
        Median change of rate; None with too few points.
    offset_subtracted : bool
        Whether it is subtracted from the changes.
    rate_correlation : float or None
        Correlation of the errors of both rates by their common epochs.
    rate_change_std_mm_yr : float or None
        Median standard deviation of the changes.
    reasons : dict of str to int
        Points by the rule that they meet, whether it is asked for or not.
    alerts : int or None
        Points that meet a rule that is asked for; None if nothing is asked for.
    notes : tuple of str
        What a person should know about the comparison.
    """

    old: str
    new: str
    output: str | None
    rows: int
    points: dict[str, int]
    matched_by: dict[str, int]
    distance_m: float | None
    farthest_m: float | None
    classes: dict[str, dict[str, int]]
    class_changes: dict[str, int]
    rate_offset_mm_yr: float | None
    offset_subtracted: bool
    rate_correlation: float | None
    rate_change_std_mm_yr: float | None
    reasons: dict[str, int]
    alerts: int | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}


def compare_releases(
    old: Release,
    new: Release,
    matches: Matches,
    changes: Changes,
    *,
    output: str | None,
    alert: AlertRules | None,
    keep_offset: bool,
    notes: Sequence[str] = (),
) -> Comparison:
    """Return the facts of a comparison; ``notes`` are what is known beside the releases, for a person."""
    pairs = len(matches.old_rows)
    rates = changes.rates
    alerts = None if alert is None else int(np.count_nonzero(changes.alerts(alert)))
    known = rates.std[np.isfinite(rates.std)]
    apart = matches.distance_m[np.isfinite(matches.distance_m)]
    points = {"both": pairs, GONE: old.points.count - pairs, NEW: new.points.count - pairs}
    return Comparison(
        old=old.points.name,
        new=new.points.name,
        output=output,
        rows=sum(points.values()) if alerts is None else alerts,
        points=points,
        matched_by={"id": int(matches.by_id.sum()), "position": int((~matches.by_id).sum())},
        distance_m=_rounded(matches.limit_m),
        farthest_m=_rounded(float(apart.max())) if len(apart) else None,
        classes=_classes(old, new, matches),
        class_changes={
            "all": int(np.count_nonzero(changes.class_changed)),
            "sure": int(np.count_nonzero(changes.class_changed & (changes.class_change_prob >= SURE_CLASS_CHANGE))),
        },
        rate_offset_mm_yr=_rounded(rates.offset),
        offset_subtracted=rates.offset is not None and not keep_offset,
        rate_correlation=_rounded(rates.correlation),
        rate_change_std_mm_yr=_rounded(float(np.median(known))) if len(known) else None,
        reasons=dict(zip(RULES, np.count_nonzero(changes.reasons, axis=0).tolist(), strict=True)),
        alerts=alerts,
        notes=(*notes, *_notes(old, new, matches)),
    )


def _classes(old: Release, new: Release, matches: Matches) -> dict[str, dict[str, int]]:
    names = [*CLASS_NAMES, WITHOUT_CLASS]
    size = len(names)
    before = np.where(old.states.class_id == NO_CLASS, size - 1, old.states.class_id)
    after = np.where(new.states.class_id == NO_CLASS, size - 1, new.states.class_id)
    codes = before[matches.old_rows].astype(np.int64) * size + after[matches.new_rows]
    table = np.bincount(codes, minlength=size * size).reshape(size, size)
    gone = np.bincount(before, minlength=size) - table.sum(axis=1)
    fresh = np.bincount(after, minlength=size) - table.sum(axis=0)
    counts = {
        name: {**dict(zip(names, row, strict=True)), GONE: lost}
        for name, row, lost in zip(names, table.tolist(), gone.tolist(), strict=True)
    }
    return {**counts, NEW: {**dict(zip(names, fresh.tolist(), strict=True)), GONE: 0}}


def _notes(old: Release, new: Release, matches: Matches) -> list[str]:
    notes = []
    if matches.other_places:
        notes.append(
            f"{matches.other_places:,} equal ids belong to points at two places; these count as gone and as new"
        )
    if matches.note:
        notes.append(matches.note)
    first, second = old.block, new.block
    differ = [name for name in _SETTINGS if first.get(name) != second.get(name)]
    if first and second and differ:
        models = [f"{block.get('model')} {block.get('model_version')}" for block in (first, second)]
        notes.append(f"two models have classified them, {models[0]} and {models[1]}: classes differ for that alone")
    rates = [block.get("parameters", {}).get("stable_rate_mm_yr") for block in (first, second)]
    if first and second and rates[0] != rates[1]:
        notes.append(f"Stable ends at {rates[0]} and at {rates[1]} mm/yr: classes differ for that alone")
    if old.rate_column != new.rate_column and old.rate_column and new.rate_column:
        notes.append(f"rates before are those of {old.rate_column}, rates after those of {new.rate_column}")
    missing = next((release.points.name for release in (old, new) if release.rate_column is None), None)
    if missing is not None:
        notes.append(f"{missing} has no rates; classify it with --diagnose")
    elif not (old.diagnosed and new.diagnosed):
        undiagnosed = new if not new.diagnosed else old
        notes.append(f"{undiagnosed.points.name} has no breaks and jumps; classify it with --diagnose")
    if old.dates is not None and new.dates is not None and old.dates[-1] > new.dates[-1]:
        notes.append(
            f"{old.points.name} ends after {new.points.name} ({old.dates[-1]}, {new.dates[-1]}): which is new?"
        )
    return notes


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.4g}")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
