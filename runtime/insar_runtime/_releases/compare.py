"""``insar_runtime.compare_files``: what has changed between two releases, for callers in Python and the command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime._classified.classify_first import Classification, classified_first, note_idle, refuse_idle
from insar_runtime._findings.wording import noun
from insar_runtime._input.column_roles import Role
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.position import parse_crs
from insar_runtime._input.units.series_units import Unit
from insar_runtime._log import logger
from insar_runtime._output.change_style import CHANGE_STYLE_NAME, change_style
from insar_runtime._output.geoparquet import PointBounds
from insar_runtime._output.output_checks import check_output, refuse_input
from insar_runtime._output.run_metadata import METADATA_KEY
from insar_runtime._output.sinks import blocks_beside, open_table
from insar_runtime._printable import printable
from insar_runtime._progress import Progress
from insar_runtime._releases.alert_rules import (
    PROBABILITY,
    RATE_CHANGE_MM_YR,
    RECENT_CHANGE_MM_YR,
    AlertRule,
    AlertRules,
    parse_rules,
)
from insar_runtime._releases.change_table import ChangeTable, position_names
from insar_runtime._releases.changes import find_changes
from insar_runtime._releases.comparison import Comparison, compare_releases
from insar_runtime._releases.matching import MatchBy, match_points
from insar_runtime._releases.release import Release, read_release
from insar_runtime._spatial.metres import system_name
from insar_runtime._version import __version__
from insar_runtime.classifier import Classifier, Shares


def compare_files(
    old: str | Path,
    new: str | Path,
    output: str | Path | None = None,
    *,
    match: MatchBy = "auto",
    within_m: float | None = None,
    keep_offset: bool = False,
    alert: Sequence[AlertRule] | str | None = None,
    rate_change_mm_yr: float = RATE_CHANGE_MM_YR,
    recent_change_mm_yr: float = RECENT_CHANGE_MM_YR,
    probability: float = PROBABILITY,
    classifier: Classifier | None = None,
    priors: Shares | Literal["auto", "local", "trained"] | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    date_format: str | None = None,
    half_wavelength_mm: float | None = None,
    crs: str | None = None,
    as_table: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two releases of one place, or a table with an update of it.

    Parameters
    ----------
    old, new : str or Path
        Tables that ``classify_file`` has written, best with a diagnosis; any other table that it reads is classified
        and diagnosed first. Some 300 bytes a point and release are in memory.
    output : str or Path, optional
        File to write, one row a point of either release: ``.parquet``, ``.gpkg``, ``.csv``, ``.arrow``.
    match : {"auto", "id", "position"}
        Whether points are matched by ids, by positions, or by ids and the rest by positions. Positions need the extra
        ``spatial``.
    within_m : float, optional
        Greatest distance of the two positions of one point; by default half of the median distance of points to their
        nearest neighbour, 5 to 50 m.
    keep_offset : bool
        Whether the median change of all rates, which is that of the reference, is part of the changes.
    alert : sequence of {"break", "jump", "rate", "recent", "class"} or str, optional
        Rules, as a list or as text ("break,recent", "any"); only points that meet one of them are written.
    rate_change_mm_yr, recent_change_mm_yr, probability : float
        Thresholds of the rules.
    classifier, priors, units, columns, date_format, half_wavelength_mm, crs, as_table
        As for ``classify_file``; ``columns``, ``crs`` and ``as_table`` for any table, the others for one that is not
        classified.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Called with the rows done after each batch; from 0 in each reading.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        If an option is out of range, or would do nothing because both tables are classified.
    DataError
        If the points cannot be matched.
    InsarRuntimeError
        Another one of its family; the output is then what it was before.

    Examples
    --------
    >>> done = insar_runtime.compare_files("2024.parquet", "2025.parquet", "changes.parquet")
    >>> done.classes["Stable"]["Linear"]
    17
    """
    given = {
        "classifier": classifier,
        "priors": priors,
        "units": units,
        "date_format": date_format,
        "half_wavelength_mm": half_wavelength_mm,
    }
    old, new = Path(old), Path(new)
    refuse_idle(given, old, new, as_table=as_table)
    system = None if crs is None else parse_crs(crs)
    declared = UserDeclarations(units, columns or {}, date_format, half_wavelength_mm, system, as_table=as_table)
    thresholds = AlertRules(
        rate_change_mm_yr=rate_change_mm_yr, recent_change_mm_yr=recent_change_mm_yr, probability=probability
    )
    return compare(
        old,
        new,
        None if output is None else Path(output),
        classification=Classification(lambda: classifier or Classifier(), declared, priors, diagnose=True),
        given=given,
        match=match,
        within_m=within_m,
        keep_offset=keep_offset,
        thresholds=thresholds if alert is None else replace(thresholds, rules=_rules(alert)),
        alerts_only=alert is not None,
        overwrite=overwrite,
        progress=progress,
    )


