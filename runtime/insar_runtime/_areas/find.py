"""``insar_runtime.find_areas``: the areas of ``insar-rt areas``, for callers in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from insar_runtime._areas.detect import DetectedAreas, detect_areas
from insar_runtime._areas.point_table import add_point_table
from insar_runtime._areas.settings import MIN_POINTS, MOVING_CLASSES, AreaSettings, parse_settings
from insar_runtime._areas.write import add_areas, check_format
from insar_runtime._classified.classify_first import Classification, classified_first, refuse_idle
from insar_runtime._findings.wording import noun
from insar_runtime._input.column_roles import Role
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.position import parse_crs
from insar_runtime._input.units.series_units import Unit
from insar_runtime._log import logger
from insar_runtime._output.atomic import OutputGroup
from insar_runtime._output.output_checks import check_output, is_among, refuse_input
from insar_runtime._output.sinks import format_of
from insar_runtime._printable import printable
from insar_runtime._progress import Progress
from insar_runtime._spatial.require import require
from insar_runtime._version import __version__
from insar_runtime.classifier import Classifier, Shares
from insar_runtime.errors import UsageError, memory_errors
from insar_runtime.summary import Summary

_KEPT: Final = (
    "model", "model_version", "model_sha256", "precision", "class_names", "definitions", "priors", "attribution",
)  # fmt: skip
"""What the metadata of areas repeat of those of the classified table."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Summary of a search of areas.

    Attributes
    ----------
    output : str
        File of the areas.
    points_output : str or None
        File of the point table with ``area_id``.
    areas : int
        Number of areas.
    rows : int
        Number of rows of the table.
    moving_points : int
        Number of its points of moving classes.
    points_in_areas : int
        Number of moving points in areas.
    distance_m : float or None
        Distance within which points are neighbours, where they lie as densely as usual; None if no points moved.
    quality : dict of int to int
        Number of areas of each quality, 1 to 4.
    notes : tuple of str
        What a person should know about the areas.
    """

    output: str
    points_output: str | None
    areas: int
    rows: int
    moving_points: int
    points_in_areas: int
    distance_m: float | None
    quality: Mapping[int, int]
    notes: tuple[str, ...]


def find_areas(
    source: str | Path | Summary,
    output: str | Path,
    *,
    points: str | Path | None = None,
    distance: float | None = None,
    min_points: int = MIN_POINTS,
    classes: Sequence[str] = MOVING_CLASSES,
    series: bool = False,
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
) -> Areas:
    """Find the areas of points that move, lie together and move alike, and write them with outlines and numbers.

    Needs the extra ``spatial``: ``pip install 'insar-runtime[spatial]'``.

    Parameters
    ----------
    source : str, Path or Summary
        Classified table; or any other table that ``classify_file`` reads, which is classified and diagnosed first; or
        what ``classify_file`` returned, for its output. Quality, displacement and series of areas need the series of
        the points (``keep_series=True``), breaks the diagnosis (``diagnose=True``).
    output : str or Path
        File of the areas: ``.gpkg``, ``.parquet`` (GeoParquet 1.1), ``.geojson`` or ``.csv``.
    points : str or Path, optional
        File for the classified table with a column ``area_id``, in any format that ``classify_file`` writes.
    distance : float, optional
        Distance in metres within which points are neighbours. By default 2.3 times the typical spacing of the points,
        and up to five times that where they are sparser.
    min_points : int
        Fewest moving points of an area.
    classes : sequence of str
        Classes of points that move.
    series : bool
        Whether each area gets the median and the quartiles of its series at each date.
    classifier, priors, units, date_format, half_wavelength_mm
        As for ``classify_file``, for a table that is not classified.
    columns, crs, as_table
        As for ``classify_file``, for any table.
    overwrite : bool
        Whether files that exist may be replaced.
    progress : callable, optional
        Called with the rows done after each batch; from 0 in each reading.

    Returns
    -------
    Areas

    Raises
    ------
    UsageError
        If an option is out of range, or would do nothing because the table is classified.
    UnavailableError
        If a package of the extra is not installed.
    InsarRuntimeError
        If the table has no usable positions, or a file cannot be written; the outputs are then what they were before.

    Examples
    --------
    >>> summary = insar_runtime.classify_file("batch.parquet", "classified.parquet", keep_series=True, diagnose=True)
    >>> insar_runtime.find_areas(summary, "areas.gpkg").areas
    12
    """
    table = Path(source.output if isinstance(source, Summary) else source)
    settings = parse_settings(distance, min_points, classes, series=series)
    given = {
        "classifier": classifier,
        "priors": priors,
        "units": units,
        "date_format": date_format,
        "half_wavelength_mm": half_wavelength_mm,
    }
    refuse_idle(given, table, as_table=as_table)
    declared = UserDeclarations(
        units,
        columns or {},
        date_format,
        half_wavelength_mm,
        None if crs is None else parse_crs(crs),
        as_table=as_table,
    )
    done = write_areas(
        table,
        Path(output),
        points=None if points is None else Path(points),
        settings=settings,
        classification=Classification(lambda: classifier or Classifier(), declared, priors, diagnose=True),
        overwrite=overwrite,
        progress=progress,
    )
    for note in done.notes:
        logger().warning("%s: %s", printable(str(table)), printable(note))
    counts = (done.areas, noun(done.areas, "area"), done.rows, noun(done.rows, "row"))
    logger().info("%s: %d %s of %d %s written", printable(done.output), *counts)
    return done


@memory_errors()
def write_areas(
    source: Path,
    output: Path,
    *,
    points: Path | None,
    settings: AreaSettings,
    classification: Classification,
    threads: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Areas:
    """Find and write the areas of a table, which is classified first if needed; see ``find_areas``.

    Raises
    ------
    InsarRuntimeError
        If the areas cannot be found or written; the outputs are then what they were before.
    """
    check_format(output)
    outputs = [output] if points is None else [output, points]
    if points is not None:
        format_of(points)
        if is_among(points, [output]):
            raise UsageError(f"output {points} is named twice; give the point table its own name")
    for path in outputs:
        refuse_input(path, [source])
        check_output(path, overwrite=overwrite)
    for module in ("scipy", "shapely", "pyproj"):
        require(module, "a search of areas")
    as_table = classification.declared.as_table
    with classified_first(source, classification, progress) as classified:
        areas = detect_areas(
            classified, settings, classification.declared, name=str(source), threads=threads, progress=progress
        )
        block = _metadata(areas, settings, source)
        with OutputGroup(overwrite=overwrite) as group:
            add_areas(group, output, areas, block, series=settings.series)
            if points is not None:
                of_points = {**areas.block, "areas": block["areas"]}
                add_point_table(
                    group,
                    points,
                    classified,
                    areas.area_of_row,
                    of_points,
                    name=str(source),
                    as_table=as_table,
                    progress=progress,
                )
    return Areas(
        output=str(output),
        points_output=None if points is None else str(points),
        areas=len(areas.numbers),
        rows=areas.search["rows"],
        moving_points=areas.search["moving_points"],
        points_in_areas=sum(one["moving_points"] for one in areas.numbers),
        distance_m=areas.search["distance_m"],
        quality={level: sum(one.get("quality") == level for one in areas.numbers) for level in range(1, 5)},
        notes=tuple(_notes(areas)),
    )


def _metadata(areas: DetectedAreas, settings: AreaSettings, source: Path) -> dict[str, Any]:
    return {
        "package": "insar-runtime",
        "package_version": __version__,
        "input": {"name": source.name},
        **{name: areas.block[name] for name in _KEPT if name in areas.block},
        "areas": {"count": len(areas.numbers), **settings.to_dict(), "search": areas.search},
        "notes": _notes(areas),
    }


def _notes(areas: DetectedAreas) -> list[str]:
    notes = []
    if areas.numbers and all(one.get("quality") is None for one in areas.numbers):
        notes.append("the table has no series, so areas have no quality; classify it with --keep-series")
    if areas.search["rates_from"] == "nowhere":
        notes.append("the table has no rates, so all neighbours count as moving alike; classify it with --diagnose")
    missing = areas.search["rows_without_position"]
    if missing:
        notes.append(f"{missing} of {areas.search['rows']} rows have no position and are in no area")
    return notes
