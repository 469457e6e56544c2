"""Classify a file of any size: read, classify, write, and return a summary."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from insar_runtime._diagnosis.options import Diagnose
from insar_runtime._engine.runner import Shares
from insar_runtime._input.column_roles import Role
from insar_runtime._input.declarations import UserDeclarations
from insar_runtime._input.opening import path_or_stream
from insar_runtime._input.position import parse_crs
from insar_runtime._input.units.series_units import Unit
from insar_runtime._log import logger
from insar_runtime._pipeline.file_run import run_file
from insar_runtime._pipeline.fingerprint import InputFingerprint
from insar_runtime._pipeline.output_files import OutputFiles
from insar_runtime._pipeline.run_options import RunOptions
from insar_runtime._printable import printable
from insar_runtime._progress import Progress
from insar_runtime.classifier import Classifier
from insar_runtime.errors import BadRowsError, memory_errors
from insar_runtime.summary import Summary, summarize


@memory_errors()
def classify_file(
    source: str | Path | BinaryIO,
    output: str | Path | BinaryIO,
    *,
    classifier: Classifier | None = None,
    units: Unit | None = None,
    columns: Mapping[Role, str] | None = None,
    date_format: str | None = None,
    half_wavelength_mm: float | None = None,
    crs: str | None = None,
    as_table: bool = False,
    keep_series: bool = False,
    priors: Shares | Literal["auto", "local", "trained"] | None = None,
    stable_rate: float | None = None,
    diagnose: bool | Diagnose = False,
    corrected: str | Path | None = None,
    neighbours: bool = False,
    repair_shared: bool = False,
    neighbour_distance: float | None = None,
    also: Sequence[str | Path] = (),
    quarantine: str | Path | None = None,
    max_bad_fraction: float | None = None,
    style: bool = False,
    csv_safe: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Classify a file of any size in bounded memory.

    Parameters
    ----------
    source : str, Path or binary stream
        Parquet, CSV, zip with a CSV, or Arrow IPC; ``-`` or a stream for Arrow IPC from a pipe.
    output : str, Path or binary stream
        File to write: Parquet (GeoParquet 1.1 where positions are known), or by its extension GeoPackage, CSV or Arrow
        IPC; ``-`` or a stream for an Arrow IPC stream.
    classifier : Classifier, optional
        Made with its defaults if not given.
    units : {"mm", "cm", "m", "rad"}, optional
        Unit of the displacements, where the file does not prove it.
    columns : mapping of role to column name, optional
        Columns to take as ``id``, ``longitude``, ``latitude``, ``easting``, ``northing``, ``velocity``, ``coherence``,
        ``height``.
    date_format : str, optional
        Spelling of the dates, such as ``DDMMYYYY``, where it can be read in two ways.
    half_wavelength_mm : float, optional
        Of the radar, which fixes what a radian is; that of the model if not given.
    crs : str, optional
        Coordinate reference system of the positions, such as ``EPSG:32633``, where they are not longitude and latitude
        in degrees. Zones of UTM and EPSG:3035 are known, all others need pyproj.
    as_table : bool
        Whether a folder is one table: its files have one schema, and ``key=value`` in the names of its folders become
        columns of text.
    keep_series : bool
        Whether the output keeps the series beside the attributes.
    priors : mapping of str to float, sequence of 6 or 5 floats, "auto", "local" or "trained", optional
        Shares of the classes where the points come from, in place of the classifier's. ``auto``, the default for a
        classifier without priors of its own, takes a mix between that of the training and that estimated from 2,048 of
        the first 8,192 rows; with fewer than 100 rows to estimate from, the mix of the training is kept. ``trained`` is
        the mix of the training. ``local`` takes a mix around each point, from that of the file and what its neighbours
        show: it needs positions, scipy, and a file, which is read twice. The metadata state the mix and its origin.
    stable_rate : float, optional
        Rate in mm/yr that divides Stable from Linear, in place of the classifier's; see ``Classifier``.
    diagnose : bool or Diagnose
        Whether rates, breaks and jumps are found as well, and how; the output then has the columns of
        ``Diagnosis.to_arrow``, too.
    corrected : str or Path, optional
        File for the table of the input, with repaired jumps taken out of its series and columns that say which:
        Parquet, CSV or Arrow IPC. ``restore`` gives the input back. Rows are diagnosed for it in any case.
    neighbours : bool
        Whether the output says of each point that jumps how many of its neighbours jump as well, and of what kind its
        jump is (columns ``jump_neighbours`` and ``jump_kind``). It needs positions, scipy, and a file, which is read
        twice; rows are diagnosed in any case. Jumps that neighbours or the whole file share are not repaired then.
    repair_shared : bool
        Whether such jumps are repaired like others; implies ``neighbours``.
    neighbour_distance : float, optional
        Metres within which points are neighbours, for ``neighbours`` and local priors; by default three times the
        typical spacing of the points, which has some 28 neighbours.
    also : sequence of str or Path
        Further files for the same rows, each in the format of its extension.
    quarantine : str or Path, optional
        Parquet file for copies of the rows that cannot be classified (``status`` other than ok and abstained), with all
        their columns; it has no rows if there are none. The output keeps these rows all the same.
    max_bad_fraction : float, optional
        Share of such rows above which the run counts as failed, with its outputs written.
    style : bool
        Whether a QGIS style (``.qml``) is written beside each output; a GeoPackage carries its own.
    csv_safe : bool
        Whether CSV outputs get an apostrophe before text that a spreadsheet would take for a formula.
    overwrite : bool
        Whether outputs that exist may be replaced.
    skip_existing : bool
        Whether nothing is done if all outputs are there and say that they come from this input, this model and these
        parameters; outputs that say something else are replaced.
    memory_limit : int, optional
        Bytes that the process may hold. Smaller batches and fewer threads are taken to stay below; if that is not
        enough, or the run exceeds the limit, it raises ``MemoryLimitError`` before the operating system kills it.
    progress : callable, optional
        Called with the rows done after each batch.

    Returns
    -------
    Summary

    Raises
    ------
    BadRowsError
        More rows than ``max_bad_fraction`` cannot be classified; the outputs are written.
    InsarRuntimeError
        Another one of its family; the outputs are then what they were before.
    """
    begin = time.perf_counter()
    source = path_or_stream(source)
    files = OutputFiles.of(output, also, quarantine, corrected, style=style)
    neighbours = neighbours or repair_shared
    if diagnose is True or ((corrected is not None or neighbours) and not diagnose):
        diagnose = Diagnose()
    options = RunOptions(
        UserDeclarations(
            units,
            columns or {},
            date_format,
            half_wavelength_mm,
            None if crs is None else parse_crs(crs),
            as_table=as_table,
        ),
        keep_series=keep_series,
        priors=priors,
        diagnose=diagnose or None,
        neighbours=neighbours,
        repair_shared=repair_shared,
        neighbour_distance=neighbour_distance,
        max_bad_fraction=max_bad_fraction,
        csv_safe=csv_safe,
        overwrite=overwrite,
        skip_existing=skip_existing,
        memory_limit=memory_limit,
    )
    options.check(source, files)
    classifier = classifier or Classifier()
    if stable_rate is not None:
        classifier = classifier.with_stable_rate(stable_rate)
    options = options.with_usual_mix(classifier)
    with InputFingerprint(source, partial(options.key, classifier), needed=skip_existing) as fingerprint:
        block = files.block_of(fingerprint.key()) if skip_existing else None
        skipped = block is not None
        if block is not None:
            files.remove_abandoned()
        else:
            block = run_file(source, files, options, classifier, fingerprint=fingerprint.facts, progress=progress)
    summary = summarize(block, _name(source), files.names, seconds=time.perf_counter() - begin, skipped=skipped)
    _log_summary(summary)
    if max_bad_fraction is not None and summary.bad_rows > max_bad_fraction * summary.rows:
        raise BadRowsError(
            f"{summary.bad_rows} of {summary.rows} rows cannot be classified, more than the allowed share of "
            f"{max_bad_fraction}; {summary.output} is written; see its column status",
            summary,
        )
    return summary


def _log_summary(summary: Summary) -> None:
    shown = printable(summary.input)
    if summary.skipped:
        logger().info("%s: nothing to do, %s is there", shown, printable(summary.output))
        return
    for note in summary.notes:
        logger().warning("%s: %s", shown, printable(note))
    for finding in summary.findings:
        logger().warning("%s: %s", shown, printable(finding.sentence))
    shares = ", ".join(f"{name} {share:.3f}" for name, share in summary.priors.shares.items())
    logger().info("%s: probabilities hold for the mix %s (%s)", shown, shares, summary.priors.origin)
    classified = sum(summary.classes.values())
    written = (summary.rows, summary.rows - classified, summary.seconds, printable(summary.output))
    logger().info("%s: %d rows, %d without a class, in %.1f s; written to %s", shown, *written)


def _name(where: Path | str | BinaryIO) -> str:
    return str(where) if isinstance(where, (str, Path)) else str(getattr(where, "name", "stream"))
