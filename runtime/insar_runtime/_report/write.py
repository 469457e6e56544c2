"""Writing of the report: classify the table if needed, read it, and write the page."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from insar_runtime._classified.classify_first import Classification, classified_first
from insar_runtime._output.atomic import write_file
from insar_runtime._output.output_checks import check_output, refuse_input
from insar_runtime._progress import Progress
from insar_runtime._report.area_file import read_area_file
from insar_runtime._report.area_page import area_page
from insar_runtime._report.classified_table import open_classified
from insar_runtime._report.coast import coast_of
from insar_runtime._report.facts import page_arrays, page_facts
from insar_runtime._report.gather import Gathered, gather
from insar_runtime._report.page import page_parts

MOST_POINTS: Final = 1_000_000
_PAGE_BYTES: Final = 40e6
"""Size of a page that browsers open at once and most mail systems accept."""
_POINT_BYTES: Final = 26
"""Bytes of a point without its series."""
_MEASURE_BYTES: Final = 2
"""Bytes of a number of a point by which the map is coloured."""
_LEAST_SERIES_BYTES: Final = 4e6


@dataclass(frozen=True, slots=True)
class Report:
    """Summary of a page.

    Attributes
    ----------
    output : str
        Its file.
    rows, points, series : int
        Number of rows of the table, of points on the map, and of points with series.
    size : int
        Size of the page in bytes.
    """

    output: str
    rows: int
    points: int
    series: int
    size: int


def write_report(
    source: Path,
    output: Path,
    *,
    classification: Classification,
    title: str | None = None,
    series_mb: float | None = None,
    most_points: int = MOST_POINTS,
    areas: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write the report of a table, which is classified first if needed.

    Parameters
    ----------
    source : Path
        Classified table, or any other table that ``classify_file`` reads.
    output : Path
        HTML file to write.
    classification : Classification
        How to classify a table that is not classified.
    title : str, optional
        Title of the page; by default the name of the table.
    series_mb : float, optional
        Megabytes of the page for series and attributes of points; by default such that the page is below some 40 MB.
    most_points : int
        Most points on the map; of more rows, a uniform random sample is shown. Counts are those of all rows.
    areas : Path, optional
        Moving areas of this table, as ``insar-rt areas`` writes them, for the map.
    overwrite : bool
        Whether an output that exists may be replaced.
    progress : callable, optional
        Called with the number of rows done, and of all if known; from 0 in each reading.

    Raises
    ------
    InsarRuntimeError
        If the report cannot be written; the output is then unchanged.
    """
    check_output(output, overwrite=overwrite)
    refuse_input(output, [source, *([areas] if areas else [])])
    # Before the table is read, which may take long.
    area_file = None if areas is None else read_area_file(areas)
    with contextlib.ExitStack() as closing:
        classified = closing.enter_context(classified_first(source, classification, progress))
        table = closing.enter_context(open_classified(classified, as_table=classification.declared.as_table))
        gathered = gather(
            table,
            most_points=most_points,
            detail_bytes=_detail_bytes(series_mb, most_points, table.rows, len(table.measures)),
            progress=progress,
        )
        facts = page_facts(table, gathered, title=title or source.name, file=source.name, shown_as=str(source))
        arrays = page_arrays(gathered, facts)
        facts["coast"], coast = coast_of(facts["position"])
        arrays |= coast
        if area_file is not None:
            facts["areas"], outlines = area_page(area_file, facts["position"])
            arrays |= outlines
    write_file(output, (part.encode() for part in page_parts(facts, arrays)), overwrite=overwrite)
    series = _detailed(gathered) if facts["series"]["kept"] else 0
    return Report(str(output), facts["counts"]["rows"], facts["points"], series, output.stat().st_size)


def _detail_bytes(series_mb: float | None, most_points: int, rows: int | None, measures: int) -> float:
    if series_mb is not None:
        return series_mb * 1e6
    points = min(most_points, rows if rows is not None else most_points)
    return max(_PAGE_BYTES - points * (_POINT_BYTES + measures * _MEASURE_BYTES), _LEAST_SERIES_BYTES)


def _detailed(gathered: Gathered) -> int:
    return 0 if gathered.details is None else len(gathered.details)
