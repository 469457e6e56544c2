"""``insar_runtime.report``: the page of ``insar-rt report``, for callers in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from insar_runtime._classified.classify_first import Classification, refuse_idle
from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._input.column_roles import Role
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.units.series_units import Unit
from insar_runtime._log import logger
from insar_runtime._printable import printable
from insar_runtime._progress import Progress
from insar_runtime._report.write import MOST_POINTS, Report, write_report
from insar_runtime.classifier import Classifier, Shares
from insar_runtime.errors import UsageError
from insar_runtime.summary import Summary


def report(
    source: str | Path | Summary,
    path: str | Path | None = None,
    *,
    classifier: Classifier | None = None,
    priors: Shares | Literal["auto", "local", "trained"] | None = None,
    diagnose: bool | Diagnose = False,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    date_format: str | None = None,
    half_wavelength_mm: float | None = None,
    title: str | None = None,
    series_mb: float | None = None,
    max_points: int = MOST_POINTS,
    areas: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write a page with map, class shares and series, to open in any browser, offline.

    Parameters
    ----------
    source : str, Path or Summary
        Classified table; or any other table that ``classify_file`` reads, which is classified first; or what
        ``classify_file`` returned, for its output. The page has the series if the table has them
        (``keep_series=True``).
    path : str or Path, optional
        HTML file to write; by default ``NAME.report.html`` beside the table.
    classifier, priors, units, columns, date_format, half_wavelength_mm
        As for ``classify_file``, for a table that is not classified.
    diagnose : bool or Diagnose
        Whether rates, breaks and jumps of such a table are estimated as well, and how.
    title : str, optional
        Title of the page; by default the name of the table.
    series_mb : float, optional
        Megabytes of the page for series and attributes of points; by default such that the page is below some 40 MB.
    max_points : int
        Most points on the map; of more rows, a uniform random sample is shown. Counts are those of all rows.
    areas : str or Path, optional
        Moving areas of this table, as ``insar-rt areas`` writes them, which the map outlines and the page lists.
    overwrite : bool
        Whether a file that exists may be replaced.
    progress : callable, optional
        Called with the rows done after each batch; from 0 in each reading.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        If an option is out of range, or would do nothing because the table is classified.
    InsarRuntimeError
        If the page cannot be written; the file is then what it was before.

    Examples
    --------
    >>> summary = insar_runtime.classify_file("batch.parquet", "classified.parquet", keep_series=True)
    >>> insar_runtime.report(summary).output
    'classified.report.html'
    """
    table = Path(source.output if isinstance(source, Summary) else source)
    if max_points < 1 or (series_mb is not None and series_mb < 0):
        raise UsageError(f"max_points is {max_points} and series_mb {series_mb}; give 1 point and 0 MB or more")
    given = {
        "classifier": classifier,
        "priors": priors,
        "units": units,
        "columns": columns or None,
        "date_format": date_format,
        "half_wavelength_mm": half_wavelength_mm,
        "diagnose": diagnose or None,
    }
    refuse_idle(given, table)
    declared = UserDeclarations(units, columns or {}, date_format, half_wavelength_mm)
    done = write_report(
        table,
        table.parent / f"{table.stem}.report.html" if path is None else Path(path),
        classification=Classification(lambda: classifier or Classifier(), declared, priors, diagnose),
        title=title,
        series_mb=series_mb,
        most_points=max_points,
        areas=None if areas is None else Path(areas),
        overwrite=overwrite,
        progress=progress,
    )
    logger().info("%s: page of %d of %d points written", printable(done.output), done.points, done.rows)
    return done