def _rules(alert: Sequence[AlertRule] | str) -> tuple[AlertRule, ...]:
    return parse_rules(alert) if isinstance(alert, str) else tuple(alert)


def compare(
    old: Path,
    new: Path,
    output: Path | None,
    *,
    classification: Classification,
    given: Mapping[str, object],
    match: MatchBy = "auto",
    within_m: float | None = None,
    keep_offset: bool = False,
    thresholds: AlertRules,
    alerts_only: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two releases; see ``compare_files``.

    ``given`` are the options about a classification, as for ``note_idle``.
    """
    if output is not None:
        for path in (output, *blocks_beside([output])):
            check_output(path, overwrite=overwrite)
            refuse_input(path, [old, new])
    idle = note_idle(given, old, new, as_table=classification.declared.as_table)
    before, after = (_read(path, classification, progress) for path in (old, new))
    matches = match_points(before.points, after.points, by=match, within_m=within_m)
    changes = find_changes(before, after, matches, thresholds, keep_offset=keep_offset)
    done = compare_releases(
        before,
        after,
        matches,
        changes,
        output=None if output is None else str(output),
        alert=thresholds if alerts_only else None,
        keep_offset=keep_offset,
        notes=() if idle is None else (idle,),
    )
    if output is not None:
        table = ChangeTable.of(before, after, matches, changes)
        chosen = changes.alerts(thresholds) if alerts_only else None
        _write(table, output, _facts(done, (before, after), thresholds), table.rows(chosen), overwrite=overwrite)
    for note in done.notes:
        logger().warning("%s: %s", printable(done.new), printable(note))
    both = done.points["both"]
    logger().info("%s and %s: %d %s in both", printable(done.old), printable(done.new), both, noun(both, "point"))
    return done


def _read(path: Path, how: Classification, progress: Progress | None) -> Release:
    """Read a release, which is classified and diagnosed first if needed."""
    with classified_first(path, how, progress, keep_series=False) as classified:
        if classified == path:
            return read_release(path, how.declared, progress=progress)
        # The metadata of what was classified state what the user has declared.
        return read_release(classified, UserDeclarations(), name=str(path))


def _facts(done: Comparison, releases: Sequence[Release], thresholds: AlertRules) -> dict[str, Any]:
    """Return what is known of the comparison, for the metadata: no time and no path, so equal runs are equal."""
    facts = done.to_dict()
    del facts["output"]
    names = {"old": Path(done.old).name, "new": Path(done.new).name}
    notes = [note.replace(done.old, names["old"]).replace(done.new, names["new"]) for note in done.notes]
    inputs = {
        f"{key}_release": {
            "first_date": None if release.dates is None else str(release.dates[0]),
            "last_date": None if release.dates is None else str(release.dates[-1]),
            "input_sha256": release.block.get("input_sha256"),
            "model": release.block.get("model"),
            "model_version": release.block.get("model_version"),
        }
        for key, release in zip(("old", "new"), releases, strict=True)
    }
    rules = {
        "rate_change_mm_yr": thresholds.rate_change_mm_yr,
        "recent_change_mm_yr": thresholds.recent_change_mm_yr,
        "probability": thresholds.probability,
        "rules": list(thresholds.rules) if done.alerts is not None else None,
    }
    return {**facts, **names, "notes": notes, **inputs, "thresholds": rules}


def _write(
    table: ChangeTable, output: Path, facts: Mapping[str, Any], rows: NDArray[np.intp], *, overwrite: bool
) -> None:
    block: dict[str, Any] = {"package": "insar-runtime", "package_version": __version__, "comparison": facts}
    if table.positions is not None:
        x, y = position_names(table.system)
        crs = None if table.system is None else system_name(table.system)
        block["input"] = {"id": "id", "position": {"x": x, "y": y, "crs": crs}}
    if attribution := table.new.block.get("attribution"):
        block["attribution"] = attribution
    bounds = PointBounds()

    def metadata() -> dict[str, str]:
        return {METADATA_KEY: json.dumps(block), **table.geo(bounds)}

    schema = table.schema.with_metadata(metadata())
    style = CHANGE_STYLE_NAME, change_style()
    with open_table(output, schema, metadata, overwrite=overwrite, style=style) as sink:
        for batch in table.batches(rows, bounds):
            sink.write(batch)
