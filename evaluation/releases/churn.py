"""How much two releases of points differ whose motion does not change, and which true changes are found."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evaluation.releases.unchanged import CUTS, Cut, Points, cut_releases, unchanged_points
from insar_runtime import Classifier, Comparison, classify_file, compare_files
from insar_runtime._releases.alert_rules import RULES
from insar_runtime.definitions import DAYS_PER_YEAR
from training.announce import Announce

SURE: Final = (0.5, 0.8, 0.95)
"""Values of ``class_change_prob``."""
NEW_RATES_MM_YR: Final = (10.0, 20.0, 40.0)
"""Rates that begin where the old release ends."""
CHANGED_SHARE: Final = 0.02
"""Share of the points with each of them."""
_CHANGE_CUT: Final = CUTS[1]


def measure_churn(folder: Path, *, real: Path | None, count: int, seed: int, announce: Announce) -> dict[str, Any]:
    """Measure the churn of releases, and write ``churn.json`` and ``churn.md`` into a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    real : Path, optional
        Folder of the project's real files.
    count : int
        Points of each simulated file.
    seed : int
        Seed of all random draws.
    announce : callable
        Function that receives progress messages.
    """
    classifier = Classifier(device="cpu")
    churn: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for points in unchanged_points(count, real=real, seed=seed):
        churn[points.name] = {}
        for cut in CUTS:
            done, table = _compare(points, cut, classifier, seed)
            churn[points.name][cut.name] = _churn(done, table, points.has_one_rate)
            announce(f"{points.name}, {cut.name}: {churn[points.name][cut.name]['class changes, %']} % change class")
        if not points.name.endswith("as it is"):
            found[points.name] = _changed(points, classifier, seed)
    numbers = {"points of a file": count, "seed": seed, "churn": churn, "true changes": found}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "churn.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    (folder / "churn.md").write_text(churn_table(numbers) + "\n" + found_table(numbers), encoding="utf-8")
    return numbers


def _compare(points: Points, cut: Cut, classifier: Classifier, seed: int) -> tuple[Comparison, pa.Table]:
    """Classify, diagnose and compare two releases, as the command does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for release, table in zip(("old", "new"), cut_releases(points, cut, seed=seed), strict=True):
            pq.write_table(table, folder / f"raw-{release}.parquet")
            classify_file(
                folder / f"raw-{release}.parquet",
                folder / f"{release}.parquet",
                classifier=classifier,
                diagnose=True,
                units="mm",
            )
        done = compare_files(folder / "old.parquet", folder / "new.parquet", folder / "changes.parquet")
        return done, pq.read_table(folder / "changes.parquet")


def _churn(done: Comparison, table: pa.Table, has_one_rate: NDArray[np.bool_]) -> dict[str, Any]:
    both = done.points["both"]
    changed = _flags(table["class_changed"])
    size = table["class_change_prob"].to_numpy()
    # The rows are those of the points: all of them are in both releases.
    rates = table["rate_change_prob"].to_numpy()[has_one_rate]
    rates = rates[np.isfinite(rates)]
    reasons = [set(reason.split(";")) for reason in _reasons(table)[has_one_rate].tolist()]
    return {
        "points": both,
        "class changes, %": _percent(changed.sum(), both),
        "class changes by class before, %": {
            name: _percent(sum(n for other, n in row.items() if other != name), sum(row.values()))
            for name, row in done.classes.items()
            if sum(row.values())
        },
        **{f"class changes of {sure:g} or more, %": _percent((changed & (size >= sure)).sum(), both) for sure in SURE},
        "rate_change_prob above 0.95, %": _percent((rates > 0.95).sum(), len(rates)),
        "rate_change_prob above 0.99, %": _percent((rates > 0.99).sum(), len(rates)),
        "median rate_change_std, mm/yr": done.rate_change_std_mm_yr,
        "rate correlation": done.rate_correlation,
        "alerts, %": {rule: _percent(sum(rule in one for one in reasons), len(reasons)) for rule in RULES},
        "any alert, %": _percent(sum(one != {""} for one in reasons), len(reasons)),
    }


def _changed(points: Points, classifier: Classifier, seed: int) -> dict[str, Any]:
    """Return the shares of true changes of rate that each rule finds."""
    days = (points.dates - points.dates[0]).astype(np.float64)
    since = np.maximum(days - (days[-1] - _CHANGE_CUT.last_days), 0) / DAYS_PER_YEAR
    each = round(CHANGED_SHARE * len(points.displacement))
    moved = points.displacement.copy()
    rows: dict[float, NDArray[np.intp]] = {}
    for number, rate in enumerate(NEW_RATES_MM_YR):
        rows[rate] = np.arange(number * each, (number + 1) * each)
        moved[rows[rate]] += (rate * since).astype(np.float32)
    _, table = _compare(replace(points, displacement=moved), _CHANGE_CUT, classifier, seed)
    reasons = _reasons(table)
    found: dict[str, Any] = {}
    for rate, chosen in rows.items():
        mine = [set(reason.split(";")) for reason in reasons[chosen].tolist()]
        found[f"{rate:g} mm/yr"] = {rule: _percent(sum(rule in one for one in mine), each) for rule in RULES}
        found[f"{rate:g} mm/yr"]["any"] = _percent(sum(one != {""} for one in mine), each)
    return found


def churn_table(numbers: Mapping[str, Any]) -> str:
    """Return the churn as a table."""
    lines = [
        "| points | new release | another class, % | for sure (0.8 or more), % | rate_change_prob above 0.95, % "
        "| above 0.99, % | alerts by break / jump / rate / recent / class, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, cuts in numbers["churn"].items():
        for cut, found in cuts.items():
            alerts = " / ".join(f"{found['alerts, %'][rule]:.2f}" for rule in RULES)
            lines.append(
                f"| {name} | {cut} | {found['class changes, %']:.2f} | {found['class changes of 0.8 or more, %']:.2f} "
                f"| {found['rate_change_prob above 0.95, %']:.1f} | {found['rate_change_prob above 0.99, %']:.1f} "
                f"| {alerts} |"
            )
    return "\n".join(lines) + "\n"


def found_table(numbers: Mapping[str, Any]) -> str:
    """Return the true changes that are found as a table."""
    lines = ["| points | change of rate | break / jump / rate / recent / class, % | any, % |", "|---|---|---|---|"]
    for name, rates in numbers["true changes"].items():
        for rate, found in rates.items():
            by_rule = " / ".join(f"{found[rule]:.0f}" for rule in RULES)
            lines.append(f"| {name} | {rate} | {by_rule} | {found['any']:.0f} |")
    return "\n".join(lines) + "\n"


def _reasons(table: pa.Table) -> NDArray[np.str_]:
    return np.array([reason or "" for reason in table["reasons"].to_pylist()])


def _flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.fill_null(False).to_numpy(), dtype=np.bool_)


def _percent(count: Any, of: int) -> float:
    return round(100 * float(count) / max(of, 1), 3)
